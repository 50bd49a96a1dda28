package metrics_test

import (
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// collector decodes every request that an Exporter sends.
type collector struct {
	t  *testing.T
	mu sync.Mutex
	// requests are in the order in which they came.
	requests []pmetric.Metrics
}

func (c *collector) send(payload []byte, items int) {
	request := pmetricotlp.NewExportRequest()
	if err := request.UnmarshalProto(payload); err != nil {
		c.t.Errorf("a request that nobody can read: %v", err)
		return
	}
	if n := request.Metrics().DataPointCount(); n != items || n == 0 {
		c.t.Errorf("%d data points were told, %d are there", items, n)
	}
	if items > 1000 || len(payload) > 4<<20 {
		c.t.Errorf("a request of %d data points and %d bytes", items, len(payload))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, request.Metrics())
}

func (c *collector) all() []pmetric.Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// last are the metrics of the newest request, by name.
func (c *collector) last() map[string]pmetric.Metric {
	c.t.Helper()
	all := c.all()
	if len(all) == 0 {
		c.t.Fatal("no request came")
	}
	return byName(c.t, all[len(all)-1])
}

func byName(t *testing.T, m pmetric.Metrics) map[string]pmetric.Metric {
	t.Helper()
	out := map[string]pmetric.Metric{}
	for _, rm := range m.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, metric := range sm.Metrics().All() {
				if _, ok := out[metric.Name()]; ok {
					t.Errorf("%s comes twice", metric.Name())
				}
				out[metric.Name()] = metric
			}
		}
	}
	return out
}

// newExporter is one with room for a test's exchanges that is shut down by the test's end, or was before.
func newExporter(t *testing.T, c metrics.Config) (*metrics.Exporter, *collector) {
	t.Helper()
	to := &collector{t: t}
	if c.Names == nil {
		c.Names = exporter.NewNames(64, 64)
	}
	if c.Send == nil {
		c.Send = to.send
	}
	if c.Queue == 0 {
		c.Queue = 10000
	}
	e, err := metrics.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e, to
}

// flush makes e send what it was told.
func flush(t *testing.T, e *metrics.Exporter) {
	t.Helper()
	if err := e.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func shutdown(t *testing.T, e *metrics.Exporter) {
	t.Helper()
	if err := e.Shutdown(t.Context()); err != nil {
		t.Errorf("shutting down: %v", err)
	}
}

func live() exporter.Live {
	return exporter.Live{
		Build: exporter.Build{Version: "v1.2.3", Revision: "0123456789ab", Go: "go1.26.0"},
		InFlight: func() []exchange.InFlight {
			return []exchange.InFlight{{Operation: exchange.Chat, Model: "gpt-4o-mini", Upstream: "api.openai.com:443", Requests: 2, Streams: 1}}
		},
		Connections:   func() map[string]uint64 { return map[string]uint64{"explicit": 3} },
		Detached:      func() map[string]uint64 { return map[string]uint64{"overflow": 0, "slow": 1} },
		Queued:        func() map[string]uint64 { return map[string]uint64{"traces": 4096} },
		Dropped:       func() map[string]uint64 { return map[string]uint64{"capture": 0, "metrics": 2} },
		ChainsOpen:    func() int { return 4 },
		ChainsEvicted: func() uint64 { return 5 },
		Reloaded:      func() bool { return true },
		SLOs: func() []exporter.SLO {
			return []exporter.SLO{{
				Name: "interactive", Objective: .99, Timed: 4, OnTime: 3,
				Limits: []exporter.Limit{{Indicator: exchange.TTFT, Limit: 200 * time.Millisecond}},
			}}
		},
	}
}

// full is a stream of which every instrument of production exchanges draws.
func full(role exchange.Role) exchange.Record {
	r := stream(20)
	r.Role = role
	r.Usage.CacheRead, r.Usage.CacheWrite, r.Usage.Reasoning = exchange.Known(12), exchange.Known(64), exchange.Known(2)
	r.Verdicts = []exchange.Verdict{{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.TTFT)}}
	r.Attempt = exchange.Attempt{Chain: 1, Number: 2, JoinedBy: "fingerprint"}
	r.RateLimits = []exchange.RateLimit{{
		Kind: "tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(120), Reset: 41500 * time.Millisecond,
	}}
	return r
}

func refused() exchange.Record {
	r := plain()
	r.Status, r.Outcome, r.ErrorType = 429, exchange.Refused, "429"
	r.Model.Response, r.Usage = "", exchange.Usage{}
	r.Timing.End = 35 * time.Millisecond
	return r
}

func embeddings() exchange.Record {
	r := plain()
	r.Operation, r.Usage.Output = exchange.Embeddings, exchange.Count{}
	return r
}

// sealed is r as it would be known inside TLS.
func sealed(r exchange.Record) exchange.Record {
	r.Mode, r.Operation, r.Dialect, r.Model = exchange.Sealed, "", "", exchange.Model{}
	return r
}

// recovered is a chain of three attempts, last of them answered.
func recovered(last exchange.Record) exchange.Chain {
	return exchange.Chain{
		Outcome: exchange.Recovered, Attempts: 3, Ambiguous: true,
		TTFT: 3214 * time.Millisecond, E2E: 4 * time.Second, Slept: 1500 * time.Millisecond, RetryAfterIgnored: 1, Last: last,
		Waste: []exchange.Waste{
			{Cause: "429", Attempts: 1, Time: 50 * time.Millisecond},
			{Cause: "stream_truncated", Attempts: 1, Time: 2 * time.Second, Input: exchange.Known(20), Output: exchange.Known(7)},
		},
	}
}

// everything is what makes all instruments draw.
func everything(e exchange.ChainObserver) {
	for _, role := range []exchange.Role{exchange.Client, exchange.Server} {
		e.Observe(full(role))
		e.ObserveChain(recovered(full(role)))
	}
	e.Observe(refused())
	e.Observe(embeddings())
	e.Observe(sealed(stream(4)))
}
