package openai

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Chat is the chat completions API.
// https://platform.openai.com/docs/api-reference/chat
func Chat() dialect.Dialect {
	completions := compatible.Post("/chat/completions")
	return &reading.API{
		Name: "openai-chat",
		Guide: reading.Guide{
			Request:    "`POST …/chat/completions`; `POST …/serving-endpoints/NAME/invocations` (Databricks)",
			FirstToken: "text, a refusal, reasoning, the name or arguments of a tool call, a picture or sound in a delta, or in a whole message without deltas before it; unknown text in a delta, with a note",
			Usage:      "`usage` of the last chunk, or of every chunk, or in a choice; `x_groq.usage`; `timings` of llama.cpp",
			End:        "`[DONE]`",
			Reference:  "https://platform.openai.com/docs/api-reference/chat",
		},
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return completions(h) || isDatabricks(h) },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Servers:    servers,
		Unnamed:    compatible.Unnamed,
		ServerOf:   serverOf,
		Terminator: compatible.Terminator,
		Request: frame.MustShape(frame.Paths{
			"model":                        reading.AskModel,
			"stream":                       reading.AskStream,
			"n":                            reading.AskChoices,
			"stream_options.include_usage": reading.AskUsage,
		}),
		Response: frame.MustShape(reading.Join(reading.Under("choices.[].delta.", compatible.OtherPaths()), completionPaths())),
	}
}

// isDatabricks matches a request to a model that Databricks serves:
// /serving-endpoints/NAME/invocations.
func isDatabricks(h *dialect.Head) bool {
	return h.Method == "POST" && strings.Contains(h.Path, "/serving-endpoints/") && strings.HasSuffix(h.Path, "/invocations")
}
