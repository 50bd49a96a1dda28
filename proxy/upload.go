package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// lastWrite bounds the write of a request's last bytes when the response has come
// already: the upstream has read them by then, or never will.
const lastWrite = time.Second

// upload writes the request to the upstream connection of r, which took dialed to open.
// It tells whether c awaits the end of the exchange then.
func (c *clientConn) upload(r *relay, req *requestHead, dialed time.Duration) bool {
	body := body{framing: req.framing, left: req.length}
	out := c.proxy.scratch.get(len(req.raw))
	*out = r.appendRequest(*out, req)
	c.use(len(req.raw))
	p := c.bytes()
	n, done, err := c.advance(&body, p)
	*out = append(*out, p[:n]...)
	if err != nil { // headway forwards no body whose framing it cannot follow
		c.proxy.scratch.put(out)
		r.state.stopWriting()
		r.abort(exchange.HTTPError)
		c.awaits = true
		return true
	}
	r.beforeWrite(done)
	failed := r.sendFirst(out, done)
	r.x.RequestSent(tap.Now(), dialed)
	c.reportBody(r, &body)
	c.use(n)
	r.afterWrite(done, c.came, failed)
	c.awaits = done || c.uploadRest(r, &body, r.retryResult(failed))
	return c.awaits
}

// beforeWrite notes that the client's side is about to write a part of the request.
func (r *relay) beforeWrite(last bool) {
	if last {
		r.state.moveRequest(finishing)
	}
}

// afterWrite notes the write of a part of the request, or its failure. Read is the moment
// at which the part's last byte came from the client.
func (r *relay) afterWrite(last bool, read tap.Instant, failed error) {
	if !last {
		r.state.stopWriting()
		return
	}
	r.x.RequestRead(read)
	if failed != nil {
		r.state.moveRequest(unsent)
		return
	}
	r.x.RequestWritten(tap.Now())
	r.up.expectHead(r, r.client.proxy.config.HeaderTimeout)
	r.state.moveRequest(sent)
}

// isUploading tells whether a part of the request is to come.
func (r *relay) isUploading() bool {
	return r.state.isRequest(unsent) || r.state.isRequest(starting)
}

// awaitSent tells whether the whole request was written to the upstream. It waits for
// the write of the last bytes to return, because the response may be quicker.
func (r *relay) awaitSent() bool {
	if r.state.isRequest(finishing) {
		r.up.leader.StepDown()
		_ = r.up.conn.SetWriteDeadline(time.Now().Add(lastWrite))
		r.state.awaitWritten()
		_ = r.up.conn.SetWriteDeadline(time.Time{})
	}
	return r.state.isRequest(sent)
}

// uploadRest writes the rest of the request's body to the upstream as it comes. Once a
// write has failed, with the error failed, it reads the rest and drops it, because a
// response may still come. It tells whether c awaits the end of the exchange; it returns
// false when the client left.
func (c *clientConn) uploadRest(r *relay, body *body, failed error) bool {
	c.leader.StepDown() // bytes may come without a pause, and for long
	for c.running() == r {
		p, _, err := c.fill()
		if len(p) == 0 && err != nil {
			if c.passEnd(r, err) {
				return true
			}
			r.abort(exchange.ClientGone) // without effect when r is over
			return false
		}
		n, done, err := c.advance(body, p)
		if err != nil { // headway forwards no body whose framing it cannot follow
			r.abort(exchange.HTTPError)
			return true
		}
		r.beforeWrite(done)
		if failed == nil {
			failed = r.send(p[:n])
		}
		c.reportBody(r, body)
		c.use(n)
		r.afterWrite(done, c.came, failed)
		if done {
			return true
		}
	}
	return true
}

// reportUnsentBody reports the first part of a body to the tap when the request goes to
// no upstream, so that the Record says what the client asked for.
func (c *clientConn) reportUnsentBody(r *relay, req *requestHead) {
	body := body{framing: req.framing, left: req.length}
	_, done, err := body.advance(c.bytes()[len(req.raw):])
	if err != nil {
		return
	}
	c.reportBody(r, &body)
	if done {
		r.x.RequestRead(c.came)
	}
}

// reportBody reports the content that body has read last to the tap.
func (c *clientConn) reportBody(r *relay, body *body) {
	for _, span := range body.spans {
		r.x.RequestBody(span)
	}
}
