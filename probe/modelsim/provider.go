package modelsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// provider has all that the endpoints of one provider share: how a request proves who sent it, and
// the wording of heads, limits and errors.
type provider interface {
	// accepts says whether the head of a request carries the key.
	accepts(r *http.Request, key string) bool
	// setID names the exchange in the head of its response.
	setID(head http.Header, id string)
	// setProcessing tells in the head of a response how long the server took until then.
	setProcessing(head http.Header, took time.Duration)
	// setQuota tells the limits in the head of a response and, after a refusal, when to try again.
	setQuota(head http.Header, q quota, now time.Time)
	// setError tells in the head of a response what its error is.
	setError(head http.Header, e *apiError)
	// overload is the status of the answer when too many requests wait.
	overload() int
	// errorBody is the body of an answer that is an error. The id is that of the exchange, or empty.
	errorBody(e *apiError, id string) any
	// garbage is an event whose JSON breaks off.
	garbage() event
}

// plain is what providers embed that have no words of their own for some of it.
type plain struct{}

// accepts wants the key as bearer token.
func (plain) accepts(r *http.Request, key string) bool {
	return r.Header.Get("Authorization") == "Bearer "+key
}

func (plain) setID(head http.Header, id string) { head.Set("X-Request-Id", id) }

func (plain) setProcessing(http.Header, time.Duration) {}

// setQuota tells only when to try again.
func (plain) setQuota(head http.Header, q quota, _ time.Time) {
	if q.refused != nil {
		q.refused.setRetryAfter(head)
	}
}

// setError does nothing, for the body tells all.
func (plain) setError(http.Header, *apiError) {}

func (plain) overload() int { return http.StatusServiceUnavailable }

// apiError is an error that the client gets. Its fields are those of the OpenAI API, which has the
// most of them; other providers word it by its status.
type apiError struct {
	status  int
	wait    time.Duration // until another try may succeed, 0 if unknown
	Message string        `json:"message"`
	Type    string        `json:"type"`
	Param   *string       `json:"param"`
	Code    any           `json:"code"` // a string or null
}

func (e *apiError) Error() string { return e.Message }

// write answers with the error where there is no exchange.
func (e *apiError) write(w http.ResponseWriter, p provider) {
	p.setError(w.Header(), e)
	writeJSON(w, e.status, p.errorBody(e, ""))
}

// invalidRequest is a 400 about the parameter, which may be empty.
func invalidRequest(param, format string, args ...any) *apiError {
	e := &apiError{status: http.StatusBadRequest, Type: "invalid_request_error", Message: fmt.Sprintf(format, args...)}
	if param != "" {
		e.Param = &param
	}
	return e
}

// serverError is an error that has nothing to do with what the client asked for.
func serverError(status int) *apiError {
	e := &apiError{status: status, Type: "server_error", Message: "The server had an error while processing your request."}
	switch {
	case status == http.StatusServiceUnavailable:
		e.Message = "The engine is currently overloaded, please try again later."
	case status == http.StatusTooManyRequests:
		e.Type, e.Code, e.Message = "requests", "rate_limit_exceeded", "Rate limit reached."
	case status < http.StatusInternalServerError:
		e.Type, e.Message = "invalid_request_error", strings.ToLower(http.StatusText(status))
	}
	return e
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Encode fails when the client has left, and then there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}
