package proxy_test

import (
	"context"
	"net"
	"net/netip"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// redirect serves connections in transparent mode, as if a packet filter had redirected
// them on their way to upstream, an address. It returns the address where it listens.
func (f *fixture) redirect(upstream string, options ...func(*proxy.Original)) string {
	f.Helper()
	l := listen(f)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serveOriginal(conn, upstream, options)
		}
	}()
	return l.Addr().String()
}

// serveOriginal reads the first bytes, as a sniffer would.
func (f *fixture) serveOriginal(conn net.Conn, upstream string, options []func(*proxy.Original)) {
	p := make([]byte, 4<<10)
	n, err := conn.Read(p)
	if err != nil {
		_ = conn.Close()
		return
	}
	o := proxy.Original{
		Read: p[:n], At: tap.Now(), Address: netip.MustParseAddrPort(upstream),
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", upstream)
		},
	}
	for _, set := range options {
		set(&o)
	}
	f.proxy.ServeOriginal(conn, o)
}
