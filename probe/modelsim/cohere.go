package modelsim

import "net/http"

// cohere is the provider of Cohere's API, version 2.
// https://docs.cohere.com/reference/errors
type cohere struct{ plain }

func cohereEndpoints() []endpoint {
	return []endpoint{
		{"/v2/chat", "cohere-chat", "chat", cohere{}, sse{}, generate[cohereBody]},
		{"/v2/embed", "cohere-embed", "embeddings", cohere{}, nil, (*call).cohereEmbed},
		{"/v2/rerank", "cohere-rerank", "rerank", cohere{}, nil, (*call).cohereRerank},
	}
}

type cohereError struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

func (cohere) errorBody(e *apiError, id string) any {
	body := cohereError{ID: id, Message: e.Message}
	if e.status == http.StatusUnauthorized {
		body.Message = "invalid api token"
	}
	return body
}

func (cohere) garbage() event {
	return event{name: "content-delta", data: []byte("{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"mes\x00")}
}

// cohereUsage is the usage of an answer. The simulator bills all that it reads and writes.
type cohereUsage struct {
	Billed cohereTokens `json:"billed_units"`
	Tokens cohereTokens `json:"tokens"`
	Cached int          `json:"cached_tokens"`
}

type cohereTokens struct {
	Input     int `json:"input_tokens"`
	Output    int `json:"output_tokens"`
	Reasoning int `json:"reasoning_tokens,omitempty"`
}

func (t tally) cohereUsage() cohereUsage {
	tokens := cohereTokens{Input: t.prompt, Output: t.output, Reasoning: t.reasoning}
	return cohereUsage{Billed: cohereTokens{Input: t.prompt, Output: t.output}, Tokens: tokens, Cached: t.cached}
}

// cohereReason is the API's word for why the engine ended an answer.
func cohereReason(reason string) string {
	switch reason {
	case "length":
		return "MAX_TOKENS"
	case "tool_calls":
		return "TOOL_CALL"
	}
	return "COMPLETE"
}
