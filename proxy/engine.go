package proxy

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/poller"
)

// engine is the machinery that all connections of a Proxy share.
type engine struct {
	buffers buffers
	poller  *poller.Poller
	parks   bool        // a connection that waits is parked, if it can be; else a goroutine waits for it
	slow    atomic.Bool // the last end of an exchange took the observers long
}

func (e *engine) init(p *poller.Poller, parks bool) {
	if e.poller, e.parks = p, parks; p == nil {
		e.poller = poller.New()
	}
}

// wire is a connection that can be parked, and that knows more of its socket than
// net.Conn tells: a *poller.Conn. Where package poller takes no connection there is none,
// and a goroutine waits in every read.
type wire interface {
	net.Conn
	ReadNow(p []byte) (int, error)
	WriteNow(p []byte) (int, error)
	LastRead() (came, read time.Time)
	NeverWait(never bool)
	AwaitRead()
	Park(f func(*poller.Leader)) bool

	BytesSent() int64
	Acknowledged() (n int64, known bool)
	HasEnded(quiet bool) bool
	AwaitDeparture(byReset bool) bool
	OnStall(f func())
}

// take returns a wire with the socket of conn, or conn itself: it may be a wire already.
func (e *engine) take(conn net.Conn) net.Conn {
	if c, ok := e.poller.Take(conn); ok {
		return c
	}
	return conn
}

// sequence says how a connection goes on after a step of its run function.
type sequence uint8

const (
	ends   sequence = iota // no step follows
	goesOn                 // run takes the next step
	parks                  // the connection is parked: run returns, and touches it no more
)

// errParked is the error of a read that has parked its connection. Another call of run
// goes on from there.
var errParked = errors.New("parked")

// sequenceAfter is the sequence of a read that has failed with err.
func sequenceAfter(err error) sequence {
	if errors.Is(err, errParked) {
		return parks
	}
	return ends
}

// sequenceIf is goesOn, or ends.
func sequenceIf(more bool) sequence {
	if more {
		return goesOn
	}
	return ends
}
