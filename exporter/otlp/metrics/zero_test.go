package metrics_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// taking is an exchange that took d.
func taking(d time.Duration) exchange.Record {
	r := kept(exchangetest.Plain())
	r.Timing.End = d
	return r
}

const (
	e2e       = "gen_ai.client.operation.duration"
	threshold = time.Second / (1 << 13) // the zero bucket's width for E2E, less a fraction of a nanosecond
)

func TestTheZeroBucketHoldsAllThatIsNearZero(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		of    []time.Duration
		zeros uint64
		scale int32
	}{
		{"nothing near zero", []time.Duration{ms, 10 * ms}, 0, 4},
		{"two equal ones", []time.Duration{1, 1, 10 * ms}, 2, 4},
		{"a nanosecond leaves the scale as it is", []time.Duration{1, 200 * ms, 9 * time.Second}, 1, 4},
		{"the threshold is inside", []time.Duration{threshold, 10 * ms}, 1, 4},
		{"the next nanosecond is not", []time.Duration{threshold + 1, 10 * ms}, 0, 4},
		{"nothing but values near zero", []time.Duration{3, 1, 7}, 3, 4},
		{"a later smaller one", []time.Duration{10 * ms, 7, 3}, 2, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, to := newExporter(t, metrics.Config{Aggregation: metrics.Exponential})
			low, high, sum := math.Inf(1), 0.0, 0.0
			for _, d := range tt.of {
				e.Observe(taking(d))
				low, high, sum = min(low, d.Seconds()), max(high, d.Seconds()), sum+d.Seconds()
			}
			shutdown(t, e)
			p := to.last()[e2e].ExponentialHistogram().DataPoints().At(0)
			if p.ZeroCount() != tt.zeros || p.ZeroThreshold() != 1.0/(1<<13) || p.Scale() != tt.scale {
				t.Errorf("%d within %v s, scale %d; want %d within 2^-13, scale %d", p.ZeroCount(), p.ZeroThreshold(), p.Scale(), tt.zeros, tt.scale)
			}
			if p.Count() != uint64(len(tt.of)) || math.Abs(p.Sum()-sum) > 1e-15 || p.Min() != low || p.Max() != high {
				t.Errorf("%d of %v s from %v to %v, want %d of %v from %v to %v", p.Count(), p.Sum(), p.Min(), p.Max(), len(tt.of), sum, low, high)
			}
			for _, x := range p.Exemplars().All() {
				if x.DoubleValue() < low || x.DoubleValue() > high {
					t.Errorf("an exemplar of %v s, which no exchange took", x.DoubleValue())
				}
			}
		})
	}
}

// A value near zero counts in one request only if requests have deltas, and from then on
// if they are cumulative.
func TestTheZeroBucketFollowsTheTemporality(t *testing.T) {
	type point struct {
		count, zeros uint64
		sum, low     time.Duration
	}
	observe := func(all ...time.Duration) func(*metrics.Exporter) {
		return func(e *metrics.Exporter) {
			for _, d := range all {
				e.Observe(taking(d))
			}
		}
	}
	for _, tt := range []struct {
		temporality metrics.Temporality
		want        []point
	}{
		{metrics.Cumulative, []point{{2, 1, time.Second + 5, 5}, {3, 2, time.Second + 12, 5}, {4, 2, 3*time.Second + 12, 5}}},
		{metrics.Delta, []point{{2, 1, time.Second + 5, 5}, {1, 1, 7, 7}, {1, 0, 2 * time.Second, 2 * time.Second}}},
	} {
		t.Run(string(tt.temporality), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := metrics.Config{Names: exporter.NewNames(64, 64), Live: live(), Temporality: tt.temporality, Aggregation: metrics.Exponential}
				_, got := minutes(t, c, observe(5, time.Second), observe(7), observe(2*time.Second))
				for i, want := range tt.want {
					p := byName(t, got[i])[e2e].ExponentialHistogram().DataPoints().At(0)
					has := point{p.Count(), p.ZeroCount(), time.Duration(math.Round(p.Sum() * 1e9)), time.Duration(math.Round(p.Min() * 1e9))}
					if has != want {
						t.Errorf("request %d: %+v, want %+v", i, has, want)
					}
				}
			})
		})
	}
}

// The buckets of both backends hold the same, for every exponential histogram.
func TestBothBackendsHaveTheSameExponentialBuckets(t *testing.T) {
	names := func() *exporter.Names { return exporter.NewNames(5, 2) }
	scraped, err := prometheus.New(prometheus.Config{Histograms: prometheus.Native, Names: names(), Live: live()})
	if err != nil {
		t.Fatal(err)
	}
	sent, to := newExporter(t, metrics.Config{Aggregation: metrics.Exponential, Names: names(), Live: live()})
	both, random := exchange.Fanout{scraped, sent}, rand.New(rand.NewPCG(3, 20261130))
	for range 2000 {
		both.Observe(generated(random))
		both.Observe(taking(time.Duration(random.IntN(int(2 * threshold)))))
	}
	shutdown(t, sent)
	got := map[string]exponential{}
	for _, request := range to.all() {
		for _, m := range byName(t, request) {
			if m.Type() == pmetric.MetricTypeExponentialHistogram {
				exponentialsInOTLP(got, m)
			}
		}
	}
	compareExponentials(t, exponentialsInPrometheus(t, scraped), got)
}
