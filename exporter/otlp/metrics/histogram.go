package metrics

import (
	"slices"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
)

// The finest resolution of an exponential histogram. Scale 4 is a growth of 4.4 % a
// bucket. A backend merges the streams of many pods at the coarsest of their scales. A
// stream that starts at the SDK's scale of 20 would end at whatever scale its own traffic
// happens to fit.
const (
	maxScale   = series.FinestScale
	maxBuckets = 160
)

// histogram is one series, with explicit or with exponential buckets.
type histogram struct {
	life
	series.Histogram
	exemplars series.Exemplars[mark]
}

func (h *histogram) observe(samples exporter.Samples, m mark) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	h.Add(samples)
	for h.Exponential != nil && wide(h.Exponential) {
		h.Exponential.Coarsen()
	}
	if m.kept {
		h.exemplars.Put(&h.Histogram, samples, m)
	}
	return true
}

// wide says whether x needs more buckets than it may have. Empty ones between others count,
// because OTLP tells those, too.
func wide(x *series.Exponential) bool {
	_, counts := x.Buckets()
	return len(counts) > maxBuckets
}

// histograms holds the series of a histogram.
type histograms struct {
	members[*histogram]
	exponential bool
	temporality metricdata.Temporality

	bounds, next []float64 // of series that are made now, and after the next collection; members.mu guards them
}

func newHistograms(in *exporter.Instrument, c *Config) *histograms {
	f := &histograms{exponential: c.Aggregation == Exponential, temporality: c.Temporality.of(sdk.InstrumentKindHistogram)}
	if !f.exponential {
		f.bounds, f.next = in.Bounds, in.Bounds
	}
	f.members = newMembers(in, func() *histogram {
		h := &histogram{exemplars: series.NewExemplars[mark](maxExemplars)}
		var buckets *series.Exponential
		if f.exponential {
			buckets = series.NewExponential(maxScale, in.Zero)
		}
		h.Histogram = series.NewHistogram(f.bounds, buckets)
		return h
	})
	return f
}

// rebound gives explicit buckets other bounds. The next request is the last one with the
// bounds of before. After it the series count from 0, if the bounds differ.
func (f *histograms) rebound(bounds []float64) {
	if f.exponential {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = bounds
}

func (f *histograms) collect() metricdata.Aggregation {
	if f.exponential {
		return f.collectExponential()
	}
	out := metricdata.Histogram[float64]{Temporality: f.temporality}
	f.eachFilled(func(h *histogram, now time.Time) {
		out.DataPoints = append(out.DataPoints, metricdata.HistogramDataPoint[float64]{
			Attributes: h.attributes, StartTime: h.from, Time: now,
			Count: h.Count, Sum: h.Sum, Min: metricdata.NewExtrema(h.Min), Max: metricdata.NewExtrema(h.Max),
			Bounds: h.Bounds, BucketCounts: slices.Clone(h.Buckets), Exemplars: h.ofBuckets(),
		})
	})
	if out.DataPoints == nil {
		return nil
	}
	return out
}

func (f *histograms) collectExponential() metricdata.Aggregation {
	out := metricdata.ExponentialHistogram[float64]{Temporality: f.temporality}
	f.eachFilled(func(h *histogram, now time.Time) {
		p := metricdata.ExponentialHistogramDataPoint[float64]{
			Attributes: h.attributes, StartTime: h.from, Time: now,
			Count: h.Count, Sum: h.Sum, Min: metricdata.NewExtrema(h.Min), Max: metricdata.NewExtrema(h.Max),
			Scale: int32(h.Exponential.Scale()), Exemplars: h.recent(),
		}
		p.ZeroThreshold, p.ZeroCount = h.Exponential.Zero()
		if first, counts := h.Exponential.Buckets(); len(counts) > 0 {
			p.PositiveBucket = metricdata.ExponentialBucket{Offset: int32(first - 1), Counts: slices.Clone(counts)}
		}
		out.DataPoints = append(out.DataPoints, p)
	})
	if out.DataPoints == nil {
		return nil
	}
	return out
}

// eachFilled calls tell with every series that has samples. Series whose numbers are
// deltas, or get other bounds, then count from 0.
func (f *histograms) eachFilled(tell func(h *histogram, now time.Time)) {
	var bounds []float64
	begin := func() {
		f.bounds = f.next
		bounds = f.bounds
	}
	f.each(begin, func(h *histogram, now time.Time) {
		if h.Count > 0 {
			tell(h, now)
		}
		if f.temporality == metricdata.DeltaTemporality || !slices.Equal(h.Bounds, bounds) {
			h.from = now
			h.Reset(bounds)
			h.exemplars.Reset()
		}
	})
}

// ofBuckets lists the exemplars of explicit buckets.
func (h *histogram) ofBuckets() (out []metricdata.Exemplar[float64]) {
	for i := range h.Buckets {
		if e := h.exemplars.Bucket(i); e != nil {
			out = append(out, exemplarOf(e))
		}
	}
	return out
}

// recent lists the exemplars of exponential buckets.
func (h *histogram) recent() (out []metricdata.Exemplar[float64]) {
	all := h.exemplars.Recent()
	for i := range all {
		out = append(out, exemplarOf(&all[i]))
	}
	return out
}
