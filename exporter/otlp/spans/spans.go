// Package spans makes traces of exchanges: OpenTelemetry spans named and
// described by the GenAI semantic conventions, and by headway.* where those are
// silent, encoded as OTLP requests in batches.
//
// An exchange is one span, from the head of its request to the last byte of its
// response. A chain of several attempts has a span of its own over all of them. The
// engine's own times, where the server told them, are child spans. Nothing
// of what was asked or answered is in them.
package spans

import (
	"sync"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Defaults of Config.
const (
	DefaultMaxBatch = 128
	DefaultLinger   = 100 * time.Millisecond
	DefaultMaxHeld  = 1024
)

// Config is what a Builder is made of. Zero values stand for the defaults.
type Config struct {
	Resource map[string]string // attributes of the resource: service.name, k8s.pod.name, …
	Version  string            // of headway, for the scope
	SemConv  exporter.SemConv  // empty is exporter.V141

	// MaxBatch is how many spans a request has at most. With 128 it is some 230 KiB
	// for streams of 128 chunks, and stays below 1 MiB whatever is in them: receivers
	// over gRPC take 4 MiB by default.
	MaxBatch int
	// Linger is how long a span waits for others to fill a batch. What waits is lost
	// when the process is killed.
	Linger time.Duration
	// MaxHeld is how many attempts wait for the end of their chains, where one with many
	// chunks counts for several: each stands for some 8 KiB. When there are
	// more, the attempts of the oldest chain are written without it.
	MaxHeld int

	// Send takes an encoded ExportTraceServiceRequest of so many spans, and owns
	// it. It must not block, and is never called twice at once.
	Send func(payload []byte, items int)
}

// Builder is an exchange.ChainObserver that makes a trace of every exchange that
// is sampled. It is safe for concurrent use and never waits for I/O.
type Builder struct {
	config Config
	names  names
	blank  template

	mu      sync.Mutex
	open    *batch
	full    []*batch // in the order to send them
	spare   []*batch
	held    held
	closed  bool
	counted Counts

	sending sync.Mutex // held while a batch is encoded and sent
	part    batchPart

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

// Counts says what a Builder did.
type Counts struct {
	Spans   uint64 // written, sent or about to be
	Batches uint64 // sent
	// Cut counts the chains whose attempts were written before the chain was over,
	// because MaxHeld was reached.
	Cut uint64
}

// New starts a Builder. It has to be closed.
func New(c Config) *Builder {
	if c.MaxBatch <= 0 {
		c.MaxBatch = DefaultMaxBatch
	}
	if c.Linger <= 0 {
		c.Linger = DefaultLinger
	}
	if c.MaxHeld <= 0 {
		c.MaxHeld = DefaultMaxHeld
	}
	b := &Builder{
		config: c, names: namesOf(c.SemConv), blank: newTemplate(c), held: newHeld(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	b.open, b.part = newBatch(b.blank), newPart(b.blank)
	go b.run()
	return b
}

// Observe writes the span of r, or keeps r until its chain is over. An exchange
// that is not sampled costs nothing.
func (b *Builder) Observe(r exchange.Record) {
	if !r.Sampling.Kept {
		return
	}
	b.mu.Lock()
	switch {
	case b.closed:
	case r.Attempt.Chain != 0 && (r.Attempt.Outcome == "" || r.Attempt.Number > 1):
		b.held.add(r.Attempt.Chain, &r)
		for b.held.weight > b.config.MaxHeld {
			b.counted.Cut++
			b.release(b.held.oldest())
		}
	default:
		p := alone(&r)
		p.outcome, p.verdicts = r.Attempt.Outcome, r.Verdicts
		b.attempt(&r, &p)
	}
	b.unlock()
}

// ObserveChain writes the spans of c whose attempts were kept until now.
func (b *Builder) ObserveChain(c exchange.Chain) {
	b.mu.Lock()
	if records := b.held.take(c.ID); len(records) > 0 {
		b.chain(&c, records)
	}
	b.unlock()
}

// Flush sends everything that waits, attempts of chains that are not over
// included. When it returns, Send has been called with all that was observed before.
func (b *Builder) Flush() {
	b.mu.Lock()
	for b.held.weight > 0 {
		b.release(b.held.oldest())
	}
	b.turn()
	b.mu.Unlock()
	b.sendFull()
}

// Close flushes and stops. What is observed later is ignored.
func (b *Builder) Close() {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	b.mu.Unlock()
	if first {
		close(b.stop)
	}
	<-b.done
	b.Flush()
}

// Counts is what b did until now.
func (b *Builder) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counted
}

// release writes attempts without the chain that they belong to.
func (b *Builder) release(records []exchange.Record) {
	for i := range records {
		p := alone(&records[i])
		p.joined, p.verdicts = true, records[i].Verdicts
		b.attempt(&records[i], &p)
	}
}
