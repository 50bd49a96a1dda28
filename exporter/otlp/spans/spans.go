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
	DefaultMaxBatch   = 128
	DefaultLinger     = 100 * time.Millisecond
	DefaultMaxHeld    = 1024
	DefaultMaxWaiting = 8
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
	// more, the first attempts of the oldest chain are written without it.
	MaxHeld int
	// MaxWaiting is how many full batches wait to be encoded. When there are more,
	// because the machine has no time for that, the oldest is dropped.
	MaxWaiting int

	// Send takes an encoded ExportTraceServiceRequest of so many spans, and owns
	// it. It must not block, and is never called twice at once.
	Send func(payload []byte, items int)
}

// Builder is an exchange.ChainObserver that makes a trace of every exchange that
// is sampled. It is safe for concurrent use and never waits for I/O. Who observes only
// fills spans in: a goroutine of the Builder encodes and sends them.
type Builder struct {
	config Config
	names  names
	blank  template

	mu      sync.Mutex
	open    *batch
	full    []*batch // in the order to send them
	spare   []*batch
	held    held
	recent  recent
	closed  bool
	dropped uint64

	sending sync.Mutex // held while a batch is encoded and sent
	part    batchPart

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
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
	if c.MaxWaiting <= 0 {
		c.MaxWaiting = DefaultMaxWaiting
	}
	b := &Builder{
		config: c, names: namesOf(c.SemConv), blank: newTemplate(c), held: newHeld(),
		recent: recent{chains: map[exchange.ChainID]*ended{}},
		wake:   make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
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
	defer b.unlock() // a panic, which whoever relays recovers from, leaves b usable
	if b.closed {
		return
	}
	// Only an attempt that was answered at once is known to stay the only one: even the
	// first may be what ends a chain of several, when it ends last.
	if r.Attempt.Chain == 0 || r.Attempt.Outcome == exchange.FirstTry {
		p := alone(&r)
		p.outcome, p.verdicts = r.Attempt.Outcome, r.Verdicts
		b.attempt(&r, &p)
		return
	}
	if e := b.recent.chains[r.Attempt.Chain]; e != nil {
		b.late(e, &r)
		return
	}
	b.hold(&r)
}

// ObserveChain writes the spans of c whose attempts were kept until now. Those of a
// long chain are written a few at a time.
func (b *Builder) ObserveChain(c exchange.Chain) {
	if c.Outcome == exchange.FirstTry {
		return
	}
	b.mu.Lock()
	defer b.unlock()
	if b.closed {
		return
	}
	w := b.held.end(&c)
	if w == nil {
		b.recent.add(end(&c, 0))
		return
	}
	if w.over.missing > 0 {
		b.recent.add(w.over)
	}
	b.over(w.over, w.records)
	if len(w.records) > few {
		b.signal()
		return
	}
	for range len(w.records) {
		b.release()
	}
}

// Flush sends everything that waits, attempts of chains that are not over
// included. When it returns, Send has been called with all that was observed before.
// It encodes, and is not for goroutines that relay.
func (b *Builder) Flush() {
	for b.releaseDue(true) {
		b.sendFull()
	}
	b.sendFull() // or the open batch would push out one of them
	b.mu.Lock()
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

// Dropped counts the spans that were not sent because encoding was late.
func (b *Builder) Dropped() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}
