package proxy_test

import (
	"net"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
)

// TestIdleConnectionIsLookedAtBeforeItsUse, whatever its reader has noticed yet;
// one that was in use a moment ago is not.
func TestIdleConnectionIsLookedAtBeforeItsUse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		idle  time.Duration
		leave func(*peer)
		ended bool
		taken bool
	}{
		{"nothing has happened", 2 * proxy.MaxTrusted, func(*peer) {}, false, true},
		{"the upstream has closed it", 2 * proxy.MaxTrusted, func(p *peer) { _ = p.Close() }, true, false},
		{"the upstream has reset it", 2 * proxy.MaxTrusted, (*peer).reset, true, false},
		{"the upstream has said goodbye", 2 * proxy.MaxTrusted, func(p *peer) { p.send("HTTP/1.1 408 Request Timeout\r\n\r\n") }, true, false},
		{"the upstream has closed it at once", 0, func(p *peer) { _ = p.Close() }, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t)
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			far, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = far.Close() })
			tt.leave(newPeer(t, far))
			eventually(t, "the news to arrive", func() bool { return proxy.HasEnded(conn) == tt.ended })
			if got := proxy.NewUpstream(conn, tt.idle).Take(nil); got != tt.taken {
				t.Errorf("taken: %v, want %v", got, tt.taken)
			}
		})
	}
}
