package tap

import (
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// newExchange returns an exchange of the session whose question is on its way. Nobody knows
// of it until it enters.
func (s *session) newExchange() *Exchange {
	o := s.opener
	x := &Exchange{tap: o.tap, head: o.head, key: flightKey{upstream: o.key.upstream}, client: o.client, answer: true, stamped: o.stamped}
	x.head.Response = dialect.Response{}
	x.record = draft{
		Origin: o.record.Origin, Probe: o.record.Probe, Mode: s.mode, TraceState: o.record.TraceState, Span: o.client.newSpan(),
		Conditions: o.record.Conditions, Labels: o.record.Labels, Limits: o.record.Limits,
	}
	x.evidence.beginIn(&o.evidence, &x.head, o.tap.borrowBodyReader())
	x.guard(func() {
		x.decoder = s.dialect.NewDecoder(&x.head)
		x.bookAsk()
	})
	return x
}

// enter begins the exchange at the given moment.
func (x *Exchange) enter(at Instant) {
	x.start = at
	x.latest.at = at
	x.tap.open.Add(1)
	x.tap.flight.add(x.key, 1, 0)
	x.identify(exchange.Attempt{})
	x.tap.roster.enter(x)
}

// separator ends a message of a dialect.Sequence.
var separator = []byte{frame.Separator}

// message reports bytes of a message of the answer, which may be its last: they came at
// came, and the client had taken them at written. One read may bring many messages.
func (x *Exchange) message(p []byte, last bool, came coming, written Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	from, at := x.ready, x.offset(came.at)
	if x.latest.read != came.read {
		x.latest, from = came, written
		x.stamped = x.stamped && came.stamped()
		x.bookArrival(came)
		x.record.Clocks.Client.Add(max(0, written.Sub(came.read)))
		x.chunks++
	}
	if x.record.Bytes.Out == 0 {
		x.beginAnswer(at)
		x.record.Overhead.FirstChunk = max(0, written.Sub(came.at))
	}
	x.record.Bytes.Out += int64(len(p))
	x.arrived(at)
	if x.decoder != nil {
		x.guard(func() {
			x.decoder.Feed(p, at)
			if last {
				x.decoder.Feed(separator, at)
			}
			x.bookProgress(x.decoder)
		})
	}
	x.ready = Now()
	own := max(0, x.ready.Sub(from))
	x.record.Clocks.Proxy.Add(own)
	x.bookFeed(own)
}

// beginAnswer books the first bytes of an answer. An answer in a session has no head: it
// has the status that it would have over HTTP.
func (x *Exchange) beginAnswer(at time.Duration) {
	r := &x.record
	r.Timing.ResponseHead, r.Timing.FirstChunk = at, at
	x.progress.head.Store(int64(at))
	r.Stream = true
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	x.head.Response = dialect.Response{Status: int(r.Status), ContentType: dialect.Sequence}
	x.tap.flight.add(x.key, 0, 1)
}

// failed is how an exchange ends whose server closes the session because of an error: as one
// with that status, or as an answer with an error inside, if it had begun.
func (x *Exchange) failed(at Instant) Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := Result{At: at, Outcome: exchange.StreamError, ErrorType: exchange.ErrUpstreamEvent}
	if x.record.Bytes.Out == 0 {
		r.Outcome, r.ErrorType = byStatus(int(x.record.Status))
	}
	return r
}

// limit books the rate limits of the exchange.
func (x *Exchange) limit(l limits) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.limits = l
}

// refuse books the status that an error stands for, if nothing of an answer came before.
func (x *Exchange) refuse(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.record.Bytes.Out == 0 {
		x.record.Status = int32(status)
	}
}
