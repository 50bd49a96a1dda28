package tap

import (
	"cmp"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
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
