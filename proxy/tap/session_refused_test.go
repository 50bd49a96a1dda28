package tap_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// A request for a session that its upstream turns away is an exchange like any other.
func TestAnUpgradeThatIsTurnedAway(t *testing.T) {
	const realtime, responses = "/v1/realtime?model=gpt-realtime", "/v1/responses"
	for _, c := range []struct {
		name, target string
		status       int
		body         string
		relay        tap.Result
		want         string
	}{
		{"a wrong key", realtime, 401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`,
			tap.Result{}, "http_error 401 401 openai-realtime chat gpt-realtime stream"},
		{"no right to the model", realtime, 403, `{"error":{"code":"model_not_found"}}`, tap.Result{}, "http_error 403 403 openai-realtime chat gpt-realtime stream"},
		{"no such path", responses, 404, `{"error":{"message":"Not found"}}`, tap.Result{}, "http_error 404 404 openai-responses-websocket chat  stream"},
		{"another protocol is wanted", realtime, 426, ``, tap.Result{}, "http_error 426 426 openai-realtime chat gpt-realtime stream"},
		{"too many", realtime, 429, `{"error":{"type":"tokens","code":"rate_limit_exceeded"}}`, tap.Result{}, "refused 429 429 openai-realtime chat gpt-realtime stream"},
		{"overload, with a page", responses, 503, `<html>Service Unavailable</html>`, tap.Result{}, "refused 503 503 openai-responses-websocket chat  stream"},
		{"at Azure", "/openai/realtime?api-version=2025-04-01-preview&deployment=voice", 429, `{"error":{"code":"429"}}`, tap.Result{}, "refused 429 429 openai-realtime chat voice stream"},
		{"an error with a status of success", realtime, 200, `{"error":{"message":"no"}}`, tap.Result{}, "stream_error upstream_error_event 200 openai-realtime chat gpt-realtime"},
		{"no connection", realtime, 0, ``, tap.Result{Status: 502, Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection},
			"connect_error connection_error 502 openai-realtime chat gpt-realtime stream"},
		{"the client leaves before", realtime, 0, ``, tap.Result{Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled},
			"client_gone canceled 0 openai-realtime chat gpt-realtime stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, told := newTap()
				x := askForSession(of, c.target)
				time.Sleep(time.Millisecond)
				if c.status > 0 {
					x.ResponseHead(c.status, header("Content-Type", "application/json", "x-ratelimit-remaining-requests", "0"), tap.Now())
					c.relay.Outcome = exchange.OK
				}
				if c.body != "" {
					chunk(x, c.body)
				}
				c.relay.At = tap.Now()
				x.End(c.relay)
				r := told.only(t)
				got := fmt.Sprintf("%s %s %d %s %s %s", r.Outcome, r.ErrorType, r.Status, r.Dialect, r.Operation, r.Model.Request)
				if r.Stream {
					got += " stream"
				}
				if got != c.want || r.Mode != exchange.Explicit || r.Unread || r.PathClass != "" || r.Provider == "" || c.status > 0 && len(r.RateLimits) != 1 {
					t.Errorf("\n got %s\nwant %s\n%+v", got, c.want, r)
				}
				for _, f := range of.InFlight() {
					if f.Requests != 0 || f.Streams != 0 {
						t.Errorf("in flight: %+v", f)
					}
				}
			})
		})
	}
}
