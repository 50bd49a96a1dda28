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

func (a Aggregation) check() error {
	switch a {
	case Explicit, Exponential:
		return nil
	}
	return fmt.Errorf("aggregation %q is none of %s, %s", a, Explicit, Exponential)
}
