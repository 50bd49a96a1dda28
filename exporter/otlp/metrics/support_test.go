package metrics_test

import (
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/exportertest"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
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

// last returns the metrics of the newest request, by name.
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

func newExporter(t *testing.T, c metrics.Config) (*metrics.Exporter, *collector) {
	t.Helper()
	to := &collector{t: t}
	if c.Names == nil {
		c.Names = exporter.NewNames(64, 64)
	}
	if c.Send == nil {
		c.Send = to.send
	}
	e, err := metrics.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e, to
}

// flush makes e send everything that it observed.
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

// live is a program with a backlog, from which some was lost.
func live() exporter.Live {
	l := exportertest.Live()
	l.Queued = func() map[string]uint64 { return map[string]uint64{"traces": 4096} }
	l.Dropped = func() map[string]uint64 { return map[string]uint64{"capture": 0, "metrics": 2} }
	l.ChainsEvicted = func() uint64 { return 5 }
	l.AcceptWaits = func() uint64 { return 6 }
	l.TurnsEvicted, l.NamesShared = func() uint64 { return 7 }, func() uint64 { return 8 }
	return l
}

// full is a stream from which every instrument of production exchanges draws.
func full(role exchange.Role) exchange.Record {
	r := exchangetest.Stream(20)
	r.Role = role
	r.Usage.CacheRead, r.Usage.CacheWrite, r.Usage.Reasoning = exchange.Known(12), exchange.Known(64), exchange.Known(2)
	r.Verdicts = []exchange.Verdict{{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.TTFT)}}
	r.Attempt = exchange.Attempt{Chain: 1, Number: 2, JoinedBy: "fingerprint"}
	r.RateLimits = []exchange.RateLimit{{
		Kind: "tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(120), Reset: 41500 * time.Millisecond,
	}}
	return exchangetest.Limited(exchangetest.Uncached(exchangetest.Priced(r)))
}

// everything makes all instruments draw.
func everything(e *metrics.Exporter) {
	e.ObserveInterim(exchangetest.EnginePause(full(exchange.Server), 2*time.Second))
	for _, role := range []exchange.Role{exchange.Client, exchange.Server} {
		e.Observe(full(role))
		e.ObserveChain(exchangetest.Recovered(full(role)))
		exchange.HandTurn(e, exchangetest.Turn(full(role)))
	}
	e.Observe(exchangetest.Refused())
	e.Observe(exchangetest.Unpriced(exchangetest.Embeddings()))
	e.Observe(exchangetest.Unread())
	e.Observe(exchangetest.Silent())
	e.Observe(exchangetest.Canary(exchangetest.Stream(4)))
	e.Observe(exchangetest.Sealed(exchangetest.Stream(4)))
}
