package sidecar

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// telemetry exports spans, metrics, or both to a collector. A part is nil if headway
// does not export it.
type telemetry struct {
	sampler *sampling.Sampler // nil without spans
	spans   *spans.Builder
	metrics *metrics.Exporter

	traceQueue, metricQueue *delivery.Queue
}

// newTelemetry starts the export of the signals that have a destination.
func newTelemetry(c config.Config, names *exporter.Names, live exporter.Live, log *slog.Logger) (t telemetry, err error) {
	defer func() {
		if err != nil {
			ended, end := context.WithCancel(context.Background())
			end()
			err = errors.Join(err, t.close(ended))
		}
	}()
	if t.traceQueue, err = newQueue(delivery.Traces, c.OpenTelemetry.Traces, c, log); err != nil {
		return t, err
	}
	if t.metricQueue, err = newQueue(delivery.Metrics, c.OpenTelemetry.Metrics, c, log); err != nil {
		return t, err
	}
	return t, t.start(c, names, live)
}

// newQueue returns the queue of a signal, or nil if the signal has no destination. If
// the queue cannot use the spool, because another process uses it, say, headway still
// forwards traffic, and requests wait in memory.
func newQueue(signal delivery.Signal, s config.Destination, c config.Config, log *slog.Logger) (*delivery.Queue, error) {
	if s.Endpoint == "" {
		return nil, nil //nolint:nilnil // nil is a signal without a destination
	}
	d := s.Delivery(signal)
	d.Log = log
	if c.SpoolDir != "" {
		d.SpoolDir, d.MaxBytes = c.SpoolDir, c.SpoolShare(signal)
	}
	log.Info("exporting", "signal", signal, "to", host(s.Endpoint), "protocol", d.Protocol, "spool", d.SpoolDir)
	q, err := delivery.New(d)
	if err != nil && d.SpoolDir != "" {
		log.Error("the spool cannot be used: requests wait in memory", "signal", signal, "err", err)
		d.SpoolDir, d.MaxBytes = "", 0
		q, err = delivery.New(d)
	}
	return q, err
}

// host returns the host of an endpoint, without the parts that may be secret.
func host(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return endpoint
}

// start begins to make spans and metrics from the exchanges that t observes.
func (t *telemetry) start(c config.Config, names *exporter.Names, live exporter.Live) error {
	if t.traceQueue != nil {
		described := map[string]string{}
		for _, a := range c.OpenTelemetry.Resource {
			described[a.Key] = a.Value
		}
		t.spans = spans.New(spans.Config{
			Resource: described, Version: build.Info().Version, SemConv: c.SemConv, Labels: c.RequestLabels.Names(), Send: t.traceQueue.Send,
		})
	}
	if t.metricQueue == nil {
		return nil
	}
	m := metrics.Config{
		SemConv: c.SemConv, Names: names, Live: live, Edges: edges(c.SLOs.Set), Temporality: metrics.Temporality(c.OpenTelemetry.Temporality),
		Interval: c.OpenTelemetry.Interval, Resource: resourceOf(c.OpenTelemetry.Resource), Version: build.Info().Version, Send: t.metricQueue.Send,
	}
	if c.OpenTelemetry.Exponential {
		m.Aggregation = metrics.Exponential
	}
	var err error
	t.metrics, err = metrics.New(m)
	return err
}

// setEdges makes the limits of SLOs bucket bounds of the metrics, if headway exports any.
func (t *telemetry) setEdges(edges exporter.Edges) {
	if t.metrics != nil {
		t.metrics.SetEdges(edges)
	}
}

// resourceOf returns the SDK's resource with these attributes.
func resourceOf(attributes []config.Attribute) *resource.Resource {
	var all []attribute.KeyValue
	for _, a := range attributes {
		all = append(all, attribute.String(a.Key, a.Value))
	}
	return resource.NewSchemaless(all...)
}

// sample puts the sampler before next, if headway exports spans.
func (t *telemetry) sample(ratio float64, next exchange.ChainObserver) exchange.ChainObserver {
	if t.spans == nil {
		return next
	}
	t.sampler = sampling.New(sampling.Config{Ratio: ratio, Next: next})
	return t.sampler
}

// sampled says whether the sampler keeps a trace by its id alone.
func (t *telemetry) sampled(id exchange.TraceID) bool {
	return t.sampler != nil && t.sampler.Sampled(id)
}

// observers returns the parts of t that observe exchanges.
func (t *telemetry) observers() []exchange.Observer {
	var all []exchange.Observer
	if t.metrics != nil {
		all = append(all, t.metrics)
	}
	if t.spans != nil {
		all = append(all, t.spans)
	}
	return all
}

// interimObservers returns the parts of t that observe what happens to open exchanges.
func (t *telemetry) interimObservers() []exchange.InterimObserver {
	if t.metrics == nil {
		return nil
	}
	return []exchange.InterimObserver{t.metrics}
}

// dropped adds to counts, by signal, the losses on the way to the collector.
func (t *telemetry) dropped(counts map[string]uint64) {
	if t.traceQueue != nil {
		counts["traces"] = t.traceQueue.Dropped()
	}
	if t.spans != nil {
		counts["traces"] += t.spans.Dropped()
	}
	if t.metricQueue != nil {
		counts["metrics"] = t.metricQueue.Dropped()
	}
	if t.metrics != nil {
		counts["exchanges"] = t.metrics.Dropped()
	}
}

// queued returns the number of bytes that wait for the collector, by signal.
func (t *telemetry) queued() map[string]uint64 {
	waiting := map[string]uint64{}
	if t.traceQueue != nil {
		waiting["traces"] = uint64(t.traceQueue.Bytes())
	}
	if t.metricQueue != nil {
		waiting["metrics"] = uint64(t.metricQueue.Bytes())
	}
	return waiting
}

// end closes t and logs the losses of the closing, by signal.
func (t *telemetry) end(ctx context.Context, log *slog.Logger) {
	before, after := map[string]uint64{}, map[string]uint64{}
	t.dropped(before)
	err := t.close(ctx)
	t.dropped(after)
	var lost []any
	for _, signal := range slices.Sorted(maps.Keys(after)) {
		if n := after[signal] - before[signal]; n > 0 {
			lost = append(lost, signal, n)
		}
	}
	if err != nil || lost != nil {
		log.Warn("telemetry is lost: no collector took it", append(lost, "err", err)...)
	}
}

// close sends the telemetry of everything that t has observed, until ctx ends. The rest
// stays in the spool, if there is one.
func (t *telemetry) close(ctx context.Context) error {
	var problems []error
	if t.spans != nil {
		t.spans.Close()
	}
	if t.metrics != nil {
		problems = append(problems, t.metrics.Shutdown(ctx))
	}
	closed := make(chan error, 2)
	for _, q := range []*delivery.Queue{t.traceQueue, t.metricQueue} {
		go func() {
			if q == nil {
				closed <- nil
				return
			}
			closed <- q.Close(ctx)
		}()
	}
	return errors.Join(append(problems, <-closed, <-closed)...)
}
