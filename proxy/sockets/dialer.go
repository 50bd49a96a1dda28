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
)

// Dialer remembers the connections that headway opens, so that a listener of headway
// recognises one that leads back to it. Every listener of a process shares one Dialer
// with all code that dials for it. The zero value is ready for use. A Dialer is safe for
// concurrent use.
type Dialer struct {
	// Dial opens a connection; nil is a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	open map[ends]weak.Pointer[net.TCPConn]
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

// Remember notes the addresses of a connection, which other code has dialed, for as long as
// any code holds the connection. A weak pointer frees its closer from telling the Dialer.
// Remember ignores a connection that is not TCP.
func (d *Dialer) Remember(connection net.Conn) {
	conn, ok := connection.(*net.TCPConn)
	if !ok {
		return
	}
	key := ends{AddressOf(conn.LocalAddr()), AddressOf(conn.RemoteAddr())}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[ends]weak.Pointer[net.TCPConn]{}
	}
	d.open[key] = weak.Make(conn)
	runtime.AddCleanup(conn, d.forget, key)
}

// forget drops the addresses of a connection, unless a later one has them too.
func (d *Dialer) forget(key ends) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[key].Value() == nil {
		delete(d.open, key)
	}
}

// Opened tells whether the Dialer knows a connection between these addresses that is
// still open.
func (d *Dialer) Opened(from, to netip.AddrPort) bool {
	d.mu.Lock()
	conn := d.open[ends{from, to}].Value()
	d.mu.Unlock()
	if conn == nil {
		return false
	}
	raw, err := conn.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil // else it is closed
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
