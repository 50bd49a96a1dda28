package sockets_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/headway-sidecar/headway/proxy/sockets"
)

func TestDialerKnowsItsOpenConnectionsOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	to := netip.MustParseAddrPort(l.Addr().String())
	var d sockets.Dialer
	foreign, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	dialed, err := d.DialContext(t.Context(), "tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]net.Conn{"dialed": dialed, "remembered": foreign} {
		from := sockets.AddressOf(conn.LocalAddr())
		if name == "remembered" {
			if d.Opened(from, to) {
				t.Errorf("%s: it knows the connection before", name)
			}
			d.Remember(conn)
		}
		if !d.Opened(from, to) || d.Opened(to, from) || d.Opened(from, netip.AddrPortFrom(to.Addr(), 1)) {
			t.Errorf("%s: it does not know its own from others", name)
		}
		_ = conn.Close()
		if d.Opened(from, to) {
			t.Errorf("%s: it knows one that is closed", name)
		}
	}
}
