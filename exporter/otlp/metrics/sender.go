package metrics

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// sender is the SDK's exporter. It encodes the collected metrics for Config.Send.
// OpenTelemetry's own exporters would send them themselves, and queue nothing.
type sender struct{ config Config }

// Temporality implements the SDK's Exporter.
func (s *sender) Temporality(k sdk.InstrumentKind) metricdata.Temporality {
	return s.config.Temporality.of(k)
}

// Aggregation implements the SDK's Exporter. The SDK aggregates no histogram here.
func (s *sender) Aggregation(k sdk.InstrumentKind) sdk.Aggregation {
	return sdk.DefaultAggregationSelector(k)
}

// Export implements the SDK's Exporter.
func (s *sender) Export(_ context.Context, data *metricdata.ResourceMetrics) error {
	metrics := transform(data.ScopeMetrics, s.config.Resource)
	items := metrics.DataPointCount()
	if items == 0 {
		return nil
	}
	payload, err := pmetricotlp.NewExportRequestFromMetrics(metrics).MarshalProto()
	if err != nil {
		return fmt.Errorf("encoding metrics: %w", err)
	}
	s.config.Send(payload, items)
	return nil
}

// ForceFlush implements the SDK's Exporter. A sender holds nothing back.
func (s *sender) ForceFlush(context.Context) error { return nil }

// Shutdown implements the SDK's Exporter.
func (s *sender) Shutdown(context.Context) error { return nil }
