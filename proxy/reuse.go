package proxy

import (
	"errors"
	"os"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// retriedNote marks the Record of an exchange that was made again on a fresh connection.
const retriedNote = "reused_connection_retried"

var errNotRetried = errors.New("the connection failed, and there was no other")

// retry holds the request of an exchange on a kept connection, in case that connection
// turns out to be dead and the exchange has to begin again on a fresh one. A retry is
// safe when the upstream cannot have acted on the request: the kernel took no byte of
// it, or its method is idempotent (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1) and
// the first write held all of it. A missing acknowledgement proves nothing: the kernel
// processes a reset before the acknowledgement that the reset carries.
type retry struct {
	allowed bool       // the connection was kept, and this is the first try
	first   *[]byte    // the first write, if it may be repeated; set while the request is starting or finishing
	whole   bool       // the first write is the whole request
	done    chan error // gives the client's side, if it waits, the result of the second write
}

// allowRetry prepares r for a kept connection, which may fail before the request is
// written. The upstream's side, if it sees the failure first, waits at the lock for the
// end of the first write.
func (r *relay) allowRetry() {
	r.retry.allowed = true
	r.state.moveRequest(starting)
}

// sendFirst writes out, the first part of the request. Whole says that it is all of the
// request. It keeps out for a retry, or returns it to the scratch buffers.
func (r *relay) sendFirst(out *[]byte, whole bool) error {
	before := r.up.bytesSent()
	failed := r.send(*out)
	lost := failed != nil && r.up.wire != nil && r.up.bytesSent() == before
	kept := whole && idempotent(r.method) && len(*out) <= 2*readBuffer // until the response comes
	if !r.retry.allowed || !lost && !kept {
		r.client.proxy.scratch.put(out)
		return failed
	}
	r.retry.first, r.retry.whole = out, whole
	if lost {
		r.retry.done = make(chan error, 1)
		r.up.abort(r) // the reader of the connection makes the retry
	}
	return failed
}

func (u *upstreamConn) bytesSent() int64 {
	if u.wire == nil {
		return 0
	}
	return u.wire.BytesSent()
}

// retryResult is the result of the first write. If that failed and the upstream's side
// may repeat it, retryResult waits for the result of the second one.
func (r *relay) retryResult(failed error) error {
	if r.retry.done == nil {
		return failed
	}
	r.client.leader.StepDown()
	w := r.client.watch(r, dialPatience)
	defer w.stop()
	return <-r.retry.done
}

// retryOnFresh begins the exchange again on a fresh connection, when the kept one has
// failed with the given error before a byte of the response. If it returns true, the
// exchange belongs to the fresh connection's run.
func (r *relay) retryOnFresh(why error) bool {
	old := r.up
	if !r.retry.allowed || len(old.bytes()) > 0 || errors.Is(why, os.ErrDeadlineExceeded) {
		return false
	}
	old.leader.StepDown()
	_ = old.close() // a write under way returns
	r.state.awaitWritten()
	if _, aborted := r.state.aborted(); aborted || r.retry.first == nil {
		return false
	}
	next, err := r.route.pool.dialUnpooled(r)
	if err != nil {
		return false
	}
	if !r.resend(next) {
		next.drop()
		return false
	}
	old.release(false)
	old.drop()
	return true
}

// dialUnpooled opens a connection that serves r and no later exchange.
func (p *pool) dialUnpooled(r *relay) (*upstreamConn, error) {
	u, err := p.connect(r)
	if err != nil {
		return nil, err
	}
	u.drop = func() { _ = u.close() }
	u.keep = u.drop
	return u, nil
}

// resend moves the exchange to next and writes the first part of the request again.
func (r *relay) resend(next *upstreamConn) bool {
	first := r.retry.first
	r.retry.first, r.retry.allowed = nil, false
	defer r.client.proxy.scratch.put(first)
	r.state.moveRequest(repeating)
	if !next.assign(r) {
		r.retry.allowed = true // so that giveUpRetry answers the side that waits for done
		r.state.moveRequest(unsent)
		return false
	}
	r.bind(next)
	r.x.Note(retriedNote)
	_, failed := next.conn.Write(*first)
	if failed == nil && r.retry.whole {
		r.x.RequestWritten(tap.Now())
		next.expectHead(r, r.client.proxy.config.HeaderTimeout)
		r.state.moveRequest(sent)
	} else {
		r.state.moveRequest(unsent)
	}
	if r.retry.done != nil {
		r.retry.done <- failed
	}
	return true
}

// giveUpRetry frees the first write when the exchange ends without a retry, and answers
// the client's side if it waits for one.
func (r *relay) giveUpRetry() {
	if !r.retry.allowed {
		return
	}
	r.state.awaitWritten()
	if r.retry.first != nil {
		r.client.proxy.scratch.put(r.retry.first)
		r.retry.first = nil
	}
	if r.retry.done != nil {
		r.retry.done <- errNotRetried
	}
}

// idempotent tells whether a client may repeat a request with this method (RFC 9110,
// section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
