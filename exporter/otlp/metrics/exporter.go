// Package metrics turns the table of instruments into OTLP: exchanges and chains are
// recorded with the meters of the OpenTelemetry SDK, and what these have added up is
// encoded, once an interval, as a request that somebody else delivers.
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
	Resource    *resource.Resource // what the metrics are of; nil is nothing known. The environment is not read for it.
	Version     string             // of this program

	// Send takes one encoded ExportMetricsServiceRequest and the number of its data
	// points, 1000 at most: an interval may need several. The callee owns payload. It must not block, and is never called twice at
	// once.
	Send func(payload []byte, items int)
	// Queue is how many exchanges and chains may wait until they are recorded; 1024
	// unless it is positive.
	Queue int
}

// What Config defaults to. A waiting exchange holds some 3 kB, 64 kB of chunks at most;
// recording a long stream takes under a millisecond, so that 1024 outlast a burst.
const (
	defaultInterval = time.Minute
	defaultQueue    = 1024
)

// maxPoints is how many data points a request has at most. A histogram with an exemplar
// in each of its buckets has some 3 kB, and servers of gRPC take 4 MB unless they are told.
const maxPoints = 1000

// Exporter is an exchange.ChainObserver. A stream of n tokens is some 3n measurements for
// the SDK, which takes one at a time and 0.5 µs for it, so that Observe only passes on what
// it is told, to one goroutine that records. Its methods are safe for concurrent use.
type Exporter struct {
	provider *sdk.MeterProvider
	recorder *recorder
	queue    chan *told
	flushes  chan chan struct{}
	done     chan struct{} // closed when the recording goroutine has ended
	dropped  atomic.Uint64
	pool     sync.Pool // of *told

	mu     sync.RWMutex // held to close queue; never while anybody waits
	closed bool
}

// told is one thing to record: a chain or else an exchange.
type told struct {
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
	provider := sdk.NewMeterProvider(
		sdk.WithReader(sdk.NewPeriodicReader(&sender{config: c}, sdk.WithInterval(c.Interval), sdk.WithMaxExportBatchSize(maxPoints))),
		sdk.WithResource(resource.Empty()), // sender has its own: the SDK would read the environment into it
		sdk.WithExemplarFilter(exemplar.TraceBasedFilter),
		sdk.WithCardinalityLimit(0), // Names bounds the series: past them a model is Other, as on /metrics, and not lost in an overflow
		sdk.WithView(sdk.NewView(sdk.Instrument{Name: "*"}, sdk.Stream{ExemplarReservoirProviderSelector: reservoirs})),
	)
	meter := provider.Meter(scope, metric.WithInstrumentationVersion(c.Version), metric.WithSchemaURL(schema(c.SemConv)))
	r, err := newRecorder(meter, &c, table)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making instruments: %w", err), provider.Shutdown(context.Background()))
	}
	e := &Exporter{
		provider: provider,
		recorder: r,
		queue:    make(chan *told, c.Queue),
		flushes:  make(chan chan struct{}),
		done:     make(chan struct{}),
		pool:     sync.Pool{New: func() any { return new(told) }},
	}
	go e.run()
	return e, nil
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

// schema is where the names of a setting are described; the successor of the
// conventions has released no schema.
func schema(s exporter.SemConv) string {
	if s == exporter.Latest {
		return ""
	}
	return semconv.SchemaURL
}

// Observe records one exchange, soon. It never waits: when too many are to be recorded,
// this one is dropped.
func (e *Exporter) Observe(r exchange.Record) {
	t := e.pool.Get().(*told)
	t.record = r
	e.tell(t)
}

// ObserveChain records one chain, under the labels of its last attempt, as Observe does
// an exchange.
func (e *Exporter) ObserveChain(c exchange.Chain) {
	t := e.pool.Get().(*told)
	t.isChain, t.chain = true, c
	e.tell(t)
}

func (e *Exporter) tell(t *told) {
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

// release lets go of what t holds.
func (e *Exporter) release(t *told) {
	*t = told{}
	e.pool.Put(t)
}

// Dropped counts the exchanges and chains that were not recorded, or not whole: the queue
// was full, the Exporter shut down, recording it panicked, or it told of more tokens than
// can be recorded one by one.
func (e *Exporter) Dropped() uint64 { return e.dropped.Load() }

// ForceFlush records what was observed before and sends what is to be sent.
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

// Shutdown records what was observed before, sends it and ends the Exporter's
// goroutines; what ctx cuts off is lost. What is observed from now on is dropped.
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

func (e *Exporter) record(t *told) {
	if !e.recorder.record(t) {
		e.dropped.Add(1)
	}
	e.release(t)
}
