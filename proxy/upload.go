package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// progress is how far a request has got on its way up.
type progress = int32

const (
	unsent   progress = iota // more is to come from the client, or the upstream took no more
	lastPart                 // its last bytes are being written
	sent                     // it was written whole, and the tap knows
)

// lastWrite bounds the wait for the last bytes of a request to be written when its
// response is already there: the upstream has read them, or never will.
const lastWrite = time.Second

// upload carries the request to the upstream connection that r is bound to,
// after waiting dialed for it. It tells whether the exchange is still to be
// waited for.
func (c *clientConn) upload(r *relay, req *requestHead, dialed time.Duration) bool {
	body := body{framing: req.framing, left: req.length}
	out := c.proxy.scratch.get()
	*out = r.appendRequest(*out, req)
	c.use(len(req.raw))
	p := c.bytes()
	n, done, err := c.advance(&body, p)
	*out = append(*out, p[:n]...)
	if err != nil { // what cannot be told apart is not forwarded
		c.proxy.scratch.put(out)
		r.unlock()
		r.abort(exchange.HTTPError)
		return true
	}
	r.beforeWrite(done)
	failed := r.sendFirst(out, done)
	r.x.RequestSent(tap.Now(), dialed)
	c.reportBody(r, &body)
	c.use(n)
	r.afterWrite(done, c.at, failed)
	return done || c.uploadRest(r, &body, r.retryResult(failed))
}

// beforeWrite says that a part of the request is about to be written.
func (r *relay) beforeWrite(last bool) {
	if last {
		r.lock()
		r.progress.Store(lastPart)
	}
}

// afterWrite says that the part was written, or that it failed to be. Its last byte
// was read from the client at the given moment.
func (r *relay) afterWrite(last bool, read tap.Instant, failed error) {
	defer r.unlock()
	if !last {
		return
	}
	r.x.RequestRead(read)
	if failed != nil {
		r.progress.Store(unsent)
		return
	}
	r.x.RequestWritten(tap.Now())
	r.progress.Store(sent)
	r.up.expectHead(r, r.client.proxy.config.HeaderTimeout)
}

// awaitSent tells whether the whole request was written to the upstream, and waits for
// the write of its last bytes to return: the response may be quicker than that.
func (r *relay) awaitSent() bool {
	if r.progress.Load() == lastPart {
		_ = r.up.conn.SetWriteDeadline(time.Now().Add(lastWrite))
		r.finishing.Lock()
		defer r.finishing.Unlock()
		_ = r.up.conn.SetWriteDeadline(time.Time{})
	}
	return r.progress.Load() == sent
}

// uploadRest carries the rest of the request's body as it comes. When the upstream
// takes no more of it, which failed says, the rest is read and dropped: a response
// may still come. It tells whether the exchange is still to be waited for, which
// it is not when the client left.
func (c *clientConn) uploadRest(r *relay, body *body, failed error) bool {
	for !c.isOver(r) {
		p, _, err := c.fill()
		if len(p) == 0 && err != nil {
			if c.passEnd(r, err) {
				return true
			}
			r.abort(exchange.ClientGone) // which it is not when r is over
			return false
		}
		n, done, err := c.advance(body, p)
		if err != nil { // what cannot be told apart is not forwarded
			r.abort(exchange.HTTPError)
			return true
		}
		r.beforeWrite(done)
		if failed == nil {
			failed = r.send(p[:n])
		}
		c.reportBody(r, body)
		c.use(n)
		r.afterWrite(done, c.at, failed)
		if done {
			return true
		}
	}
	return true
}

// reportUnsentBody tells the tap of what has come of a request that goes nowhere, so
// that it is known what was asked for.
func (c *clientConn) reportUnsentBody(r *relay, req *requestHead) {
	body := body{framing: req.framing, left: req.length}
	_, done, err := body.advance(c.bytes()[len(req.raw):])
	if err != nil {
		return
	}
	c.reportBody(r, &body)
	if done {
		r.x.RequestRead(c.at)
	}
}

// reportBody tells the tap of what body read last.
func (c *clientConn) reportBody(r *relay, body *body) {
	for _, span := range body.spans {
		r.x.RequestBody(span)
	}
}
