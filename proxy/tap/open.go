package tap

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// quietBacklog is how long a stream has been quiet when a reader of open exchanges decodes
// what waits in its backlog: by then no relay is about to report bytes.
const quietBacklog = 100 * time.Millisecond

// roster lists the exchanges that are open. An exchange changes it twice, a chunk never.
type roster struct {
	mu   sync.Mutex
	last uint64 // id
	open []*Exchange
	// fresh is how old undecoded bytes of a stream may become, as a time.Duration; 0 leaves
	// that to the backlog.
	fresh atomic.Int64
}

// progress is how far an exchange has come. The relay writes it and waits for nobody; any
// goroutine may read it.
type progress struct {
	place  int    // in roster.open; roster.mu guards it
	id     uint64 // 0 before the exchange is in the roster
	who    atomic.Pointer[particulars]
	asked  atomic.Int64 // this and the next are offsets from the start, in ns; 0 is not yet
	head   atomic.Int64
	byteAt atomic.Int64  // last bytes of the body
	first  atomic.Int64  // content
	came   atomic.Uint64 // see arrival
	eras   atomic.Uint64 // chunks of content, beyond the bits that came has for them
	beyond atomic.Int64  // tokens, beyond one for each chunk
	behind atomic.Bool   // bytes wait in the backlog
	over   atomic.Bool   // no more content can come that the decoder reads
	pause  wait          // for bytes, the last one of exchange.StallFrom or longer
	gap    wait          // for content, the last one of exchange.SilentFrom or longer

	decoded time.Duration // when the decoder read the backlog; the relay's
}

// chunkBits is how many bits of an arrival count chunks.
const chunkBits = 24

// arrival has the number of content chunks in its low bits, and above them the moment of the
// last one, as an offset in µs: one store tells both. There is room for twelve days.
func arrival(last time.Duration, chunks int) uint64 {
	return uint64(last.Microseconds())<<chunkBits | uint64(chunks)&(1<<chunkBits-1)
}

// content returns the number of content chunks so far, and when the last one came.
func (p *progress) content() (chunks int, last time.Duration) {
	came := p.came.Load()
	last = time.Duration(came>>chunkBits) * time.Microsecond
	return int(p.eras.Load()<<chunkBits | came&(1<<chunkBits-1)), max(last, time.Duration(p.first.Load()))
}

// wait is a wait inside a response, as offsets in ns. The relay stores the end last,
// and a reader loads it first: so that one that reads a new end has the start of that wait, or
// of a newer one, which is after the end.
type wait struct{ from, to atomic.Int64 }

func (w *wait) store(from, to time.Duration) {
	w.from.Store(int64(from))
	w.to.Store(int64(to))
}

// load returns the wait. It is not ok if there was none, or if one is being stored.
func (w *wait) load() (from, to time.Duration, ok bool) {
	to, from = time.Duration(w.to.Load()), time.Duration(w.from.Load())
	return from, to, from < to
}

// particulars say what an open exchange is, beside that which never changes: its start, its
// upstream and its origin. Nobody changes those that others may read.
type particulars struct {
	key     flightKey
	span    exchange.Span
	stream  bool // see exchange.Open
	attempt exchange.Attempt
	mode    exchange.Mode
}

// identify makes the particulars of x known, as they are now.
func (x *Exchange) identify(as exchange.Attempt) {
	r := &x.record
	x.progress.who.Store(&particulars{
		key: x.key, span: r.Span, attempt: as, mode: r.Mode, stream: x.key.operation.Generates() && (x.streams || x.answer || r.Stream),
	})
}

// attempt is the Attempt that Begun has returned.
func (x *Exchange) attempt() exchange.Attempt {
	if who := x.progress.who.Load(); who != nil {
		return who.attempt
	}
	return exchange.Attempt{}
}

// enter adds x, of which the particulars are known.
func (o *roster) enter(x *Exchange) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last++
	x.progress.id, x.progress.place = o.last, len(o.open)
	o.open = append(o.open, x)
}

// leave removes x, if it is there.
func (o *roster) leave(x *Exchange) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := x.progress.place
	if at >= len(o.open) || o.open[at] != x {
		return
	}
	end := len(o.open) - 1
	o.open[at] = o.open[end]
	o.open[at].progress.place = at
	o.open[end] = nil
	o.open = o.open[:end]
}

// list returns the open exchanges.
func (o *roster) list() []*Exchange { return o.appendTo(nil) }

// appendTo appends the open exchanges to dst. It holds the lock for one copy of pointers.
func (o *roster) appendTo(dst []*Exchange) []*Exchange {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append(dst, o.open...)
}

// AppendOpen appends the exchanges that are open to dst, in no order. Sessions and tunnels
// are none of them; the exchanges in a session are. It delays no relay: it reads what they
// have written, and decodes what waits of a stream only if that has been quiet for a while.
func (t *Tap) AppendOpen(dst []exchange.Open) []exchange.Open {
	now := Now()
	for _, x := range t.roster.list() {
		x.catchUpQuiet(now)
		dst = append(dst, x.now())
	}
	return dst
}

// KeepFresh bounds the age of what AppendOpen says of a stream that flows: each stream is
// decoded after at most so long. 0 decodes a dozen chunks or more together, however long
// they take to come.
func (t *Tap) KeepFresh(age time.Duration) { t.roster.fresh.Store(int64(age)) }

// now returns x as far as it has come. Another goroutine may write the moments meanwhile, so
// that one of them may be a moment younger than another.
func (x *Exchange) now() exchange.Open {
	p, who := &x.progress, x.progress.who.Load()
	chunks, last := p.content()
	return exchange.Open{
		ID: p.id, Start: x.start.Time(), Operation: who.key.operation, Model: who.key.model, Upstream: who.key.upstream,
		Origin: x.record.Origin, Span: who.span, Attempt: who.attempt, Stream: who.stream, Over: p.over.Load(),
		Asked: time.Duration(p.asked.Load()), Head: time.Duration(p.head.Load()), LastByte: time.Duration(p.byteAt.Load()),
		FirstToken: time.Duration(p.first.Load()), LastToken: last,
		Chunks: chunks, Tokens: int64(chunks) + p.beyond.Load(),
	}
}

// catchUpQuiet decodes the backlog of a stream that has been quiet for a while.
func (x *Exchange) catchUpQuiet(now Instant) {
	if quiet := now.Sub(x.start) - time.Duration(x.progress.byteAt.Load()); quiet >= quietBacklog {
		x.tryCatchUp()
	}
}

// tryCatchUp decodes the backlog, unless the relay is at work this very moment.
func (x *Exchange) tryCatchUp() {
	if !x.progress.behind.Load() || !x.mu.TryLock() {
		return
	}
	defer x.mu.Unlock()
	if !x.ended {
		x.catchUp()
	}
}

// arrived books that bytes of the body came.
func (x *Exchange) arrived(at time.Duration) {
	p := &x.progress
	if before := time.Duration(p.byteAt.Load()); at-before >= exchange.StallFrom && before > 0 {
		p.pause.store(before, at)
	}
	p.byteAt.Store(int64(at))
	if fresh := x.tap.roster.fresh.Load(); fresh > 0 && x.backlog != nil && at-x.progress.decoded >= time.Duration(fresh) {
		x.catchUp()
	}
}

// bookProgress books the content that the decoder has read so far. The caller holds what it
// needs to call the decoder.
func (x *Exchange) bookProgress(d dialect.Decoder) {
	now, p := d.Progress(), &x.progress
	if d.Over() && !p.over.Load() {
		p.over.Store(true)
	}
	came, before := arrival(now.LastToken, now.Chunks), p.came.Load()
	if came == before {
		return
	}
	// A load is cheaper than a store, and these change once, never, and seldom.
	if first := int64(now.FirstToken); first != p.first.Load() {
		p.first.Store(first)
	}
	if eras := uint64(now.Chunks) >> chunkBits; eras != p.eras.Load() {
		p.eras.Store(eras)
	}
	if beyond := now.Tokens - int64(now.Chunks); beyond != p.beyond.Load() {
		p.beyond.Store(beyond)
	}
	if came>>chunkBits-before>>chunkBits >= uint64(exchange.SilentFrom.Microseconds()) {
		if w := d.Waited(); int64(w.To) != p.gap.to.Load() {
			p.gap.store(w.From, w.To)
		}
	}
	p.came.Store(came)
}
