// Package sockets knows the connections of the process as a whole: which of them the
// process has opened itself, and how many it may hold.
package sockets

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"weak"

	"github.com/headway-sidecar/headway/proxy/poller"
)

// Dialer remembers the connections that headway opens, so that a listener of headway
// recognises one that leads back to it. Every listener of a process shares one Dialer
// with all code that dials for it. The zero value is ready for use. A Dialer is safe for
// concurrent use.
type Dialer struct {
	// Dial opens a connection; nil is a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	open map[ends]known
}

// ends are the local and the remote address of a connection. The kernel lets connections
// to different destinations share a local address.
type ends struct{ from, to netip.AddrPort }

// DialContext opens a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err == nil {
		d.Remember(conn)
	}
	return conn, err
}

// known tells whether a connection is open. It does not keep the connection alive.
type known func() bool

// know returns what tells whether conn is open.
func know[T any](conn *T, isOpen func(*T) bool) known {
	weakly := weak.Make(conn)
	return func() bool {
		c := weakly.Value()
		return c != nil && isOpen(c)
	}
}

func isOpen(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil // else it is closed
}

// Remember notes the addresses of a connection, which other code has dialed, for as long as
// any code holds the connection. A weak pointer frees its closer from telling the Dialer.
// Remember ignores a connection that is neither TCP nor of a Poller.
func (d *Dialer) Remember(connection net.Conn) {
	switch conn := connection.(type) {
	case *net.TCPConn:
		remember(d, conn, know(conn, isOpen))
	case *poller.Conn:
		remember(d, conn, know(conn, (*poller.Conn).IsOpen))
	}
}

func remember[T any](d *Dialer, conn *T, is known) {
	c, ok := any(conn).(net.Conn)
	if !ok {
		return
	}
	key := ends{AddressOf(c.LocalAddr()), AddressOf(c.RemoteAddr())}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[ends]known{}
	}
	d.open[key] = is
	runtime.AddCleanup(conn, d.forget, key)
}

// forget drops the addresses of a connection, unless a later one that is open has them too.
func (d *Dialer) forget(key ends) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if is := d.open[key]; is != nil && !is() {
		delete(d.open, key)
	}
}

// Opened tells whether the Dialer knows a connection between these addresses that is
// still open.
func (d *Dialer) Opened(from, to netip.AddrPort) bool {
	d.mu.Lock()
	is := d.open[ends{from, to}]
	d.mu.Unlock()
	return is != nil && is()
}

// AddressOf is a TCP address in its plain form: an IPv4 address as such. It is the zero
// value for an address that is not TCP.
func AddressOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		p := tcp.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}
