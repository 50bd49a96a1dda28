// Package metrics turns the table of instruments into OTLP. It records exchanges and
// chains with the meters of the OpenTelemetry SDK. Once an interval it encodes the sums
// of the SDK as a request, which the caller delivers.
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
	// Queue is how many exchanges and chains may wait until they are recorded; 1024
	// unless it is positive.
	Queue int
}

// The defaults of Config. A waiting exchange holds some 3 kB, and 64 kB of chunks at most.
// Recording a long stream takes under a millisecond, so that 1024 outlast a burst.
const (
	defaultInterval = time.Minute
	defaultQueue    = 1024
)

// maxPoints is how many data points a request has at most. A histogram with an exemplar
// in each of its buckets has some 3 kB, and servers of gRPC take 4 MB by default.
const maxPoints = 1000

// Exporter is an exchange.ChainObserver. A stream of n tokens is some 3n measurements. The
// SDK takes one at a time, and 0.5 µs for it. So Observe only hands the exchange to one
// goroutine, which records it. The methods are safe for concurrent use.
type Exporter struct {
	provider *sdk.MeterProvider
	recorder *recorder
	queue    chan *item
	flushes  chan chan struct{}
	done     chan struct{} // closed when the recording goroutine has ended
	dropped  atomic.Uint64
	pool     sync.Pool // of *item

	mu     sync.RWMutex // held to close queue; never while anybody waits
	closed bool
}

// item is one thing to record: a chain or else an exchange.
type item struct {
	isChain bool
	record  exchange.Record
	chain   exchange.Chain
}

// New starts an Exporter, which runs until Shutdown.
func New(c Config) (*Exporter, error) { return newOf(exporter.Table(c.SemConv), c) }

// newOf is New with the instruments of table.
func newOf(table []exporter.Instrument, c Config) (*Exporter, error) {
	c = c.withDefaults()
	if err := errors.Join(c.Temporality.check(), c.Aggregation.check()); err != nil {
		return nil, err
	}
	r, err := newRecorder(&c, table)
	if err != nil {
		return nil, fmt.Errorf("making instruments: %w", err)
	}
	provider := c.provider(sdk.NewPeriodicReader(&sender{config: c},
		sdk.WithInterval(c.Interval), sdk.WithMaxExportBatchSize(maxPoints), sdk.WithProducer(r)))
	if err := observe(c.meter(provider), &c, table); err != nil {
		return nil, errors.Join(fmt.Errorf("making instruments: %w", err), provider.Shutdown(context.Background()))
	}
	e := &Exporter{
		provider: provider,
		recorder: r,
		queue:    make(chan *item, c.Queue),
		flushes:  make(chan chan struct{}),
		done:     make(chan struct{}),
		pool:     sync.Pool{New: func() any { return new(item) }},
	}
	go e.run()
	return e, nil
}

// provider makes a provider of the SDK that reader reads.
func (c *Config) provider(reader sdk.Reader) *sdk.MeterProvider {
	return sdk.NewMeterProvider(
		sdk.WithReader(reader),
		sdk.WithResource(resource.Empty()), // sender has its own: the SDK would read the environment into it
		sdk.WithExemplarFilter(exemplar.TraceBasedFilter),
		sdk.WithCardinalityLimit(0), // Names bounds the series: past them a model is Other, as on /metrics, and not lost in an overflow
		sdk.WithView(sdk.NewView(sdk.Instrument{Name: "*"}, sdk.Stream{ExemplarReservoirProviderSelector: reservoirs})),
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
	if c.Queue <= 0 {
		c.Queue = defaultQueue
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

// Observe has one exchange recorded soon. It never waits: when the queue is full, it drops
// the exchange.
func (e *Exporter) Observe(r exchange.Record) {
	t := e.pool.Get().(*item)
	t.record = r
	e.enqueue(t)
}

// ObserveChain has one chain recorded under the labels of its last attempt, as Observe
// does for an exchange.
func (e *Exporter) ObserveChain(c exchange.Chain) {
	t := e.pool.Get().(*item)
	t.isChain, t.chain = true, c
	e.enqueue(t)
}

func (e *Exporter) enqueue(t *item) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !e.closed {
		select {
		case e.queue <- t:
			return
		default:
		}
	}
	e.dropped.Add(1)
	e.release(t)
}

// release clears t for another use.
func (e *Exporter) release(t *item) {
	*t = item{}
	e.pool.Put(t)
}

// SetEdges gives histograms with explicit buckets other bounds beside those of the table,
// from the next request on: that request is the last one with the bounds of before. If any
// bound differs, all series that exchanges and chains feed then begin anew.
func (e *Exporter) SetEdges(edges exporter.Edges) { e.recorder.setEdges(edges) }

// Dropped counts the exchanges and chains that were not recorded, or not whole: the queue
// was full, the Exporter was shut down, recording panicked, or there were more tokens than
// the SDK can take one by one.
func (e *Exporter) Dropped() uint64 { return e.dropped.Load() }

// ForceFlush records everything that was observed before, and sends it.
func (e *Exporter) ForceFlush(ctx context.Context) error {
	recorded := make(chan struct{})
	select {
	case e.flushes <- recorded:
	case <-e.done:
		return sdk.ErrReaderShutdown
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-recorded:
		return e.provider.ForceFlush(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown records everything that was observed before, sends it, and ends the Exporter's
// goroutines. If ctx ends first, the rest is lost. Later exchanges are dropped.
func (e *Exporter) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.queue)
	}
	e.mu.Unlock()
	var err error
	select {
	case <-e.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return errors.Join(err, e.provider.Shutdown(ctx))
}

// run records until the queue is closed and empty.
func (e *Exporter) run() {
	defer close(e.done)
	for {
		select {
		case t, ok := <-e.queue:
			if !ok {
				return
			}
			e.record(t)
		case recorded := <-e.flushes:
			for range len(e.queue) {
				e.record(<-e.queue)
			}
			close(recorded)
		}
	}
}

func (e *Exporter) record(t *item) {
	if !e.recorder.record(t) {
		e.dropped.Add(1)
	}
	e.release(t)
}
