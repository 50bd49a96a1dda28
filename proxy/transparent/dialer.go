package transparent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"weak"
)

// errLoop is the error of a connection whose destination is headway.
var errLoop = errors.New("its destination is headway itself")

// Dialer opens connections and remembers them, so that the Server recognises one that
// the packet filter leads back to headway. All code that dials to the destination of a
// redirected client uses the Server's Dialer. The zero value is ready for use. A Dialer
// is safe for concurrent use.
type Dialer struct {
	// Dial opens a connection; nil is a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	open map[netip.AddrPort]weak.Pointer[net.TCPConn] // by their local address
}

// DialContext opens a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		d.remember(tcp)
	}
	return conn, err
}

// remember notes the local address of conn for as long as other code holds conn. A weak
// pointer frees the closer of conn from telling the Dialer.
func (d *Dialer) remember(conn *net.TCPConn) {
	from := addressOf(conn.LocalAddr())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil {
		d.open = map[netip.AddrPort]weak.Pointer[net.TCPConn]{}
	}
	d.open[from] = weak.Make(conn)
	runtime.AddCleanup(conn, d.forget, from)
}

// forget drops an address that no later connection has taken over.
func (d *Dialer) forget(from netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[from].Value() == nil {
		delete(d.open, from)
	}
}

// Opened tells whether the Dialer has opened a connection from this address that is
// still open.
func (d *Dialer) Opened(from netip.AddrPort) bool {
	d.mu.Lock()
	conn := d.open[from].Value()
	d.mu.Unlock()
	if conn == nil {
		return false
	}
	raw, err := conn.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil // else it is closed
}

// isOwn tells whether listener listens at to: then the client has connected to headway
// itself, and no packet filter has redirected the connection.
func isOwn(to netip.AddrPort, listener net.Addr) bool {
	own := addressOf(listener)
	if to.Port() != own.Port() {
		return false
	}
	if to.Addr() == own.Addr() {
		return true
	}
	if !own.Addr().IsUnspecified() {
		return false
	}
	local, err := net.InterfaceAddrs()
	for _, a := range local {
		if prefix, ok := a.(*net.IPNet); ok && prefix.IP.Equal(to.Addr().AsSlice()) {
			return true
		}
	}
	return err != nil || to.Addr().IsLoopback()
}

// addressOf is a TCP address in its plain form: an IPv4 address as such.
func addressOf(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		p := tcp.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}
