package modelsim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// limitHeaders picks the headers that speak of limits.
func limitHeaders(h http.Header) string {
	var list []string
	for _, name := range []string{
		"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
		"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
		"Retry-After", "Retry-After-Ms", "X-Should-Retry",
	} {
		if v := h.Get(name); v != "" {
			list = append(list, strings.TrimPrefix(name, "X-Ratelimit-")+"="+v)
		}
	}
	return strings.Join(list, " ")
}

func TestRateLimits(t *testing.T) {
	type request struct {
		after   time.Duration
		body    string
		status  int
		headers string
	}
	// Each answer that is not refused takes 95 ms.
	small := chat(10, "a", `,"max_tokens":5`) // charged 15 tokens
	tests := []struct {
		name           string
		config         func(*modelsim.Config)
		requests       []request
		refusalMessage string
	}{
		{
			name:   "requests a minute",
			config: func(c *modelsim.Config) { c.RequestsPerMinute = 2 },
			requests: []request{
				{0, small, 200, "Limit-Requests=2 Remaining-Requests=1 Reset-Requests=30s"},
				{0, small, 200, "Limit-Requests=2 Remaining-Requests=0 Reset-Requests=59.905s"},
				{0, small, 429, "Limit-Requests=2 Remaining-Requests=0 Reset-Requests=59.81s Retry-After=30 Retry-After-Ms=29810"},
				{29809 * ms, small, 429, "Limit-Requests=2 Remaining-Requests=0 Reset-Requests=30.001s Retry-After=1 Retry-After-Ms=1"},
				{1 * ms, small, 200, "Limit-Requests=2 Remaining-Requests=0 Reset-Requests=1m0s"},
			},
			refusalMessage: "Rate limit reached for sim-medium on requests per min (RPM): Limit 2, Used 2, Requested 1. Please try again in 29.81s.",
		},
		{
			name:   "tokens a minute, by prompt and requested maximum",
			config: func(c *modelsim.Config) { c.TokensPerMinute = 60 },
			requests: []request{
				{0, small, 200, "Limit-Tokens=60 Remaining-Tokens=45 Reset-Tokens=15s"},
				{0, chat(10, "a", `,"max_tokens":40`), 429, "Limit-Tokens=60 Remaining-Tokens=45 Reset-Tokens=14.905s Retry-After=5 Retry-After-Ms=4905"},
				{0, small, 200, "Limit-Tokens=60 Remaining-Tokens=30 Reset-Tokens=29.905s"},
			},
			refusalMessage: "Rate limit reached for sim-medium on tokens per min (TPM): Limit 60, Used 15, Requested 50. Please try again in 4.905s.",
		},
		{
			name:   "larger than the limit",
			config: func(c *modelsim.Config) { c.TokensPerMinute = 60 },
			requests: []request{
				{0, chat(10, "a", `,"max_tokens":51`), 429, "Limit-Tokens=60 Remaining-Tokens=60 Reset-Tokens=0s Retry-After=1 Retry-After-Ms=1000 X-Should-Retry=false"},
			},
			refusalMessage: "Request too large for sim-medium on tokens per min (TPM): Limit 60, Requested 61.",
		},
		{
			name:     "none",
			config:   func(*modelsim.Config) {},
			requests: []request{{0, small, 200, ""}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := exact()
				tt.config(&cfg)
				h := start(t, cfg)
				message := ""
				for i, r := range tt.requests {
					time.Sleep(r.after)
					got := h.post(chatPath, r.body)
					if got.status != r.status || limitHeaders(got.header) != r.headers {
						t.Errorf("request %d: %d %s\nwant %d %s", i, got.status, limitHeaders(got.header), r.status, r.headers)
					}
					if got.status != http.StatusTooManyRequests || message != "" {
						continue
					}
					var body struct {
						Error struct{ Message, Type, Code string }
					}
					decode(t, got.body, &body)
					message = body.Error.Message
					if body.Error.Code != "rate_limit_exceeded" {
						t.Errorf("code %q", body.Error.Code)
					}
					if ex := h.truth(got); ex.Outcome != modelsim.OutcomeRefused || ex.Status != 429 {
						t.Errorf("ground truth says %s, %d", ex.Outcome, ex.Status)
					}
				}
				if message != tt.refusalMessage {
					t.Errorf("refused with %q, want %q", message, tt.refusalMessage)
				}
			})
		})
	}
}
