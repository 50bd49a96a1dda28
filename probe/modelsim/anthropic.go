package modelsim

import (
	"net/http"
	"strconv"
	"time"
)

// statusOverloaded is Anthropic's own status for a service that has too much to do.
const statusOverloaded = 529

// anthropic is the provider of Messages, of its own and in Google's Vertex AI.
// https://docs.claude.com/en/api/errors and https://docs.claude.com/en/api/rate-limits
type anthropic struct{ plain }

func anthropicEndpoints() []endpoint {
	return []endpoint{
		{"/v1/messages", "anthropic-messages", "chat", anthropic{}, sse{}, generate[messagesBody]},
		{"/publishers/anthropic/models/*:rawPredict", "anthropic-vertex", "chat", anthropic{}, nil, generate[pathMessagesBody]},
		{"/publishers/anthropic/models/*:streamRawPredict", "anthropic-vertex", "chat", anthropic{}, sse{}, generate[pathMessagesBody]},
		{"/v1/messages/count_tokens", "", "count_tokens", anthropic{}, nil, (*call).countTokens},
	}
}

// accepts wants the key in a field of its own, or as bearer token.
func (a anthropic) accepts(r *http.Request, key string) bool {
	return r.Header.Get("X-Api-Key") == key || a.plain.accepts(r, key)
}

func (anthropic) setID(head http.Header, id string) { head.Set("Request-Id", id) }

// setQuota writes the anthropic-ratelimit fields, whose reset is the second in which nothing of the
// limit will be used any more.
func (anthropic) setQuota(head http.Header, q quota, now time.Time) {
	for _, s := range q.states {
		field := "Anthropic-Ratelimit-" + s.kind
		head.Set(field+"-Limit", strconv.Itoa(s.limit))
		head.Set(field+"-Remaining", strconv.Itoa(s.remaining))
		head.Set(field+"-Reset", now.Add(s.reset+time.Second-1).UTC().Format(time.RFC3339))
	}
	if q.refused != nil {
		q.refused.setRetryAfter(head)
	}
}

func (anthropic) overload() int { return statusOverloaded }

type anthropicError struct {
	Type  string `json:"type"`
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	RequestID *string `json:"request_id"`
}

func (anthropic) errorBody(e *apiError, id string) any {
	body := anthropicError{Type: "error"}
	body.Error.Type, body.Error.Message = anthropicErrorType(e.status), e.Message
	if id != "" {
		body.RequestID = &id
	}
	switch e.status {
	case http.StatusUnauthorized:
		body.Error.Message = "invalid x-api-key"
	case http.StatusInternalServerError:
		body.Error.Message = "Internal server error"
	case statusOverloaded:
		body.Error.Message = "Overloaded"
	}
	return body
}

// anthropicErrorType is the type of the errors with this status.
func anthropicErrorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusConflict:
		return "conflict_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case statusOverloaded:
		return "overloaded_error"
	}
	if status < http.StatusInternalServerError {
		return "invalid_request_error"
	}
	return "api_error"
}

func (anthropic) garbage() event {
	return event{name: "content_block_delta", data: []byte("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"te\x00")}
}
