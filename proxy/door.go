package proxy

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ErrDraining is the error of Connect on a Proxy that has begun to drain.
var ErrDraining = errors.New("the proxy is draining")

// pairTimeout bounds the wait for a connection over loopback, which opens in
// microseconds.
const pairTimeout = 5 * time.Second

// Connect opens a connection to p that no listener accepts, and returns the client's
// end of it. The caller speaks explicit HTTP/1 on it, as an application does, and
// closes it; http.Transport does both when Connect serves its DialContext. Every
// exchange on the connection has the Origin exchange.Canary and the given name of its
// probe. Connect needs no running Serve and does not block on an upstream. It is safe
// for concurrent use.
//
// Canaries come in by Connect, so that the code that measures production measures
// them too. Both ends are TCP over loopback for the same reason: the relay reads other
// connections by other code, and cannot watch them for a departure or reset them.
// Config.ProxyProtocol does not concern the connection.
//
// The connection is open to p like any other: Open counts it, Retire ends it with its
// next response, and Drain closes it when it is idle, lets its exchange finish and cuts
// it at the end. Whoever waits for Open to become 0 therefore has to close the idle
// connections of its prober. Only Connections leaves it out, with the tunnel that it
// may become: those numbers tell how applications reach headway, and a prober is none.
//
// Connect fails with ErrDraining when draining has begun, or with the error of the
// operating system when there are no more descriptors or ports.
func (p *Proxy) Connect(probe string) (net.Conn, error) {
	near, far, err := loopbackPair()
	if err != nil {
		return nil, fmt.Errorf("connecting to the proxy over loopback: %w", err)
	}
	c := newClientConn(p, far)
	c.origin, c.probe, c.uncounted = exchange.Canary, probe, true
	if !p.rememberUnlessDraining(c) {
		_, _ = near.Close(), far.Close()
		return nil, ErrDraining
	}
	c.begin()
	return near, nil
}

// loopbackPair returns both ends of a new TCP connection over loopback.
func loopbackPair() (near, far net.Conn, err error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	return pairOn(l)
}

// pairOn connects to l and returns both ends. Any process of this host may connect to
// l meanwhile: pairOn closes such a connection.
func pairOn(l *net.TCPListener) (near, far net.Conn, err error) {
	if err := l.SetDeadline(time.Now().Add(pairTimeout)); err != nil {
		return nil, nil, err
	}
	near, err = net.DialTimeout("tcp", l.Addr().String(), pairTimeout)
	if err != nil {
		return nil, nil, err
	}
	for {
		far, err = l.Accept()
		if err != nil {
			_ = near.Close()
			return nil, nil, err
		}
		if far.RemoteAddr().String() == near.LocalAddr().String() {
			return near, far, nil
		}
		_ = far.Close()
	}
}
