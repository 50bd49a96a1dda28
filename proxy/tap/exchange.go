package tap

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Exchange is one exchange under measurement. The side of the request and the side of
// the response may report concurrently, each in order. An Exchange keeps none of the
// bytes that it gets.
type Exchange struct {
	tap   *Tap
	start Instant

	// decoding is locked before mu. The inflater holds it, without mu, while it feeds
	// the decoder.
	decoding sync.Mutex

	mu        sync.Mutex
	record    draft
	head      dialect.Head
	decoder   dialect.Decoder // nil when the dialect is unknown or the tap has detached the decoder
	inflater  *inflater       // of a compressed response; it feeds the decoder
	backlog   *backlog        // nil while nothing waits in it
	encoding  string          // the response's Content-Encoding
	opaque    bool            // the request's body is compressed
	streams   bool            // the request asks for a stream
	answer    bool            // in a session, which comes in events
	unread    bool            // a compressed response is not read to its end
	short     bool            // a compressed response ended before its coding did
	batches   bool            // the decoder reads a stream that is not compressed in batches
	stamped   bool            // the kernel told every arrival so far
	ended     bool
	slowFeeds uint8         // in a row
	client    clientContext // unchanged after Begin
	key       flightKey
	limits    limits
	evidence  callEvidence
	sessions  dialect.Sessions // that the request asks for; nil for none
	session   *session         // on the tunnel that the exchange has become

	progress progress
	told     told
	ready    Instant       // since when the relay has waited for the upstream
	stamp    coming        // that Arrived has told last; the response's side alone uses it
	latest   coming        // of the bytes that were reported last
	answered Instant       // when the relay had read the head of the response
	late     time.Duration // how long bytes of the body lay in the kernel; see bookArrival
	chunks   int
}

// Begin starts to measure the exchange that r opens.
func (t *Tap) Begin(r Request) *Exchange {
	x := &Exchange{
		tap:   t,
		start: r.Read,
		head:  dialect.Head{Method: r.Method, Path: r.Path, Query: r.Query, Upstream: r.Upstream, Header: r.Header},
		key:   flightKey{upstream: r.Upstream.Address()},
	}
	x.record.Origin, x.record.Probe, x.record.Mode = cmp.Or(r.Origin, exchange.App), r.Probe, cmp.Or(r.Mode, t.config.Mode)
	if r.Arrived != 0 && r.Arrived < r.Read {
		x.start, x.stamped = r.Arrived, true
	}
	x.latest.at = x.start
	x.readHead(&r)
	x.guard(func() {
		if d := t.config.Dialects.Match(&x.head); d != nil {
			x.decoder = d.NewDecoder(&x.head)
			x.sessions = x.asksForSession(d)
			x.bookAsk()
		}
	})
	x.head.Header = nil // the relay reads the next bytes over it
	if x.opaque {
		x.record.Notes = append(x.record.Notes, "request_compressed")
	}
	t.open.Add(1)
	t.flight.add(x.key, 1, 0)
	x.identify(exchange.Attempt{})
	t.roster.enter(x)
	return x
}

// readHead reads the fields of the request that concern every dialect.
func (x *Exchange) readHead(r *Request) {
	x.record.Conditions.Of = x.tap.conditions()
	x.evidence.begin(r, x.tap.borrowBodyReader())
	found := x.tap.labels.borrow()
	r.Header(func(name, value []byte) bool {
		if x.record.Conditions.Of != nil {
			meet(&x.record.Conditions, name, value)
		}
		found.field(name, value)
		x.limitBy(name, value)
		switch {
		case exchange.EqualFold(name, "content-encoding"):
			x.opaque = !exchange.EqualFold(value, "identity")
		case exchange.EqualFold(name, "upgrade"):
			x.head.Upgrade = strings.ToLower(string(value))
		case exchange.EqualFold(name, "content-type"):
			x.evidence.json = isJSON(value)
		case x.client.field(name, value, &x.record.TraceState):
		default:
			x.evidence.field(name, value)
		}
		return true
	})
	x.record.Labels = x.tap.labels.of(found)
	x.record.Span = x.client.newSpan()
	x.evidence.headRead(x.opaque)
}

// RequestBody reports the next bytes of the request's body, without framing.
func (x *Exchange) RequestBody(p []byte) {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Bytes.In += int64(len(p))
	if x.record.Mode == exchange.Upgraded {
		return
	}
	x.evidence.bodyPart(p)
	if x.decoder != nil && !x.opaque && !x.ended {
		x.guard(func() { x.decoder.Request(p) })
	}
}

// RequestSent reports that the relay has written the first bytes of the request to the
// upstream, after it had waited dialed for a connection.
func (x *Exchange) RequestSent(at Instant, dialed time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Overhead.Request = max(0, at.Sub(x.start)-dialed)
}

// RequestRead reports that the last byte of the request came at the given moment, and that
// the relay has read it.
func (x *Exchange) RequestRead(at Instant) {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Timing.RequestRead = x.offset(at)
	defer x.returnBodyReader()
	if x.ended || x.record.Mode == exchange.Upgraded {
		return
	}
	if x.decoder != nil {
		before := x.key
		x.guard(x.bookAsk)
		if x.key != before {
			x.tap.flight.add(x.key, 1, x.openStreams())
			x.tap.flight.add(before, -1, -x.openStreams())
		}
	}
	if x.record.Bytes.In > 0 && x.evidence.body != nil {
		x.evidence.bodyRead()
		x.record.Prompt = x.evidence.prompt(&x.record.held)
	}
	x.identify(x.announce())
}

// RequestWritten reports that the relay has written the last byte of the request to
// the upstream.
func (x *Exchange) RequestWritten(at Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Timing.RequestWritten = x.offset(at)
	x.progress.asked.Store(int64(x.offset(at)))
	if x.ready == 0 { // else the response was there before
		x.ready = at
	}
}

// openStreams is 1 while the response streams, and 0 else.
func (x *Exchange) openStreams() int {
	if x.record.Stream {
		return 1
	}
	return 0
}

// bookAsk copies into the record all that the decoder knows of the request.
func (x *Exchange) bookAsk() {
	a := exportable(x.decoder.Ask())
	x.record.Dialect, x.record.Provider = a.Dialect, a.Provider
	x.key.operation, x.key.model = a.Operation, a.Model
	x.streams = a.Stream
}

// offset is the time from the exchange's start to at. It is never 0, which would say
// that it did not happen.
func (x *Exchange) offset(at Instant) time.Duration { return max(1, at.Sub(x.start)) }
