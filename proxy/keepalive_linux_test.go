package proxy_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy/poller"
)

// TestSilentConnectionsAreProbedOnBothSides.
func TestSilentConnectionsAreProbedOnBothSides(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	silent := net.ListenConfig{KeepAlive: -1} // the listener's own probes are off
	l, err := silent.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { _ = f.proxy.Serve(l) }()
	f.addr = l.Addr().String()
	c := f.dial()
	c.send(get)
	c.expect(okay)
	clients, upstreams := f.proxy.Sockets()
	if len(clients) != 1 || len(upstreams) != 1 {
		t.Fatalf("%d and %d connections, want one each", len(clients), len(upstreams))
	}
	for side, conn := range map[string]net.Conn{"client": clients[0], "upstream": upstreams[0]} {
		for name, option := range map[string]struct{ level, option, want int }{
			"keep-alive": {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			"idle":       {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
			"interval":   {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
			"count":      {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
			"user limit": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
		} {
			_ = conn.(*poller.Conn).Control(func(fd int) {
				if got, err := unix.GetsockoptInt(fd, option.level, option.option); err != nil || got != option.want {
					t.Errorf("%s, %s: %d, %v; want %d", side, name, got, err, option.want)
				}
			})
		}
	}
}
