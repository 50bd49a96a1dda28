package modelsim

import (
	"net/http"
	"strconv"
	"time"
)

// openAI is the provider of chat, legacy completions, Responses and embeddings.
type openAI struct{ plain }

func openAIEndpoints() []endpoint {
	return []endpoint{
		{"/v1/chat/completions", "openai-chat", "chat", openAI{}, sse{}, generate[chatBody]},
		{"/v1/completions", "openai-completions", "text_completion", openAI{}, sse{}, generate[completionsBody]},
		{"/v1/responses", "openai-responses", "chat", openAI{}, sse{}, generate[responsesBody]},
		{"/v1/embeddings", "openai-embeddings", "embeddings", openAI{}, nil, (*call).embeddings},
	}
}

func (openAI) setProcessing(head http.Header, took time.Duration) {
	head.Set("Openai-Processing-Ms", strconv.FormatInt(took.Milliseconds(), 10))
}

// setQuota writes the x-ratelimit fields, whose reset is a duration like 6m0s or 120ms.
func (openAI) setQuota(head http.Header, q quota, _ time.Time) {
	for _, s := range q.states {
		head.Set("X-Ratelimit-Limit-"+s.kind, strconv.Itoa(s.limit))
		head.Set("X-Ratelimit-Remaining-"+s.kind, strconv.Itoa(s.remaining))
		head.Set("X-Ratelimit-Reset-"+s.kind, ceil(s.reset, time.Millisecond).String())
	}
	if r := q.refused; r != nil {
		r.setRetryAfter(head)
		head.Set("Retry-After-Ms", strconv.FormatInt(ceil(r.wait, time.Millisecond).Milliseconds(), 10))
	}
}

type errorBody struct {
	Error *apiError `json:"error"`
}

func (openAI) errorBody(e *apiError, _ string) any { return errorBody{e} }

func (openAI) garbage() event {
	return event{data: []byte("{\"id\":\"garbage\",\"choices\":[{\"delta\":{\"conte\x00")}
}
