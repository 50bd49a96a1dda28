// Package metrics turns the table of instruments into OTLP. It adds the samples of
// exchanges and chains up in series of its own. Once an interval the OpenTelemetry SDK
// collects those, and its own instruments, which read the running program. This package
// encodes what the SDK collected as requests, which the caller delivers.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// scope names the instrumentation that the metrics come from.
const scope = "github.com/headway-sidecar/headway"

// Config is what an Exporter is made of.
type Config struct {
	SemConv exporter.SemConv // empty is V141
	Names   *exporter.Names
	Live    exporter.Live
	Edges   exporter.Edges // more bounds of explicit buckets

	Temporality Temporality        // empty is Cumulative
	Aggregation Aggregation        // empty is Explicit
	Interval    time.Duration      // between two requests; a minute unless it is positive
	Resource    *resource.Resource // the source of the metrics; nil is an empty one. Nothing comes from the environment
	Version     string             // of this program

	// Send takes one encoded ExportMetricsServiceRequest and the number of its data
	// points, 1000 at most: an interval may need several requests. Send owns payload. It
	// must not block. The Exporter never calls it twice at once.
	Send func(payload []byte, items int)
}

const defaultInterval = time.Minute

// maxPoints is how many data points a request has at most. A histogram with an exemplar
// in each of its buckets has some 3 kB, and servers of gRPC take 4 MB by default.
const maxPoints = 1000

// Exporter is an exchange.ChainObserver. It is safe for concurrent use, and neither waits
// for a collection nor makes one wait for long.
type Exporter struct {
	provider *sdk.MeterProvider
	recorder *recorder
	dropped  atomic.Uint64

	mu     sync.RWMutex // held for writing to set closed
	closed bool
}

// New starts an Exporter, which runs until Shutdown.
func New(c Config) (*Exporter, error) { return newOf(c.Names.Table(c.SemConv), c) }

// newOf is New with the instruments of table.
func newOf(table []exporter.Instrument, c Config) (*Exporter, error) {
	c = c.withDefaults()
	if err := errors.Join(c.Temporality.check(), c.Aggregation.check()); err != nil {
		return nil, err
	}
	r := newRecorder(&c, table)
	provider := c.provider(sdk.NewPeriodicReader(&sender{config: c},
		sdk.WithInterval(c.Interval), sdk.WithMaxExportBatchSize(maxPoints), sdk.WithProducer(r)))
	if err := observe(c.meter(provider), &c, table); err != nil {
		return nil, errors.Join(fmt.Errorf("making instruments: %w", err), provider.Shutdown(context.Background()))
	}
	return &Exporter{provider: provider, recorder: r}, nil
}

// provider makes the provider of the SDK that reader reads. It has the instruments that
// read the running program.
func (c *Config) provider(reader sdk.Reader) *sdk.MeterProvider {
	return sdk.NewMeterProvider(
		sdk.WithReader(reader),
		sdk.WithResource(resource.Empty()), // sender has its own: the SDK would read the environment into it
		sdk.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdk.WithCardinalityLimit(0), // Names bounds the series: past them a model is Other, as on /metrics, and not lost in an overflow
	)
}

func (c *Config) meter(of *sdk.MeterProvider) metric.Meter {
	return of.Meter(scope, metric.WithInstrumentationVersion(c.Version), metric.WithSchemaURL(schema(c.SemConv)))
}

func (c Config) withDefaults() Config {
	if c.Temporality == "" {
		c.Temporality = Cumulative
	}
	if c.Aggregation == "" {
		c.Aggregation = Explicit
	}
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.Resource == nil {
		c.Resource = resource.Empty()
	}
	return c
}

// schema is the URL that describes the names of a setting. headway knows none of V01.
func schema(s exporter.SemConv) string {
	if s == exporter.V01 {
		return ""
	}
	return semconv.SchemaURL
}

// Observe records one exchange.
func (e *Exporter) Observe(r exchange.Record) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || !e.recorder.exchange(&r) {
		e.dropped.Add(1)
	}
}

// ObserveChain records one chain under the labels of its last attempt.
func (e *Exporter) ObserveChain(c exchange.Chain) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || !e.recorder.chain(&c) {
		e.dropped.Add(1)
	}
}

// ObserveTurn records one turn under the labels of its last exchange.
func (e *Exporter) ObserveTurn(t exchange.WholeTurn) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || !e.recorder.turn(&t) {
		e.dropped.Add(1)
	}
}

// ObserveInterim records what happened to an exchange that is open.
func (e *Exporter) ObserveInterim(i exchange.Interim) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed || !e.recorder.interim(&i) {
		e.dropped.Add(1)
	}
}

// SetEdges gives histograms with explicit buckets other bounds beside those of the table,
// from the next request on: that request is the last one with the bounds of before.
// Histograms whose bounds differ then begin anew, and no sample is lost by it.
func (e *Exporter) SetEdges(edges exporter.Edges) { e.recorder.setEdges(edges) }

// Dropped counts the exchanges and chains that were not recorded, or not whole, because
// the Exporter was shut down or recording panicked.
func (e *Exporter) Dropped() uint64 { return e.dropped.Load() }

// ForceFlush sends everything that was observed before.
func (e *Exporter) ForceFlush(ctx context.Context) error { return e.provider.ForceFlush(ctx) }

// Shutdown sends everything that was observed before, and ends the Exporter. If ctx ends
// first, the rest is lost. Later exchanges are dropped.
func (e *Exporter) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	return e.provider.Shutdown(ctx)
}
