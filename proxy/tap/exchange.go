package tap

import (
	"cmp"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// slowFeed is how long one Feed may take before its decoder counts as slow, and
// maxSlowFeeds how many in a row before it counts as fallen behind. A Feed is at
// most one read of the relay, some microseconds of work; but a process that is
// throttled may be stopped for longer in the middle of any.
const (
	slowFeed     = 250 * time.Millisecond
	maxSlowFeeds = 3
)

// Exchange is one exchange that is being measured. The request's side and the
// response's side may report concurrently; each side reports in order. Nothing
// it is given is kept.
type Exchange struct {
	tap   *Tap
	start Instant

	// decoding is held, and mu is not, while the inflater feeds the decoder. It is
	// locked before mu.
	decoding sync.Mutex

	mu       sync.Mutex
	record   exchange.Record
	head     dialect.Head
	decoder  dialect.Decoder // nil when the dialect is unknown or the decoder was detached
	inflater *inflater       // reads a compressed body and feeds the decoder
	backlog  *backlog        // of a stream that is not compressed
	encoding string
	opaque   bool          // the request's body is compressed
	broken   bool          // the response's body does not decompress
	client   clientContext // not changed once the head was read; bytes, like those before it
	key      flightKey
	limits   limits
	evidence callEvidence

	ready  Instant // since when the relay has been waiting for the upstream
	chunks int
	slow   int32 // feeds in a row
	ended  bool
}

// Begin starts measuring the exchange that r opened.
func (t *Tap) Begin(r Request) *Exchange {
	x := &Exchange{
		tap:   t,
		start: r.Read,
		head:  dialect.Head{Method: r.Method, Path: r.Path, Query: r.Query, Upstream: r.Upstream, Header: r.Header},
		key:   flightKey{upstream: r.Upstream.Address()},
	}
	x.record = exchange.Record{
		Start: r.Read.Time(), Origin: cmp.Or(r.Origin, exchange.App), Role: t.config.Role, Mode: cmp.Or(r.Mode, t.config.Mode),
		Upstream: r.Upstream,
	}
	x.record.Conditions.Of = t.conditions()
	x.evidence.begin(&r)
	r.Header(func(name, value []byte) bool {
		if x.record.Conditions.Of != nil {
			meet(&x.record.Conditions, name, value)
		}
		switch {
		case exchange.EqualFold(name, "content-encoding"):
			x.opaque = !exchange.EqualFold(value, "identity")
		case exchange.EqualFold(name, "content-type"):
			x.evidence.json = isJSON(value)
		case x.client.field(name, value, &x.record.Trace.State):
		default:
			x.evidence.field(name, value)
		}
		return true
	})
	x.record.Trace, x.record.Span = x.client.trace(x.record.Trace.State), x.client.newSpan()
	x.evidence.headRead(x.opaque)
	x.record.Call = x.evidence.call
	x.guard(func() {
		if d := t.config.Dialects.Match(&x.head); d != nil {
			x.decoder = d.NewDecoder(&x.head)
			x.ask()
		}
	})
	x.head.Header = nil // the relay reads the next bytes over it
	if x.opaque {
		x.record.Notes = append(x.record.Notes, "request_compressed")
	}
	t.open.Add(1)
	t.flight.add(x.key, 1, 0)
	return x
}

// RequestBody reports the next bytes of the request's body, without framing.
func (x *Exchange) RequestBody(p []byte) {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Bytes.In += int64(len(p))
	x.evidence.bodyPart(p)
	if x.decoder != nil && !x.opaque && !x.ended {
		x.guard(func() { x.decoder.Request(p) })
	}
}

// RequestSent reports that the first bytes of the request were written to the
// upstream, after waiting dialed for a connection.
func (x *Exchange) RequestSent(at Instant, dialed time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Overhead.Request = max(0, at.Sub(x.start)-dialed)
}

// RequestRead reports that the last byte of the request was read from the client.
func (x *Exchange) RequestRead(at Instant) {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Timing.RequestRead = x.offset(at)
	if x.ended {
		return
	}
	if x.decoder != nil {
		before := x.key
		x.guard(x.ask)
		if x.key != before {
			x.tap.flight.add(x.key, 1, x.streams())
			x.tap.flight.add(before, -1, -x.streams())
		}
	}
	if x.record.Bytes.In > 0 {
		x.evidence.bodyRead()
		x.record.Call = x.evidence.call
	}
	x.begun()
}

// RequestWritten reports that the last byte of the request was written upstream.
func (x *Exchange) RequestWritten(at Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Timing.RequestWritten = x.offset(at)
	if x.ready == 0 { // else the response was there before
		x.ready = at
	}
}

// ResponseHead reports the head of the final response, read at the given moment.
func (x *Exchange) ResponseHead(status int, h exchange.Header, at Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.record.Status = status
	x.record.Timing.ResponseHead = x.offset(at)
	x.head.Response.Status = status
	h(func(name, value []byte) bool {
		switch {
		case exchange.EqualFold(name, "content-type"):
			x.head.Response.ContentType = mediaType(value)
		case exchange.EqualFold(name, "content-encoding"):
			x.encoding = join(x.encoding, value)
		default:
			x.limits.note(name, value, at.Time())
			advise(&x.record.Advice, name, value, at.Time())
		}
		return true
	})
	if x.head.Response.ContentType == "text/event-stream" {
		x.record.Stream = true
		x.tap.flight.add(x.key, 0, 1)
	}
	x.wait(at)
}

// wait books the time since the relay was ready as waiting for the upstream. Only
// waits inside a body, after its first byte, can be the longest.
func (x *Exchange) wait(until Instant) {
	if x.ready == 0 || until < x.ready {
		x.ready = until
	}
	waited := until.Sub(x.ready)
	x.record.Clocks.Upstream.Sum += waited
	if x.chunks > 0 {
		x.record.Clocks.Upstream.Longest = max(x.record.Clocks.Upstream.Longest, waited)
	}
	x.ready = until
}

// Chunk reports that bytes of the response's body were read from the upstream
// and, at written, had been taken by the client. Spans are the body without
// framing; together they were one read.
func (x *Exchange) Chunk(spans [][]byte, read, written Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	x.wait(read)
	x.record.Clocks.Client.Add(written.Sub(read))
	at := x.offset(read)
	for _, p := range spans {
		if x.record.Bytes.Out == 0 {
			x.firstChunk(p, at, written.Sub(read))
		}
		x.record.Bytes.Out += int64(len(p))
		x.feed(p, at)
	}
	x.chunks++
	x.ready = Now()
	own := x.ready.Sub(written)
	x.record.Clocks.Proxy.Add(own)
	if x.inflater == nil { // which feeds in its own time
		x.took(own)
	}
}

// took judges how long a feed took.
func (x *Exchange) took(d time.Duration) {
	if d <= slowFeed {
		x.slow = 0
		return
	}
	if x.slow++; x.slow == maxSlowFeeds && x.decoder != nil {
		x.detach(&x.tap.slow, "decoder_slow")
	}
}

// firstChunk books the first bytes of the body, and settles how it is read.
func (x *Exchange) firstChunk(p []byte, at, forwarding time.Duration) {
	x.record.Timing.FirstChunk = at
	x.record.Overhead.FirstChunk = forwarding
	if x.decoder == nil {
		return
	}
	open, known := decompressors(x.encoding, p)
	switch {
	case !known:
		x.decoder = nil
		x.record.Notes = append(x.record.Notes, "unknown_encoding")
	case len(open) > 0:
		x.inflater = newInflater(open, x)
	case x.record.Stream:
		x.backlog = x.tap.borrowBacklog()
	}
}

// feed hands body bytes to the decoder: a compressed body by way of the inflater,
// a stream by way of the backlog.
func (x *Exchange) feed(p []byte, at time.Duration) {
	switch {
	case x.decoder == nil:
	case x.inflater != nil:
		if !x.inflater.push(p, at) {
			x.detach(&x.tap.overflowed, "decoder_overflow")
		}
	case x.backlog != nil && x.backlog.add(p, at):
	default:
		x.catchUp()
		if x.backlog == nil || !x.backlog.add(p, at) {
			x.guard(func() { x.decoder.Feed(p, at) })
		}
	}
}

// catchUp decodes the backlog.
func (x *Exchange) catchUp() {
	if x.backlog != nil && x.decoder != nil {
		x.guard(func() { x.backlog.drain(x.decoder) })
	}
}

// streams is 1 while the response streams, in the count of those under way.
func (x *Exchange) streams() int {
	if x.record.Stream {
		return 1
	}
	return 0
}

// ask takes over what the decoder knows of the request.
func (x *Exchange) ask() {
	a := exportable(x.decoder.Ask())
	x.record.Dialect, x.record.Operation, x.record.Provider = a.Dialect, a.Operation, a.Provider
	x.record.Model.Request = a.Model
	x.key.operation, x.key.model = a.Operation, a.Model
}

// offset is at from the exchange's start; never 0, which says "did not happen".
func (x *Exchange) offset(at Instant) time.Duration { return max(1, at.Sub(x.start)) }
