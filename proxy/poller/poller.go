// Package poller serves TCP connections without a goroutine each. One loop a processor
// asks the kernel which connections have bytes, and calls the function that waits for
// them. That function may do a short piece of work on the loop's own goroutine. Before it
// waits for anything, it steps down, and another goroutine leads the loop on.
//
// A goroutine that waits in Go's own poller costs a stack, a switch of goroutines for
// every wake-up, and a second read that finds nothing. A stream of tokens is thousands of
// wake-ups, each for a few hundred bytes.
package poller

import (
	"net"
	"runtime"
	"sync/atomic"
)

// Poller holds connections. Its goroutines and descriptors exist only while it holds one.
// It is safe for concurrent use.
type Poller struct {
	seats []seat
	next  atomic.Uint32
}

// New returns a Poller with one loop a processor.
func New() *Poller { return &Poller{seats: make([]seat, runtime.GOMAXPROCS(0))} }

// Take moves the socket of conn from Go's poller to p, and closes conn. The caller owns
// the Conn and closes it. Take fails, and leaves conn as it is, where p cannot serve it:
// conn is not a *net.TCPConn, the system is not Linux, or no descriptor is left.
//
// The first bytes of a new connection wait for its first read: a Conn that was just taken
// parks without one.
func (p *Poller) Take(conn net.Conn) (*Conn, bool) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, false
	}
	return p.seats[p.next.Add(1)%uint32(len(p.seats))].take(tcp)
}

// ErrWait is the error of a read or a write that would have to wait. It is temporary in
// the sense of net.Error, so that crypto/tls keeps the part of a record that it has read,
// and reads on with the next call.
var ErrWait net.Error = wait{}

type wait struct{}

func (wait) Error() string   { return "nothing to read yet, or no room to write" }
func (wait) Timeout() bool   { return false }
func (wait) Temporary() bool { return true }
