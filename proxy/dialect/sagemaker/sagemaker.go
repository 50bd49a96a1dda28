// Package sagemaker reads endpoints of Amazon SageMaker, which pass on the body of any
// model server.
package sagemaker

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Invoke()} }

// Invoke is InvokeEndpoint and InvokeEndpointWithResponseStream. The body is that of the
// model server inside: OpenAI's chat or completions, Text Generation Inference, or DJL.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html
func Invoke() dialect.Dialect {
	return &reading.API{
		Name: "sagemaker-invoke",
		Guide: reading.Guide{
			Request:    "`POST …/endpoints/NAME/invocations`, `/invocations-response-stream`",
			FirstToken: "text in the format of OpenAI, TGI or DJL",
			Usage:      "`usage` or `details`, if the model server has them",
			End:        "`[DONE]`, the end of the connection, or an exception",
			Reference:  "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html",
		},
		Operation: exchange.TextCompletion,
		Matches: func(h *dialect.Head) bool {
			return h.Method == "POST" && strings.Contains(h.Path, endpoints) && (strings.HasSuffix(h.Path, "/invocations") || streams(h))
		},
		Provider:   func(*dialect.Head) string { return "aws.sagemaker" },
		PathModel:  endpoint,
		Streams:    streams,
		Single:     true,
		Endless:    true,
		AnyFormat:  true,
		Terminator: compatible.Terminator,
		Framing:    reading.Parts,
		Request:    frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), compatible.ChatPaths(), reading.Under("usage.", compatible.UsagePaths()), frame.Paths{
			"model":                       reading.Model,
			"token.id":                    reading.TokenID,
			"token.text":                  reading.Content,
			"details.finish_reason":       reading.Finish,
			"details.generated_tokens":    reading.OutputTokens,
			"details.input_length":        reading.InputTokens,
			"outputs.[]":                  reading.Content,
			"generation":                  reading.Content,
			"completion":                  reading.Content,
			"[].details.finish_reason":    reading.Finish,
			"[].details.generated_tokens": reading.OutputTokens,
		})),
	}
}

const endpoints = "/endpoints/"

// endpoint is the name of the endpoint, which stands for its model.
func endpoint(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, endpoints)
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func streams(h *dialect.Head) bool {
	return strings.HasSuffix(h.Path, "/invocations-response-stream")
}
