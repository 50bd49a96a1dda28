package modelsim

import (
	"net/http"
	"strconv"
	"time"
)

// openAI is the provider of chat, legacy completions, Responses and embeddings.
type openAI struct{}

// accepts wants the key as bearer token.
func (openAI) accepts(head http.Header, key string) bool {
	return head.Get("Authorization") == "Bearer "+key
}

func (openAI) setID(head http.Header, id string) { head.Set("X-Request-Id", id) }

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

func (openAI) overload() int { return http.StatusServiceUnavailable }

type errorBody struct {
	Error *apiError `json:"error"`
}

func (openAI) errorBody(e *apiError, _ string) any { return errorBody{e} }

func (openAI) garbage() []byte {
	return []byte("data: {\"id\":\"garbage\",\"choices\":[{\"delta\":{\"conte\x00\n\n")
}
