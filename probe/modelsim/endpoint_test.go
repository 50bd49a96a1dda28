package modelsim_test

import (
	"testing"
	"testing/synctest"
)

func TestPathsLeadToAPIs(t *testing.T) {
	tests := []struct {
		name, path, dialect string
		status              int
	}{
		{"the API's own path", "/v1/chat/completions", "openai-chat", 200},
		{"a gateway's prefix", "/team/a/v1/chat/completions", "openai-chat", 200},
		{"a prefix with a version", "/v1/gateway/v1/chat/completions", "openai-chat", 200},
		{"no version", "/chat/completions", "", 404},
		{"more behind the API", "/v1/chat/completions/more", "", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, exact())
				r := h.post(tt.path, chat(10, "a", ""))
				if r.err != nil || r.status != tt.status {
					t.Fatalf("status %d, %v, want %d", r.status, r.err, tt.status)
				}
				if list := h.sim.Exchanges(0); tt.dialect == "" && len(list) > 0 {
					t.Errorf("the ground truth has %+v", list)
				}
				if tt.dialect != "" && h.truth(r).Dialect != tt.dialect {
					t.Errorf("dialect %q, want %q", h.truth(r).Dialect, tt.dialect)
				}
			})
		})
	}
}
