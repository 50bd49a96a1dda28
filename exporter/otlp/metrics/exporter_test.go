package metrics_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestEveryInstrumentOfTheTableArrives(t *testing.T) {
	for _, setting := range exporter.SemConvs() {
		for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
			for _, temporality := range []metrics.Temporality{metrics.Cumulative, metrics.Delta, metrics.LowMemory} {
				t.Run(fmt.Sprintf("%s/%s/%s", setting, aggregation, temporality), func(t *testing.T) {
					e, to := newExporter(t, metrics.Config{SemConv: setting, Live: live(), Aggregation: aggregation, Temporality: temporality})
					everything(e)
					shutdown(t, e)
					got := to.last()
					for _, in := range exporter.Table(setting) {
						m, ok := got[in.Name]
						if !ok {
							t.Errorf("%s did not arrive", in.Name)
							continue
						}
						delete(got, in.Name)
						checkInstrument(t, &in, m, aggregation, temporality)
					}
					if len(got) > 0 {
						t.Errorf("not of the table: %v", slices.Sorted(maps.Keys(got)))
					}
				})
			}
		}
	}
}

func checkInstrument(t *testing.T, in *exporter.Instrument, m pmetric.Metric, a metrics.Aggregation, temporality metrics.Temporality) {
	t.Helper()
	if m.Unit() != in.Unit || m.Description() != in.Help {
		t.Errorf("%s: unit %q, description %q", in.Name, m.Unit(), m.Description())
	}
	want := pmetric.AggregationTemporalityCumulative
	if temporality == metrics.Delta || (temporality == metrics.LowMemory && in.Read == nil) {
		want = pmetric.AggregationTemporalityDelta
	}
	kind, got := pmetric.MetricTypeGauge, want
	switch {
	case in.Kind == exporter.Counter:
		kind = pmetric.MetricTypeSum
		if m.Type() == kind {
			got = m.Sum().AggregationTemporality()
			if !m.Sum().IsMonotonic() {
				t.Errorf("%s may fall", in.Name)
			}
		}
	case in.Kind == exporter.Histogram && a == metrics.Exponential:
		kind = pmetric.MetricTypeExponentialHistogram
		if m.Type() == kind {
			got = m.ExponentialHistogram().AggregationTemporality()
		}
	case in.Kind == exporter.Histogram:
		kind = pmetric.MetricTypeHistogram
		if m.Type() == kind {
			got = m.Histogram().AggregationTemporality()
		}
	}
	if m.Type() != kind || got != want {
		t.Errorf("%s is a %s, %s; want a %s, %s", in.Name, m.Type(), got, kind, want)
	}
	for _, p := range points(m) {
		for key := range p.attributes.All() {
			if !slices.Contains(in.AllLabels(), key) {
				t.Errorf("%s has an attribute %s", in.Name, key)
			}
		}
		if fractional := slices.Contains([]string{"s", "1", "{share}", "{currency}"}, in.Unit); in.Kind != exporter.Histogram && p.integer == fractional {
			t.Errorf("%s, of %q, is an integer: %v", in.Name, in.Unit, p.integer)
		}
	}
}

// point is the common part of all kinds of data points.
type point struct {
	attributes  pcommon.Map
	from, until pcommon.Timestamp
	integer     bool
	exemplars   pmetric.ExemplarSlice
}

func points(m pmetric.Metric) (out []point) {
	numbers := func(s pmetric.NumberDataPointSlice) {
		for _, p := range s.All() {
			integer := p.ValueType() == pmetric.NumberDataPointValueTypeInt
			out = append(out, point{p.Attributes(), p.StartTimestamp(), p.Timestamp(), integer, p.Exemplars()})
		}
	}
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		numbers(m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		numbers(m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		for _, p := range m.Histogram().DataPoints().All() {
			out = append(out, point{p.Attributes(), p.StartTimestamp(), p.Timestamp(), false, p.Exemplars()})
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			out = append(out, point{p.Attributes(), p.StartTimestamp(), p.Timestamp(), false, p.Exemplars()})
		}
	}
	return out
}

func TestAttributesAreThoseOfTheConventions(t *testing.T) {
	names := exporter.NewNames(1, 1)
	names.ClaimModel("gpt-4o-mini")
	names.Keep(exchange.Upstream{Host: "api.openai.com", Port: 443})
	e, to := newExporter(t, metrics.Config{Names: names})
	e.Observe(exchangetest.Refused())
	shutdown(t, e)
	for name, want := range map[string]map[string]any{
		"gen_ai.client.operation.duration": {
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
			"server.address": "api.openai.com", "server.port": int64(443), "error.type": "429",
		},
		"headway.requests": {
			"operation": "chat", "model": "gpt-4o-mini", "upstream": "api.openai.com:443",
			"stream": "false", "outcome": "refused", "error_type": "429",
		},
	} {
		p := points(to.last()[name])
		if len(p) != 1 || !maps.Equal(p[0].attributes.AsRaw(), want) {
			t.Errorf("%s: %v, want one of %v", name, p[0].attributes.AsRaw(), want)
		}
	}
}

func TestRequestsSayWhatTheyAreOf(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "from=environment") // only the command may read it
	e, to := newExporter(t, metrics.Config{
		Version: "v1.2.3", Live: live(),
		Resource: resource.NewWithAttributes("https://example.com/schema", attribute.String("service.name", "checkout"),
			attribute.Int("process.pid", 7), attribute.StringSlice("process.command_args", []string{"a", "b"}),
			attribute.Bool("b", true), attribute.Float64("f", .5)),
	})
	e.Observe(exchangetest.Plain())
	shutdown(t, e)
	rm := to.all()[0].ResourceMetrics().At(0)
	want := map[string]any{
		"service.name": "checkout", "process.pid": int64(7), "process.command_args": []any{"a", "b"}, "b": true, "f": .5,
	}
	if got := rm.Resource().Attributes().AsRaw(); fmt.Sprint(got) != fmt.Sprint(want) || rm.SchemaUrl() != "https://example.com/schema" {
		t.Errorf("resource %v of %s, want %v", got, rm.SchemaUrl(), want)
	}
	if n := rm.ScopeMetrics().Len(); n != 1 {
		t.Errorf("%d scopes, want one for the series of exchanges and those that read the program", n)
	}
	sm := rm.ScopeMetrics().At(0)
	if s := sm.Scope(); s.Name() != "github.com/headway-sidecar/headway" || s.Version() != "v1.2.3" {
		t.Errorf("scope %s %s", s.Name(), s.Version())
	}
	if got := sm.SchemaUrl(); !strings.HasSuffix(got, "/1.41.0") {
		t.Errorf("schema %s", got)
	}
}

// minutes runs an Exporter for some intervals. In each, it calls one of these functions.
func minutes(t *testing.T, c metrics.Config, each ...func(*metrics.Exporter)) (time.Time, []pmetric.Metrics) {
	t.Helper()
	c.Interval = time.Minute
	began := time.Now()
	e, to := newExporter(t, c)
	for _, observe := range each {
		observe(e)
		time.Sleep(time.Minute)
		synctest.Wait()
	}
	got := slices.Clone(to.all())
	shutdown(t, e)
	return began, got
}

func TestCumulativeNumbersCountFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := func(e *metrics.Exporter) { e.Observe(exchangetest.Stream(3)) }
		began, got := minutes(t, metrics.Config{Live: live()}, one, func(*metrics.Exporter) {}, one)
		if len(got) != 3 {
			t.Fatalf("%d requests in 3 intervals", len(got))
		}
		for i, want := range []int64{1, 1, 2} {
			requests := byName(t, got[i])["headway.requests"].Sum().DataPoints().At(0)
			until := began.Add(time.Duration(i+1) * time.Minute)
			if requests.IntValue() != want || !requests.StartTimestamp().AsTime().Equal(began) || !requests.Timestamp().AsTime().Equal(until) {
				t.Errorf("request %d: %d from %v until %v, want %d from %v until %v", i, requests.IntValue(),
					requests.StartTimestamp().AsTime(), requests.Timestamp().AsTime(), want, began, until)
			}
			gaps := byName(t, got[i])["headway.inter_token_latency"].Histogram().DataPoints().At(0)
			if gaps.Count() != uint64(2*want) || !gaps.StartTimestamp().AsTime().Equal(began) {
				t.Errorf("request %d: %d gaps from %v, want %d from %v", i, gaps.Count(), gaps.StartTimestamp().AsTime(), 2*want, began)
			}
		}
	})
}

// A series counts from its first exchange, and not from the beginning of the program or of
// the interval: a backend puts the count into that time.
func TestASeriesCountsFromItsFirstExchange(t *testing.T) {
	for _, temporality := range []metrics.Temporality{metrics.Cumulative, metrics.Delta} {
		synctest.Test(t, func(t *testing.T) {
			nothing := func(*metrics.Exporter) {}
			late := func(e *metrics.Exporter) { time.Sleep(20 * time.Second); everything(e) }
			began, got := minutes(t, metrics.Config{Temporality: temporality}, nothing, late)
			last := byName(t, got[len(got)-1])
			for _, in := range exporter.Table("") {
				if in.Read != nil {
					continue
				}
				for _, p := range points(last[in.Name]) {
					if from := p.from.AsTime(); !from.Equal(began.Add(80 * time.Second)) {
						t.Errorf("%s: %s counts from %v", temporality, in.Name, from)
					}
				}
			}
		})
	}
}

func TestDeltaNumbersCountFromTheRequestBefore(t *testing.T) {
	for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
		synctest.Test(t, func(t *testing.T) {
			one := func(e *metrics.Exporter) { everything(e) }
			began, got := minutes(t, metrics.Config{Live: live(), Temporality: metrics.Delta, Aggregation: aggregation},
				one, func(*metrics.Exporter) {}, one)
			if len(got) != 3 {
				t.Fatalf("%d requests in 3 intervals", len(got))
			}
			for name, m := range byName(t, got[1]) {
				if m.Type() != pmetric.MetricTypeGauge {
					t.Errorf("%s has %d points of a minute in which nothing happened", name, len(points(m)))
				}
			}
			last := byName(t, got[2])
			if n := last["headway.chains"].Sum().DataPoints().At(0).IntValue(); n != 2 {
				t.Errorf("%d chains in the last minute, want 2", n)
			}
			if n := byName(t, got[0])["headway.connections"].Sum().DataPoints().At(0).IntValue(); n != 3 {
				t.Errorf("%d connections in the first minute, want 3", n)
			}
			if _, ok := last["headway.connections"]; ok {
				t.Error("connections of a minute in which none came")
			}
			for name, m := range last {
				for _, p := range points(m) {
					if from := p.from.AsTime(); m.Type() != pmetric.MetricTypeGauge && !from.Equal(began.Add(2*time.Minute)) {
						t.Errorf("%s counts from %v", name, from)
					}
				}
			}
		})
	}
}

func TestLimitsAreBounds(t *testing.T) {
	e, to := newExporter(t, metrics.Config{Edges: exporter.Edges{{Indicator: exchange.TTFT, Limit: 214 * time.Millisecond}}})
	e.Observe(exchangetest.Stream(4)) // whose TTFT is 214 ms
	shutdown(t, e)
	p := to.last()["gen_ai.client.operation.time_to_first_chunk"].Histogram().DataPoints().At(0)
	i := slices.Index(p.ExplicitBounds().AsRaw(), .214)
	if i < 0 || p.BucketCounts().At(i) != 1 {
		t.Errorf("bounds %v, counts %v", p.ExplicitBounds().AsRaw(), p.BucketCounts().AsRaw())
	}
	if p.Min() != .214 || p.Max() != .214 {
		t.Errorf("from %v to %v, want .214", p.Min(), p.Max())
	}
}

func TestUnknownWordsAreRefused(t *testing.T) {
	for _, c := range []metrics.Config{{Temporality: "Delta"}, {Aggregation: "exponential"}} {
		c.Names, c.Send = exporter.NewNames(1, 1), func([]byte, int) {}
		if _, err := metrics.New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
