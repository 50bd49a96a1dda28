package prometheus_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

const e2eMetric = "gen_ai_client_operation_duration_seconds"

// The histogram of this package must expose the same as that of client_golang, at less
// cost.
func TestHistogramIsTheOneOfTheClientLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tests := map[string][]time.Duration{
		"nothing above the zero threshold": {time.Microsecond, 100 * time.Microsecond, 122070 * time.Nanosecond},
		"just above it":                    {122071 * time.Nanosecond},
		"bounds of native buckets":         {time.Second, time.Second / 2, time.Second / 4, time.Second * 2, time.Second * 8},
		"bounds of classic buckets":        {10 * time.Millisecond, 20 * time.Millisecond, 655360 * time.Millisecond},
		"above the last bucket":            {time.Hour, 100 * time.Hour},
		"falling, with holes":              {time.Hour, time.Minute, time.Second, 900 * time.Millisecond, 600 * time.Millisecond, time.Millisecond},
		"log-normal":                       logNormal(random, 2000, time.Second, .5),
		"just below the limit of buckets":  spread(160),
	}
	for name, durations := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExporter(t, prometheus.Config{})
				reference := client.NewHistogram(client.HistogramOpts{
					Name: "reference", Buckets: e2eBounds(t), NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
					NativeHistogramMinResetDuration: time.Hour, NativeHistogramZeroThreshold: 1.0 / 8192,
				})
				for _, d := range durations {
					e.Observe(lasting(d))
					reference.Observe(d.Seconds())
				}
				var want dto.Metric
				if err := reference.Write(&want); err != nil {
					t.Fatal(err)
				}
				got := e2e(t, e)
				if !proto.Equal(got, want.GetHistogram()) {
					t.Errorf("got  %v\nwant %v", got, want.GetHistogram())
				}
			})
		})
	}
}

func TestHistogramWeighsSamples(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	r := exchangetest.Stream(1)
	r.Chunks.Add(exchange.Chunk{At: r.Timing.FirstToken + 2*time.Second, Tokens: 1000})
	e.Observe(r)
	h := families(t, e)["headway_inter_token_latency_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 1000 || h.GetSampleSum() != 2 {
		t.Errorf("%d samples of %v s in all, want 1000 of 2", h.GetSampleCount(), h.GetSampleSum())
	}
	for _, b := range h.GetBucket() {
		if want := map[bool]uint64{true: 1000}[b.GetUpperBound() >= .002]; b.GetCumulativeCount() != want {
			t.Errorf("%d samples up to %v s, want %d", b.GetCumulativeCount(), b.GetUpperBound(), want)
		}
	}
	if d := h.GetPositiveDelta(); len(d) != 1 || d[0] != 1000 {
		t.Errorf("native buckets %v, want one of 1000", d)
	}
}

func TestHistogramWidensItsBucketsWhenThereAreTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{})
		for _, d := range spread(200) {
			e.Observe(lasting(d))
		}
		h := e2e(t, e)
		if h.GetSchema() != 2 || populated(h) > 160 || h.GetSampleCount() != 200 {
			t.Errorf("schema %d, %d buckets, %d samples, want 2, at most 160, 200", h.GetSchema(), populated(h), h.GetSampleCount())
		}
		total, count := int64(0), int64(0)
		for _, delta := range h.GetPositiveDelta() {
			count += delta
			total += count
		}
		if total != 200 {
			t.Errorf("%d samples are in buckets, want 200", total)
		}
		checkBounds(t, h, spread(200))
	})
}

func TestHistogramStartsAnewAfterAnHourOfWideBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{})
		began := time.Now()
		for _, d := range spread(200) {
			e.Observe(lasting(d))
		}
		time.Sleep(time.Hour)
		e.Observe(lasting(time.Second))
		h := e2e(t, e)
		if h.GetSchema() != 3 || h.GetSampleCount() != 1 || h.GetSampleSum() != 1 {
			t.Errorf("schema %d, %d samples, sum %v; want 3, 1, 1", h.GetSchema(), h.GetSampleCount(), h.GetSampleSum())
		}
		if got := h.GetCreatedTimestamp().AsTime(); !got.Equal(began.Add(time.Hour)) {
			t.Errorf("created %v, want an hour after %v", got, began)
		}
	})
}

func TestHistogramOfAnHourStartsAnewWhenThereAreTooManyBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{})
		all := spread(161)
		for _, d := range all[:160] {
			e.Observe(lasting(d))
		}
		time.Sleep(time.Hour)
		e.Observe(lasting(all[160]))
		if h := e2e(t, e); h.GetSchema() != 3 || h.GetSampleCount() != 1 {
			t.Errorf("schema %d, %d samples; want 3 and only the last one", h.GetSchema(), h.GetSampleCount())
		}
	})
}

// spread is n durations in n different native buckets, from 0.2 ms on.
func spread(n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(200e3 * math.Exp2(float64(i)/8))
	}
	return out
}

func logNormal(random *rand.Rand, n int, median time.Duration, sigma float64) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(float64(median) * math.Exp(sigma*random.NormFloat64()))
	}
	return out
}

func lasting(d time.Duration) exchange.Record {
	r := exchangetest.Plain()
	r.Timing.End = d
	return r
}

func e2e(t *testing.T, e *prometheus.Exporter) *dto.Histogram {
	t.Helper()
	return families(t, e)[e2eMetric].GetMetric()[0].GetHistogram()
}

func e2eBounds(t *testing.T) []float64 {
	t.Helper()
	for _, in := range exporter.Table(exporter.V141) {
		if prometheus.Name(&in) == e2eMetric {
			return in.Bounds
		}
	}
	t.Fatal("no " + e2eMetric)
	return nil
}

// populated is the number of native buckets with samples.
func populated(h *dto.Histogram) int {
	n, count := 0, int64(0)
	for _, delta := range h.GetPositiveDelta() {
		if count += delta; count > 0 {
			n++
		}
	}
	return n
}

// checkBounds fails the test unless every bucket counts the durations between its bounds.
func checkBounds(t *testing.T, h *dto.Histogram, durations []time.Duration) {
	t.Helper()
	growth := math.Exp2(math.Exp2(-float64(h.GetSchema())))
	key, i, count := int32(0), 0, int64(0)
	for _, span := range h.GetPositiveSpan() {
		key += span.GetOffset()
		for range span.GetLength() {
			count += h.GetPositiveDelta()[i]
			i++
			upper, within := math.Pow(growth, float64(key)), int64(0)
			for _, d := range durations {
				if s := d.Seconds(); s <= upper && s > upper/growth {
					within++
				}
			}
			if within != count {
				t.Errorf("bucket up to %v s says %d, %d are in it", upper, count, within)
			}
			key++
		}
	}
}
