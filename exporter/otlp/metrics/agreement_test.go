package metrics_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// told is one series as a backend tells it: a value, or a histogram.
type told struct {
	value   float64 // sum of a histogram
	count   uint64
	buckets string // cumulative counts by bound
}

// limits are bounds beside those of the table.
var limits = exporter.Edges{{Indicator: exchange.TTFT, Limit: 214 * time.Millisecond}, {Indicator: exchange.E2E, Limit: 700 * time.Millisecond}}

// byTenant are labels from the request, of which the traffic has more values than have a place.
var byTenant = []string{"tenant", "team"}

// The same traffic gives the same series in Prometheus and in OTLP.
func TestBothBackendsTellTheSameStory(t *testing.T) {
	for _, tt := range []struct {
		setting exporter.SemConv // the two have all rows between them
		series  int
		labels  []string
	}{{exporter.V01, 0, nil}, {exporter.Dup, 0, nil}, {exporter.Dup, 1200, nil}, {exporter.Dup, 0, byTenant}, {exporter.Dup, 1200, byTenant}} {
		t.Run(fmt.Sprintf("%s/%d/%d", tt.setting, tt.series, len(tt.labels)), func(t *testing.T) {
			setting := tt.setting
			// Fewer names than the traffic has, so that some share a series.
			names := func() *exporter.Names {
				n := exporter.NewNames(5, 2)
				n.LimitSeries(tt.series)
				n.Label(tt.labels, 3)
				return n
			}
			scraped, err := prometheus.New(prometheus.Config{
				SemConv: setting, Histograms: prometheus.Classic, Names: names(), Live: live(), Edges: limits,
			})
			if err != nil {
				t.Fatal(err)
			}
			sent, to := newExporter(t, metrics.Config{SemConv: setting, Names: names(), Live: live(), Edges: limits})
			both, random := exchange.Fanout{scraped, sent}, rand.New(rand.NewPCG(7, 20261122))
			for range 2000 {
				r := generated(random)
				both.Observe(r)
				if random.IntN(10) == 0 {
					i := exchangetest.Interim(r, time.Duration(10+random.IntN(1000))*time.Second)
					i.Tokens, i.Pause = int64(random.IntN(500)), time.Duration(random.IntN(9))*time.Second
					scraped.ObserveInterim(i)
					sent.ObserveInterim(i)
				}
				if random.IntN(3) == 0 {
					both.ObserveChain(generatedChain(random, r))
					both.ObserveTurn(generatedTurn(random, r))
				}
			}
			shutdown(t, sent)
			got := map[string]told{}
			for _, request := range to.all() {
				maps.Copy(got, inOTLP(t, setting, byName(t, request)))
			}
			compare(t, inPrometheus(t, scraped), got)
		})
	}
}

func compare(t *testing.T, want, got map[string]told) {
	t.Helper()
	if len(want) < 1000 {
		t.Fatalf("only %d series, so that little is shown", len(want))
	}
	for series, w := range want {
		g, ok := got[series]
		switch {
		case !ok:
			t.Errorf("%s is in Prometheus only", series)
		case g.count != w.count || g.buckets != w.buckets || math.Abs(g.value-w.value) > 1e-9*math.Abs(w.value):
			t.Errorf("%s: OTLP says %+v, Prometheus %+v", series, g, w)
		}
	}
	for series := range got {
		if _, ok := want[series]; !ok {
			t.Errorf("%s is in OTLP only", series)
		}
	}
}

func inOTLP(t *testing.T, setting exporter.SemConv, all map[string]pmetric.Metric) map[string]told {
	t.Helper()
	out := map[string]told{}
	for _, in := range exporter.Table(setting) {
		m, ok := all[in.Name]
		if !ok {
			continue
		}
		name := prometheus.Name(&in)
		switch m.Type() {
		case pmetric.MetricTypeGauge:
			numbers(out, name, m.Gauge().DataPoints())
		case pmetric.MetricTypeSum:
			numbers(out, name, m.Sum().DataPoints())
		case pmetric.MetricTypeHistogram:
			for _, p := range m.Histogram().DataPoints().All() {
				var buckets strings.Builder
				cumulative := uint64(0)
				for i, bound := range p.ExplicitBounds().All() {
					cumulative += p.BucketCounts().At(i)
					fmt.Fprintf(&buckets, "%v:%d ", bound, cumulative)
				}
				if all := cumulative + p.BucketCounts().At(p.BucketCounts().Len()-1); all != p.Count() {
					t.Errorf("%s: %d in buckets, %d in all", name, all, p.Count())
				}
				out[key(name, labelsOf(p.Attributes()))] = told{p.Sum(), p.Count(), buckets.String()}
			}
		}
	}
	return out
}

func numbers(out map[string]told, name string, points pmetric.NumberDataPointSlice) {
	for _, p := range points.All() {
		v := p.DoubleValue()
		if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
			v = float64(p.IntValue())
		}
		out[key(name, labelsOf(p.Attributes()))] = told{value: v}
	}
}

func labelsOf(attributes pcommon.Map) map[string]string {
	out := map[string]string{}
	for name, value := range attributes.All() {
		out[strings.ReplaceAll(name, ".", "_")] = value.AsString()
	}
	return out
}

func key(name string, labels map[string]string) string {
	out := []string{name}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if labels[label] != "" {
			out = append(out, fmt.Sprintf("%s=%q", label, labels[label]))
		}
	}
	return strings.Join(out, " ")
}

func inPrometheus(t *testing.T, e *prometheus.Exporter) map[string]told {
	t.Helper()
	out := map[string]told{}
	scrape(t, e, func(series string, m *dto.Metric) { out[series] = scraped(m) })
	return out
}

// scrape calls each with every series of the table.
func scrape(t *testing.T, e *prometheus.Exporter, each func(series string, m *dto.Metric)) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	request.Header.Set("Accept", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")
	response := httptest.NewRecorder()
	e.Handler().ServeHTTP(response, request)
	for decoder := expfmt.NewDecoder(response.Body, expfmt.NewFormat(expfmt.TypeProtoDelim)); ; {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(f.GetName(), "gen_ai_") && !strings.HasPrefix(f.GetName(), "headway_") {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			each(key(f.GetName(), labels), m)
		}
	}
}

func scraped(m *dto.Metric) told {
	h := m.GetHistogram()
	if h == nil {
		return told{value: m.GetCounter().GetValue() + m.GetGauge().GetValue()} // it is either
	}
	var buckets strings.Builder
	for _, b := range h.GetBucket() {
		if !math.IsInf(b.GetUpperBound(), 1) {
			fmt.Fprintf(&buckets, "%v:%d ", b.GetUpperBound(), b.GetCumulativeCount())
		}
	}
	return told{h.GetSampleSum(), h.GetSampleCount(), buckets.String()}
}

func pick[T any](random *rand.Rand, of ...T) T { return of[random.IntN(len(of))] }

// generated is an exchange of a random kind.
func generated(random *rand.Rand) exchange.Record {
	r := exchangetest.Plain()
	r.Origin = pick(random, exchange.App, exchange.App, exchange.App, exchange.Canary)
	if r.Origin == exchange.Canary {
		r.Probe = pick(random, "chat-short", "chat-long")
	}
	r.Role = pick(random, exchange.Client, exchange.Server)
	r.Operation = pick(random, exchange.Chat, exchange.Chat, exchange.TextCompletion, exchange.Embeddings, "")
	r.Provider = pick(random, "openai", "vllm", "")
	r.Model = exchange.Model{Request: fmt.Sprintf("m%d", random.IntN(4)), Response: pick(random, "", "m0", "m9")}
	r.Upstream = exchange.Upstream{Host: pick(random, "a.example", "b.example", "c.example"), Port: pick(random, 443, 8000)}
	r.Stream = random.IntN(3) > 0
	r.Outcome, r.ErrorType = exchange.OK, ""
	if random.IntN(4) == 0 {
		r.Outcome, r.ErrorType = pick(random, exchange.Outcomes()[1:]...), pick(random, "429", exchange.ErrTruncated, exchange.ErrCanceled)
	}
	if random.IntN(10) == 0 {
		r = exchangetest.Sealed(r)
	}
	spread(random, &r)
	r.Usage = exchange.Usage{
		Input: exchange.Known(random.Int64N(5000)), Output: exchange.Known(random.Int64N(500)),
		CacheRead: pick(random, exchange.Count{}, exchange.Known(7)), CacheWrite: pick(random, exchange.Count{}, exchange.Known(9)),
		Reasoning: pick(random, exchange.Count{}, exchange.Known(3)), Streamed: pick(random, exchange.Count{}, exchange.Known(random.Int64N(300))),
		Source: pick(random, exchange.Reported, exchange.Reported, exchange.Running, exchange.Counted, exchange.Absent),
	}
	switch random.IntN(4) {
	case 0:
		r = exchangetest.Priced(r)
	case 1:
		r = exchangetest.Unpriced(r)
	}
	if random.IntN(4) == 0 {
		r = exchangetest.Uncached(r)
	}
	if random.IntN(4) == 0 {
		r.RateLimits = []exchange.RateLimit{
			{Kind: "requests", Limit: exchange.Known(50), Remaining: exchange.Known(random.Int64N(50)), Reset: time.Duration(random.Int64N(1e10))},
			{Kind: "tokens", Remaining: exchange.Known(random.Int64N(50))},
		}
	}
	if random.IntN(2) == 0 {
		r.Verdicts = []exchange.Verdict{
			{SLO: "interactive", Good: random.IntN(2) == 0, Missed: exchange.Misses(0).With(exchange.TTFT).With(exchange.E2E)}, {SLO: "batch", Good: true},
		}
		r.Attempt = exchange.Attempt{Chain: 1, Number: 1, JoinedBy: pick(random, "", "fingerprint")}
	}
	r.Labels = []string{pick(random, "acme", "evil", "", "new"), pick(random, "", "search")}
	if random.IntN(4) == 0 {
		r = exchangetest.Limited(r)
	}
	return kept(r)
}

// spread gives r its times: some on bounds, some chunks that came together.
func spread(random *rand.Rand, r *exchange.Record) {
	at := pick(random, 214*time.Millisecond, time.Millisecond, time.Duration(random.Int64N(3e9)))
	n := random.IntN(20)
	if n > 0 {
		r.Timing.FirstToken = at
	}
	for range n {
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: random.IntN(5), Bytes: random.IntN(40)})
		r.Timing.LastToken = at
		at += pick(random, 0, 3*time.Microsecond, 20*time.Millisecond, time.Duration(random.Int64N(2e8)))
	}
	r.Timing.End = pick(random, at, at+700*time.Millisecond, 655360*time.Millisecond, 2000*time.Second)
	r.Clocks.Upstream.Longest, r.Clocks.Client.Longest = time.Duration(random.Int64N(1e9)), 20*time.Microsecond
	r.Overhead.Chunk = time.Duration(random.Int64N(1e6))
}

func generatedChain(random *rand.Rand, last exchange.Record) exchange.Chain {
	c := exchangetest.Recovered(last)
	c.Outcome = pick(random, exchange.ChainOutcomes()...)
	c.Attempts, c.RetryAfterIgnored = 1+random.IntN(30), random.IntN(3)
	c.TTFT, c.E2E = time.Duration(random.Int64N(3e9)), time.Duration(random.Int64N(9e9))
	c.Verdicts = last.Verdicts
	return c
}

func generatedTurn(random *rand.Rand, last exchange.Record) exchange.WholeTurn {
	t := exchangetest.Turn(last)
	t.Outcome, t.Calls = pick(random, exchange.TurnOutcomes()...), 1+random.IntN(30)
	t.All, t.Human, t.FirstAnswer = time.Duration(random.Int64N(9e12)), time.Duration(random.Int64N(9e12)), time.Duration(random.Int64N(9e9))
	t.Model = t.All / 2
	t.Verdicts = last.Verdicts
	return t
}
