package modelsim

import (
	"fmt"
	"net/http"
	"time"
)

// gemini is the provider of Google's API of Gemini models.
// https://ai.google.dev/gemini-api/docs/troubleshooting
type gemini struct {
	plain
	// array makes errors the only element of a JSON array, as the answers to streams without alt=sse have
	// them.
	array bool
}

// geminiEndpoints lists the paths of the Gemini API and of Vertex AI, which end alike.
func geminiEndpoints() []endpoint {
	const generation, dialect = "generate_content", "gemini-generate"
	return []endpoint{
		{"/models/*:generateContent", dialect, generation, gemini{}, nil, generate[geminiBody]},
		{"/models/*:streamGenerateContent", dialect, generation, gemini{array: true}, jsonArray{}, generate[geminiBody]},
		{"/models/*:streamGenerateContent?alt=sse", dialect, generation, gemini{}, sseCRLF{}, generate[geminiBody]},
		{"/models/*:countTokens", "", "count_tokens", gemini{}, nil, (*call).geminiTokens},
		{"/models/*:embedContent", "gemini-embed", "embeddings", gemini{}, nil, (*call).geminiEmbedding},
		{"/models/*:batchEmbedContents", "gemini-embed", "embeddings", gemini{}, nil, (*call).geminiEmbeddings},
	}
}

// accepts wants the key in a field of its own, in the query, or as bearer token.
func (g gemini) accepts(r *http.Request, key string) bool {
	return r.Header.Get("X-Goog-Api-Key") == key || r.URL.Query().Get("key") == key || g.plain.accepts(r, key)
}

func (gemini) setProcessing(head http.Header, took time.Duration) {
	head.Set("Server-Timing", fmt.Sprintf("gfet4t7; dur=%d", took.Milliseconds()))
}

type geminiErrorBody struct {
	Error struct {
		Code    int              `json:"code"`
		Message string           `json:"message"`
		Status  string           `json:"status"`
		Details []map[string]any `json:"details,omitempty"`
	} `json:"error"`
}

func (g gemini) errorBody(e *apiError, _ string) any {
	var body geminiErrorBody
	body.Error.Code, body.Error.Message, body.Error.Status = e.status, e.Message, geminiStatus(e.status)
	if e.wait > 0 {
		body.Error.Details = []map[string]any{{
			"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": ceil(e.wait, time.Second).String(),
		}}
	}
	if g.array {
		return []any{body}
	}
	return body
}

// geminiStatus is the name that Google's APIs give to errors with this status.
// https://cloud.google.com/apis/design/errors
func geminiStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	}
	if status < http.StatusInternalServerError {
		return "INVALID_ARGUMENT"
	}
	return "INTERNAL"
}

func (gemini) garbage() event {
	return event{data: []byte("{\"candidates\":[{\"content\":{\"parts\":[{\"te\x00")}
}
