package proxy

import (
	"errors"
	"os"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// retriedNote is in the Record of an exchange whose kept connection failed.
const retriedNote = "reused_connection_retried"

var errNotRetried = errors.New("the connection failed, and there was no other")

// retry is what an exchange on a kept connection needs to begin again on a fresh
// one, should the kept one turn out to be dead. It may when nothing of it can have
// been acted on: the kernel took no byte of it, or its method is idempotent
// (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1) and all of it was in the first
// write. That the kernel's peer acknowledged nothing is no proof: a reset is
// processed before the acknowledgement that it carries.
type retry struct {
	allowed bool       // the connection was kept, and this is the first try
	first   *[]byte    // the first write, if it may be repeated; guarded by finishing
	whole   bool       // which is the whole request
	done    chan error // tells the client's goroutine, if it waits, what the second try's write came to
}

// wire is a connection that tells what becomes of the bytes written to it.
type wire interface {
	// bytesSent counts the bytes that the kernel took.
	bytesSent() int64
	// hasEnded tells whether the other side of an idle connection has ended it or, if
	// quiet, has said something that nobody asked for.
	hasEnded(quiet bool) bool
	// onStall makes f be called, on the goroutine that writes, whenever a write has to
	// wait. It must not block.
	onStall(f func())
}

// allowRetry prepares r for a kept connection, which may fail before the request is
// written: who wants to know waits for the first write.
func (r *relay) allowRetry() {
	r.retry.allowed = true
	r.lock()
}

// lock and unlock are for the client's goroutine.
func (r *relay) lock() {
	if !r.locked {
		r.finishing.Lock()
		r.locked = true
	}
}

func (r *relay) unlock() {
	if r.locked {
		r.locked = false
		r.finishing.Unlock()
	}
}

// sendFirst writes the first part of the request, out, and keeps or gives it back.
func (r *relay) sendFirst(out *[]byte, whole bool) error {
	before := r.up.bytesSent()
	failed := r.send(*out)
	lost := failed != nil && r.up.wire != nil && r.up.bytesSent() == before
	if !r.retry.allowed || !lost && (!whole || !idempotent(r.method)) {
		r.client.proxy.scratch.put(out)
		return failed
	}
	r.retry.first, r.retry.whole = out, whole
	if lost {
		r.retry.done = make(chan error, 1)
		r.up.abort(r) // its reader takes it from here
	}
	return failed
}

func (u *upstreamConn) bytesSent() int64 {
	if u.wire == nil {
		return 0
	}
	return u.wire.bytesSent()
}

// retryResult returns what a failed write of the first part came to in the end.
func (r *relay) retryResult(failed error) error {
	if r.retry.done == nil {
		return failed
	}
	w := r.client.watch(r, dialPatience)
	defer w.stop()
	return <-r.retry.done
}

// retryOnFresh lets the exchange begin again on a fresh connection after the kept one
// failed before a byte of the response. If it returns true, the exchange is no
// business of the old connection's goroutine any more.
func (r *relay) retryOnFresh(why error) bool {
	old := r.up
	if !r.retry.allowed || len(old.bytes()) > 0 || errors.Is(why, os.ErrDeadlineExceeded) {
		return false
	}
	_ = old.close() // a write under way returns
	r.finishing.Lock()
	first := r.retry.first
	r.finishing.Unlock()
	if first == nil || r.reason.Load() != nil {
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

// dialUnpooled opens a connection for r that serves nobody after it.
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
	r.finishing.Lock()
	defer r.finishing.Unlock()
	first := r.retry.first
	r.retry.first, r.retry.allowed = nil, false
	defer r.client.proxy.scratch.put(first)
	if r.retry.whole {
		r.progress.Store(lastPart)
	}
	if !next.assign(r) {
		r.retry.allowed = true // so that who waits is told
		r.progress.Store(unsent)
		return false
	}
	r.bind(next)
	r.x.Note(retriedNote)
	_, failed := next.conn.Write(*first)
	switch {
	case !r.retry.whole:
	case failed != nil:
		r.progress.Store(unsent)
	default:
		r.x.RequestWritten(tap.Now())
		r.progress.Store(sent)
		next.expectHead(r, r.client.proxy.config.HeaderTimeout)
	}
	if r.retry.done != nil {
		r.retry.done <- failed
	}
	return true
}

// giveUpRetry ends the possibility of a retry when the exchange ends.
func (r *relay) giveUpRetry() {
	if !r.retry.allowed {
		return
	}
	r.finishing.Lock()
	defer r.finishing.Unlock()
	if r.retry.first != nil {
		r.client.proxy.scratch.put(r.retry.first)
		r.retry.first = nil
	}
	if r.retry.done != nil {
		r.retry.done <- errNotRetried
	}
}

// idempotent tells whether a request may be made twice (RFC 9110, section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
