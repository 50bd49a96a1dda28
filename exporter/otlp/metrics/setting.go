package metrics

import (
	"fmt"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Temporality says since when a number counts, in the words of
// OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE (OpenTelemetry, OTLP Metrics
// Exporter).
type Temporality string

// The temporalities.
const (
	Cumulative Temporality = "cumulative" // everything from the start
	Delta      Temporality = "delta"      // everything from the request before
	LowMemory  Temporality = "lowmemory"  // delta, and cumulative for instruments that read the running program
)

func (t Temporality) check() error {
	switch t {
	case Cumulative, Delta, LowMemory:
		return nil
	}
	return fmt.Errorf("temporality %q is none of %s, %s, %s", t, Cumulative, Delta, LowMemory)
}

func (t Temporality) of(kind sdk.InstrumentKind) metricdata.Temporality {
	switch t {
	case Delta:
		return sdk.DeltaTemporalitySelector(kind)
	case LowMemory:
		return sdk.LowMemoryTemporalitySelector(kind)
	}
	return sdk.CumulativeTemporalitySelector(kind)
}

// Aggregation says which buckets histograms have, in the words of
// OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION.
type Aggregation string

// The aggregations.
const (
	Explicit    Aggregation = "explicit_bucket_histogram" // the bounds of the table
	Exponential Aggregation = "base2_exponential_bucket_histogram"
)

// The finest resolution of an exponential histogram. Scale 4 is a growth of 4.4 % a
// bucket. A backend merges the streams of many pods at the coarsest of their scales. A
// stream that starts at the SDK's scale of 20 would end at whatever scale its own traffic
// happens to fit.
const (
	maxScale   = 4
	maxBuckets = 160
)

func (a Aggregation) check() error {
	switch a {
	case Explicit, Exponential:
		return nil
	}
	return fmt.Errorf("aggregation %q is none of %s, %s", a, Explicit, Exponential)
}

func (a Aggregation) of(kind sdk.InstrumentKind) sdk.Aggregation {
	if a == Exponential && kind == sdk.InstrumentKindHistogram {
		return sdk.AggregationBase2ExponentialHistogram{MaxSize: maxBuckets, MaxScale: maxScale}
	}
	return sdk.DefaultAggregationSelector(kind)
}
