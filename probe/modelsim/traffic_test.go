package modelsim_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestTrafficIsAMixThatRetriesAndLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := modelsim.DefaultConfig()
		rules, err := modelsim.ParseFaultRules("http=503:0.1")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = rules
		h := start(t, cfg)
		traffic := modelsim.Traffic{
			BaseURL: "http://sim/v1", RPS: 10, Seed: 1, Model: "sim-medium",
			LeaveShare: 0.3, MaxRetries: 2, Transport: h.client.Transport,
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		counts := traffic.Run(ctx)
		synctest.Wait()

		apis, outcomes, retried, streams := map[string]int{}, map[modelsim.Outcome]int{}, 0, 0
		for _, ex := range h.sim.Exchanges(0) {
			apis[ex.Dialect]++
			outcomes[ex.Outcome]++
			if ex.RetryCount != "0" {
				retried++
			}
			if ex.Stream {
				streams++
			}
		}
		// Thirty seconds at ten a second, give or take five standard deviations.
		if counts.Requests < 214 || counts.Requests > 386 {
			t.Errorf("%d requests in 30s at 10 a second", counts.Requests)
		}
		if retried == 0 || int64(retried) != counts.Retries {
			t.Errorf("%d retries sent, %d arrived", counts.Retries, retried)
		}
		// Besides those which left, the last ones were cancelled by the end of Run.
		if counts.Left == 0 || int64(outcomes[modelsim.OutcomeClientGone]) < counts.Left {
			t.Errorf("%d clients left, the server saw %d", counts.Left, outcomes[modelsim.OutcomeClientGone])
		}
		if outcomes[modelsim.OutcomeRunning] > 0 || int64(outcomes[modelsim.OutcomeOK]) < counts.OK {
			t.Errorf("outcomes %v, client counts %+v", outcomes, counts)
		}
		for _, api := range []string{"openai-chat", "openai-completions", "openai-responses", "openai-embeddings"} {
			if apis[api] == 0 {
				t.Errorf("no %s requests in %v", api, apis)
			}
		}
		if total := len(h.sim.Exchanges(0)); 2*streams < total {
			t.Errorf("%d of %d requests are streams, want most", streams, total)
		}
		if s := h.sim.Stats(); s.Running != 0 || s.Waiting != 0 {
			t.Errorf("%d running and %d waiting after all", s.Running, s.Waiting)
		}
	})
}

func TestTrafficWaitsAsLongAsTheServerAsks(t *testing.T) {
	tests := []struct {
		name    string
		header  []string
		retries int64
		// A range, because waits that the server does not ask for have jitter.
		least, most time.Duration
	}{
		{"retry-after-ms", []string{"Retry-After-Ms", "1500", "Retry-After", "9"}, 2, 3 * time.Second, 3 * time.Second},
		{"retry-after", []string{"Retry-After", "2"}, 2, 4 * time.Second, 4 * time.Second},
		{"over two minutes", []string{"Retry-After", "121"}, 0, 0, 0},
		{"x-should-retry", []string{"X-Should-Retry", "false"}, 0, 0, 0},
		{"nothing", nil, 2, 1125 * ms, 1500 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first, last atomic.Int64
				traffic := modelsim.Traffic{
					BaseURL: "http://sim/v1", RPS: 1e-3, Seed: 1, Model: "m", MaxRetries: 2,
					Transport: roundTripper(func(req *http.Request) *http.Response {
						first.CompareAndSwap(0, time.Now().UnixNano())
						last.Store(time.Now().UnixNano())
						resp := &http.Response{StatusCode: 429, Header: http.Header{}, Body: http.NoBody, Request: req}
						for i := 0; i < len(tt.header); i += 2 {
							resp.Header.Set(tt.header[i], tt.header[i+1])
						}
						return resp
					}),
				}
				ctx, cancel := context.WithCancel(context.Background())
				counts := make(chan modelsim.TrafficCounts)
				go func() { counts <- traffic.Run(ctx) }()
				for first.Load() == 0 {
					time.Sleep(time.Second)
				}
				time.Sleep(10 * time.Second)
				cancel()
				c := <-counts
				if c.Requests != 1 || c.Failed != 1 || c.Retries != tt.retries {
					t.Errorf("counts %+v, want one failed request with %d retries", c, tt.retries)
				}
				if d := time.Duration(last.Load() - first.Load()); d < tt.least || d > tt.most {
					t.Errorf("retries took %v, want %v to %v", d, tt.least, tt.most)
				}
			})
		})
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }

func TestTracedTrafficNamesEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := modelsim.DefaultConfig()
		cfg.Faults, _ = modelsim.ParseFaultRules("http=503:0.3")
		h := start(t, cfg)
		traffic := modelsim.Traffic{BaseURL: "http://sim/v1", RPS: 10, Seed: 1, Model: "sim-medium", MaxRetries: 2, Traced: true, Transport: h.client.Transport}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		counts := traffic.Run(ctx)
		synctest.Wait()
		traces, spans := map[string]bool{}, map[string]bool{}
		for _, ex := range h.sim.Exchanges(0) {
			if len(ex.Traceparent) != 55 {
				t.Fatalf("traceparent %q", ex.Traceparent)
			}
			traces[ex.Traceparent[3:35]], spans[ex.Traceparent[36:52]] = true, true
			if found, ok := h.sim.ExchangeOf(ex.Traceparent[36:52]); !ok || found.ID != ex.ID {
				t.Errorf("the span of %s leads to %s, %v", ex.ID, found.ID, ok)
			}
		}
		if _, ok := h.sim.ExchangeOf(""); ok {
			t.Error("no span leads to an exchange")
		}
		if len(spans) != len(h.sim.Exchanges(0)) || int64(len(traces)) != counts.Requests || counts.Retries == 0 {
			t.Errorf("%d spans and %d traces of %d attempts and %+v", len(spans), len(traces), len(h.sim.Exchanges(0)), counts)
		}
	})
}
