package tap_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestRateLimits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields []string
		want   []exchange.RateLimit
	}{
		{"none", []string{"Content-Type", "text/plain", "x-ratelimit", "1", "x-ratelimit-limit", "1"}, nil},
		{"OpenAI", []string{
			"x-ratelimit-limit-requests", "60", "X-RateLimit-Remaining-Requests", "59", "x-ratelimit-reset-requests", "1s",
			"x-ratelimit-limit-tokens", "150000", "x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "6m0.5s",
		}, []exchange.RateLimit{
			{Kind: "requests", Limit: exchange.Known(60), Remaining: exchange.Known(59), Reset: time.Second},
			{Kind: "tokens", Limit: exchange.Known(150000), Remaining: exchange.Known(0), Reset: 6*time.Minute + 500*ms},
		}},
		{"Azure's bare seconds", []string{"x-ratelimit-reset-tokens", "2.5"}, []exchange.RateLimit{{Kind: "tokens", Reset: 2500 * ms}}},
		{"unknown is not zero", []string{"x-ratelimit-remaining-tokens", "-1", "x-ratelimit-limit-tokens", "many", "x-ratelimit-reset-tokens", "soon"}, []exchange.RateLimit{{Kind: "tokens"}}},
		{"negative reset", []string{"x-ratelimit-reset-tokens", "-5s"}, []exchange.RateLimit{{Kind: "tokens"}}},
		{"Anthropic", []string{
			"anthropic-ratelimit-requests-limit", "50", "Anthropic-Ratelimit-Requests-Remaining", "49",
			"anthropic-ratelimit-input-tokens-limit", "30000", "anthropic-ratelimit-input-tokens-remaining", "29000",
			"anthropic-ratelimit-output-tokens-remaining", "8000", "anthropic-ratelimit-unified-status", "allowed",
			"anthropic-ratelimit-limit", "1", "anthropic-ratelimit-", "1",
		}, []exchange.RateLimit{
			{Kind: "requests", Limit: exchange.Known(50), Remaining: exchange.Known(49)},
			{Kind: "input_tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(29000)},
			{Kind: "output_tokens", Remaining: exchange.Known(8000)},
		}},
		{"other names", []string{"x-ratelimit-policy-tokens", "1", "x-ratelimit-limit-images", "1", "x-ratelimit-limit-tokens-per-day", "1"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, told := newTap(&script{})
			x := of.Begin(chat())
			x.ResponseHead(200, header(tt.fields...), tap.Now())
			end(x)
			if got := told.only(t).RateLimits; !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// Anthropic says when a limit will be full again, not how long that takes.
func TestRateLimitThatIsFullAtATime(t *testing.T) {
	of, told := newTap(&script{})
	x := of.Begin(chat())
	read := tap.Now()
	full := read.Time().Add(time.Minute).UTC().Truncate(time.Second)
	x.ResponseHead(200, header(
		"anthropic-ratelimit-tokens-reset", full.Format(time.RFC3339),
		"anthropic-ratelimit-requests-reset", "2001-02-03T04:05:06Z",
	), read)
	end(x)
	want := []exchange.RateLimit{{Kind: "tokens", Reset: full.Sub(read.Time())}, {Kind: "requests"}}
	if got := told.only(t).RateLimits; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
