// Package spans makes traces of exchanges: OpenTelemetry spans with the names and
// attributes of the GenAI semantic conventions, and headway.* where those are silent,
// encoded as OTLP requests in batches.
//
// An exchange is one span, from the head of its request to the last byte of its response.
// A chain of several attempts has a span of its own over all of them, and so has a turn of
// several exchanges. The engine's own times, where the server tells them, are child spans. No span holds any part of a prompt
// or an answer.
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

// Config says how a Builder works. Zero values stand for the defaults.
type Config struct {
	Resource map[string]string // attributes of the resource: service.name, k8s.pod.name, …
	Version  string            // of headway, for the scope
	SemConv  exporter.SemConv  // empty is exporter.V141
	Labels   []string          // names of the labels that a Record has values of

	// MaxBatch is how many spans a request has at most. With 128, a request has some
	// 230 KiB for streams of 128 chunks, and stays below 1 MiB for any spans: receivers
	// over gRPC take 4 MiB by default.
	MaxBatch int
	// Linger is how long a span waits for others to fill a batch. If the process is
	// killed, the waiting spans are lost.
	Linger time.Duration
	// MaxHeld is how many attempts wait for the end of their chains. An attempt with many
	// chunks counts for several: one stands for some 8 KiB. If there are more, the
	// Builder writes the first attempts of the oldest chain without the chain.
	MaxHeld int
	// MaxWaiting is how many full batches wait to be encoded. If there are more, because
	// the machine has no time to encode them, the Builder drops the oldest.
	MaxWaiting int

	// Send takes an encoded ExportTraceServiceRequest of so many spans, and owns it. It
	// must not block. The Builder never calls it twice at once.
	Send func(payload []byte, items int)
}

// Builder is an exchange.ChainObserver that makes a trace of every sampled exchange. It is
// safe for concurrent use and never waits for I/O. Observe only fills spans in: a
// goroutine of the Builder encodes and sends them.
type Builder struct {
	config Config
	names  names
	own    own
	blank  template

	mu      sync.Mutex
	open    *batch
	full    []*batch // in the order to send them
	spare   []*batch
	held    held
	recent  remembered[*finished]         // chains that ended with attempts missing
	parted  remembered[*parted]           // chains that are not over
	turns   remembered[exchange.Sampling] // turns that are not over, with that of their sampled exchanges
	closed  bool
	dropped uint64

	sending sync.Mutex // held while a batch is encoded and sent
	part    batchPart

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

// New starts a Builder, which runs until Close.
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
		config: c, names: namesOf(c.SemConv), own: ownOf(c.Labels), blank: newTemplate(c), held: newHeld(),
		recent: remember[*finished](maxRecent), parted: remember[*parted](maxParted), turns: remember[exchange.Sampling](maxTurns),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	b.open, b.part = newBatch(b.blank), newPart(b.blank)
	go b.run()
	return b
}

// Observe writes the span of r, or keeps r until its chain is over. It does nothing for an
// exchange that is not sampled.
func (b *Builder) Observe(r exchange.Record) {
	if !r.Sampling.Kept {
		return
	}
	b.mu.Lock()
	defer b.unlock() // a panic, from which the relay recovers, leaves b usable
	if b.closed {
		return
	}
	b.expect(&r)
	// Only an attempt that was answered at once is sure to stay the only one: even the first
	// attempt may end a chain of several, if it ends last.
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

// ObserveChain writes the spans of c and of its attempts, which were kept until now. It
// writes those of a long chain a few at a time.
func (b *Builder) ObserveChain(c exchange.Chain) {
	if c.Outcome == exchange.FirstTry {
		return
	}
	b.mu.Lock()
	defer b.unlock()
	if b.closed {
		return
	}
	w, p := b.held.end(&c), b.parted.chains[c.ID]
	b.parted.forget(c.ID)
	if w == nil && p != nil {
		b.rejoin(p, &c)
		return
	}
	if w == nil {
		b.remember(finish(&c, 0))
		return
	}
	if p != nil {
		w.over.missing -= p.written
	}
	if w.over.missing > 0 {
		b.remember(w.over)
	}
	b.span(w.over, w.records, exchange.Span{})
	if len(w.records) > few {
		b.signal()
		return
	}
	for range len(w.records) {
		b.release()
	}
}

// Flush sends everything that waits, also attempts of chains that are not over. When it
// returns, it has called Send with everything that was observed before. It encodes, so
// that goroutines that relay must not call it.
func (b *Builder) Flush() {
	for b.releaseDue(true) {
		b.sendFull()
	}
	b.sendFull() // or the open batch would push out one of them
	b.mu.Lock()
	b.closeBatch()
	b.mu.Unlock()
	b.sendFull()
}

// Close flushes and stops. Later exchanges are ignored.
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
