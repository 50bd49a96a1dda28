package metrics_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestExponentialHistogramsResolveAndStayBounded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name    string
		of      []time.Duration
		scale   int32
		buckets int // at most
	}{
		{"one", []time.Duration{time.Second}, 4, 1},
		{"a common scale for what is close together", logNormal(random, 1000, time.Second, .1), 4, 160},
		{"a thousandfold at full scale", []time.Duration{10 * time.Millisecond, 9 * time.Second}, 4, 160},
		{"a coarser one for what is not", []time.Duration{time.Millisecond, 100 * time.Second}, 3, 160},
		{"nothing is lost when buckets are merged", logNormal(random, 3000, time.Second, 3), 2, 160},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, to := newExporter(t, metrics.Config{Aggregation: metrics.Exponential})
			low, high, sum := math.Inf(1), 0.0, 0.0
			for _, d := range tt.of {
				r := exchangetest.Plain()
				r.Timing.End = d
				e.Observe(r)
				low, high, sum = min(low, d.Seconds()), max(high, d.Seconds()), sum+d.Seconds()
			}
			shutdown(t, e)
			p := to.last()["gen_ai.client.operation.duration"].ExponentialHistogram().DataPoints().At(0)
			if p.Count() != uint64(len(tt.of)) || math.Abs(p.Sum()-sum) > 1e-9*sum || p.Min() != low || p.Max() != high {
				t.Errorf("%d of %v s in all, from %v to %v; want %d of %v, from %v to %v", p.Count(), p.Sum(), p.Min(), p.Max(), len(tt.of), sum, low, high)
			}
			if n := p.Positive().BucketCounts().Len(); p.Scale() != tt.scale || n > tt.buckets {
				t.Errorf("scale %d, %d buckets; want %d, at most %d", p.Scale(), n, tt.scale, tt.buckets)
			}
			checkBuckets(t, p, tt.of)
		})
	}
}

// checkBuckets fails the test unless every bucket counts the durations between its bounds
// (OpenTelemetry, Metrics Data Model: ExponentialHistogram). A duration that is a bound
// may fall on either side, by the precision of a logarithm; none here is.
func checkBuckets(t *testing.T, p pmetric.ExponentialHistogramDataPoint, durations []time.Duration) {
	t.Helper()
	base := math.Exp2(math.Exp2(-float64(p.Scale())))
	for i, said := range p.Positive().BucketCounts().All() {
		index := float64(p.Positive().Offset()) + float64(i)
		within := uint64(0)
		for _, d := range durations {
			if s := d.Seconds(); s > math.Pow(base, index) && s <= math.Pow(base, index+1) {
				within++
			}
		}
		if within != said {
			t.Errorf("bucket up to %v s says %d, %d are in it", math.Pow(base, index+1), said, within)
		}
	}
}

func logNormal(random *rand.Rand, n int, median time.Duration, sigma float64) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(float64(median) * math.Exp(sigma*random.NormFloat64()))
	}
	return out
}
