package proxy

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// relay is one exchange between a client connection and an upstream connection.
// The client's side, run of its clientConn, writes the request and may abort the exchange.
// The upstream's side, run of its upstreamConn, writes the response, and it alone ends the
// exchange.
type relay struct {
	client *clientConn
	route  *route
	up     *upstreamConn // set by bind
	x      *tap.Exchange

	state state
	watch atomic.Pointer[watch] // watches the client while a write to the upstream waits
	retry retry
	hop   hop

	method  string
	doubled string // see Route.doubled
	http10  bool   // the client speaks HTTP/1.0
	close   bool   // the client asked to close the connection after this exchange
	upgrade bool   // the client asked for another protocol

	acknowledged atomic.Pointer[int64] // of the client's connection, when it left; see noteDeparture

	// Of the upstream's side:
	body          body
	answered      bool  // a byte of the final response was written to the client
	keep          bool  // the upstream connection may serve another exchange
	refused       bool  // the client got an answer of headway's own
	slow          bool  // the tap took long for the last part of the body
	last          bool  // the client connection ends with this exchange
	upstreamReset bool  // the upstream reset its side of a tunnel
	sentBefore    int64 // bytes that went to the client before the final response
	unreported    int64 // bytes of a write that failed, which the kernel has taken
}

// abort cuts the exchange short for the given reason. The first reason counts; after
// the response was delivered abort does nothing.
func (r *relay) abort(why exchange.Outcome) {
	cancel, bound, ok := r.state.abort(why)
	if !ok {
		return
	}
	if why == exchange.ClientGone {
		r.noteDeparture()
	}
	if cancel != nil {
		cancel()
	}
	if bound != nil {
		bound.abort(r)
	}
	r.client.over.Broadcast() // a caller without c.mu does not wait for over itself
}

// bind tells abort which connection to close. If another goroutine has called abort
// before, bind aborts the exchange on u.
func (r *relay) bind(u *upstreamConn) {
	if aborted := r.state.bind(u); aborted {
		u.abort(r)
	}
}

// fail ends the exchange after a panic on the upstream's side.
func (r *relay) fail() {
	r.leaveTrail(0)
	r.up.release(false)
	r.up.drop()
	r.giveUpRetry()
	r.client.endExchange(brokenOff)
	r.reportEnd(tap.Result{At: tap.Now(), Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrOther})
}

// respond forwards one response to the client and ends the exchange. The upstream's
// first bytes came at the given moment, or the read failed with err. The upstream
// connection goes on if it can serve another exchange.
func (r *relay) respond(at tap.Instant, err error) sequence {
	if err != nil && r.retryOnFresh(err) {
		return ends
	}
	at, err = r.forwardResponse(at, err)
	return r.finishUnlessParked(at, err)
}

// stream goes on with a response whose body streams.
func (r *relay) stream() sequence {
	at, err := r.forwardBody()
	if r.state.isTunnel() {
		at, err = r.endTunnel(at, err)
	}
	return r.finishUnlessParked(at, err)
}

// finishUnlessParked ends the exchange, whose response has ended at the given moment, with
// err if that ended it early. It does nothing if err says that the upstream connection is
// parked.
func (r *relay) finishUnlessParked(at tap.Instant, err error) sequence {
	if errors.Is(err, errParked) {
		return parks
	}
	return sequenceIf(r.finish(at, err))
}

// finish ends the exchange. It tells whether the upstream connection can serve another.
func (r *relay) finish(at tap.Instant, err error) bool {
	r.up.streams = false
	if err == nil {
		r.state.deliver()
	}
	r.leaveTrail(0)
	result := r.result(err)
	if err != nil && !r.answered && result.Outcome != exchange.ClientGone && r.client.way == pooled {
		r.up.leader.StepDown()
		result.Status = r.client.refuse(r.refusal(result, err))
		r.refused = true
	}
	result.At = at
	if left, ended := r.state.clientEnded(); ended && !r.state.isTunnel() {
		result.Left = left
	}
	if result.Left != 0 || result.Outcome == exchange.ClientGone {
		result.Receipt = r.receipt()
	}
	keep := r.releaseConnections(err)
	r.reportEnd(result)
	if !keep && r.client.way == pinned {
		r.client.passDown(nil)
	}
	return keep
}

// forwardResponse forwards interim responses, the final one and its body. It returns
// the moment at which the response ended, and the error that ended it early, or errParked.
func (r *relay) forwardResponse(at tap.Instant, err error) (tap.Instant, error) {
	for err == nil {
		var h responseHead
		if h, at, err = r.readHead(at); err != nil {
			return at, err
		}
		switch {
		case r.switches(&h):
			return r.switchProtocols(&h, at)
		case h.status >= 200:
			return r.forwardFinal(&h, at)
		}
		err = r.forwardInterim(&h)
		if err == nil && len(r.up.bytes()) == 0 {
			_, at, err = r.up.fill()
		}
	}
	return at, err
}

// readHead reads on until the head of a response is whole.
func (r *relay) readHead(at tap.Instant) (responseHead, tap.Instant, error) {
	known := 0
	for {
		p := r.up.bytes()
		switch n := min(len(p), len("HTTP/")); {
		case r.client.way == pooled && speaksTLS(p):
			return responseHead{}, at, errSealed
		case string(p[:n]) != "HTTP/"[:n]:
			return responseHead{}, at, errMalformed
		}
		if n := endOfResponse(p, known); n > 0 {
			if !r.up.headWhole() {
				return responseHead{}, at, errCrowded
			}
			h, err := r.client.proxy.parsers.response(p[:n], r.method)
			return h, at, err
		}
		known = len(p)
		var err error
		if at, err = r.awaitRest(); err != nil {
			return responseHead{}, at, err
		}
	}
}

// awaitRest reads more of the head of a response. The wait has the same bounds as for a
// request.
func (r *relay) awaitRest() (tap.Instant, error) {
	u := r.up
	if len(u.bytes()) > 0 {
		if err := u.holdHead(); err != nil {
			u.headDone()
			return u.at, err
		}
		u.boundHead(r.client.proxy.config.HeadTimeout)
	}
	_, at, err := u.fill()
	switch {
	case err == nil:
		return at, nil
	case !u.headDone():
		r.client.proxy.reportCrowd()
		return at, errCrowded
	case r.client.way == pinned && errors.Is(err, os.ErrDeadlineExceeded):
		return at, errHeadTooSlow // the rest passes unmeasured
	}
	return at, err
}

// forwardInterim forwards a 1xx response. HTTP/1.0 has none.
func (r *relay) forwardInterim(h *responseHead) error {
	defer r.up.use(len(h.wire))
	if r.http10 {
		return nil
	}
	out := r.client.proxy.scratch.get(len(h.raw))
	defer r.client.proxy.scratch.put(out)
	*out = r.appendResponse(*out, h, "")
	return r.write(*out)
}

// forwardFinal forwards the head of the final response with the body bytes that came
// with it, then the rest of the body as it comes.
func (r *relay) forwardFinal(h *responseHead, at tap.Instant) (tap.Instant, error) {
	r.hintAtDoubledPath(h.status)
	r.body = body{framing: h.framing, left: h.length, lenient: true}
	r.keep = !h.close
	// A response that comes before the request's end is the last one on the client's
	// connection: no upstream would read the rest of the request.
	r.last = r.close || r.closeDelimited() || r.client.proxy.endsConnections() || r.isUploading()
	at, done, err := r.forwardHead(h, at, r.persistence())
	if done || err != nil {
		return at, err
	}
	return r.forwardBody()
}

// forwardHead forwards a head with the body bytes that came with it, and tells whether
// the body is whole with them. The client reads connection in its Connection field.
func (r *relay) forwardHead(h *responseHead, at tap.Instant, connection string) (_ tap.Instant, done bool, err error) {
	r.up.gotHead()
	r.leaveTrail(h.status)
	out := r.client.proxy.scratch.get(len(h.raw))
	defer r.client.proxy.scratch.put(out)
	*out = r.appendResponse(*out, h, connection)
	p := r.up.bytes()[len(h.wire):]
	n, done, err := r.body.advance(p)
	*out = r.appendBody(*out, p[:n])
	r.answered = true
	if w := r.client.wire; w != nil {
		r.sentBefore = w.BytesSent()
	}
	failed := r.write(*out)
	if done && failed == nil {
		r.state.deliver()
	}
	r.reportArrival()
	r.x.ResponseHead(h.status, h.fields(), at)
	if failed != nil {
		return tap.Now(), false, failed
	}
	r.reportBody(at)
	r.up.use(len(h.wire) + n)
	return at, done, err
}

// reportArrival tells the tap when the bytes of the upstream's last read had come, if the
// kernel tells.
func (r *relay) reportArrival() {
	if came := r.up.arrived(); came != 0 {
		r.x.Arrived(came, r.up.at)
	}
}

// closeDelimited tells whether only the end of the connection tells the client where
// the body ends.
func (r *relay) closeDelimited() bool {
	return r.body.framing == untilClose || (r.http10 && r.body.framing == chunked)
}

// forwardBody forwards the body as it comes. One read, one write, then the tap. Its error
// is errParked if more is to come: then stream goes on with that.
func (r *relay) forwardBody() (tap.Instant, error) {
	if !r.up.streams {
		r.up.streams = true
		r.boundSilence()
	}
	for {
		p, at, err := r.up.fillOrPark()
		if errors.Is(err, errParked) {
			return at, err
		}
		if len(p) == 0 {
			if r.body.framing == untilClose && errors.Is(err, io.EOF) {
				return at, nil
			}
			return at, noEOF(err)
		}
		n, done, malformed := r.body.advance(p)
		if failed := r.writeBody(p[:n]); failed != nil {
			return tap.Now(), failed
		}
		if done {
			r.state.deliver()
		}
		r.reportBody(at)
		r.up.use(n)
		if done || malformed != nil {
			return at, malformed
		}
		r.boundSilence()
	}
}

// boundSilence bounds the wait for the next bytes of the body.
func (r *relay) boundSilence() {
	if idle := r.client.proxy.config.IdleTimeout; idle > 0 {
		_ = r.up.conn.SetReadDeadline(time.Now().Add(idle))
	}
}

// writeBody writes body bytes to the client as they came, and trailers as mended; to a
// client of HTTP/1.0, which knows no chunks, it writes their content.
func (r *relay) writeBody(p []byte) error {
	if r.staysAsItCame() {
		return r.write(p)
	}
	out := r.client.proxy.scratch.get(len(p)) // one write, however small the chunks are
	defer r.client.proxy.scratch.put(out)
	if *out = r.appendBody(*out, p); len(*out) == 0 {
		return nil
	}
	return r.write(*out)
}

func (r *relay) appendBody(dst, p []byte) []byte {
	switch {
	case r.staysAsItCame():
		return append(dst, p...)
	case !r.http10:
		return r.body.appendMended(dst, p)
	}
	for _, span := range r.body.spans {
		dst = append(dst, span...)
	}
	return dst
}

// staysAsItCame tells whether the client gets the part of the body that was read last byte
// by byte.
func (r *relay) staysAsItCame() bool {
	switch {
	case r.body.framing != chunked, r.client.way == pinned:
		return true
	case r.http10:
		return false
	}
	return r.body.trailers == nil
}

// write writes to the client. A failure means that the client is gone.
func (r *relay) write(p []byte) error {
	if n, err := r.client.write(p, r.up.leader); err != nil {
		r.unreported = int64(n)
		r.state.abort(exchange.ClientGone)
		return err
	}
	return nil
}

// persistence is the Connection field of the response to the client, or empty.
func (r *relay) persistence() string {
	switch {
	case r.last:
		return "close"
	case r.http10:
		return "keep-alive"
	}
	return ""
}
