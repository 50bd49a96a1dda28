package modelsim_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
)

func TestAnthropicErrorsHaveATypeAStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		for status, want := range map[int]string{
			400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
			404: "not_found_error", 408: "timeout_error", 409: "conflict_error", 413: "request_too_large", 422: "invalid_request_error",
			429: "rate_limit_error", 500: "api_error", 503: "api_error", 504: "timeout_error", 529: "overloaded_error",
		} {
			r := h.post(messagesPath, ask(9, ""), "X-Sim-Fault", fmt.Sprintf("http=%d", status))
			var got struct {
				Type  string
				Error struct{ Type, Message string }
				ID    string `json:"request_id"`
			}
			decode(t, r.body, &got)
			if r.status != status || got.Type != "error" || got.Error.Type != want || got.Error.Message == "" || got.ID != r.header.Get("Request-Id") {
				t.Errorf("status %d: %d, %+v, want %s", status, r.status, got, want)
			}
		}
	})
}

func TestFullEngineRefusesMessagesAsOverloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.MaxRunning, cfg.MaxWaiting = 1, 1
		h := start(t, cfg)
		statuses := map[int]int{}
		done := make(chan int)
		for range 5 {
			go func() { done <- h.post(messagesPath, ask(50, "")).status }()
		}
		for range 5 {
			statuses[<-done]++
		}
		if want := map[int]int{200: 2, 529: 3}; !reflect.DeepEqual(statuses, want) {
			t.Errorf("statuses %v, want %v", statuses, want)
		}
	})
}
