package proxy_test

import (
	"net"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
)

// TestKeptConnectionIsLookedAtBeforeItsUse, because its reader may not have noticed its
// end. A fresh connection is not: its server may have begun to speak.
func TestKeptConnectionIsLookedAtBeforeItsUse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		served bool
		leave  func(*peer)
		ended  bool
		taken  bool
	}{
		{"nothing has happened", true, func(*peer) {}, false, true},
		{"the upstream has closed it", true, func(p *peer) { _ = p.Close() }, true, false},
		{"the upstream has reset it", true, (*peer).reset, true, false},
		{"the upstream has said goodbye", true, func(p *peer) { p.send("HTTP/1.1 408 Request Timeout\r\n\r\n") }, true, false},
		{"the upstream speaks first", false, func(p *peer) { p.send("!") }, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, far := pair(t)
			u := proxy.NewUpstream(proxy.Take(conn), tt.served)
			tt.leave(newPeer(t, far))
			eventually(t, "the news to arrive", func() bool { return u.HasEnded(true) == tt.ended })
			if got := u.Assign(nil); got != tt.taken {
				t.Errorf("taken: %v, want %v", got, tt.taken)
			}
		})
	}
}

// TestConnectionThatIsNotQuietHasNotEnded: the server of a TLS connection may send
// records that concern TLS only.
func TestConnectionThatIsNotQuietHasNotEnded(t *testing.T) {
	conn, far := pair(t)
	u := proxy.NewUpstream(proxy.Take(conn), true)
	newPeer(t, far).send("ticket")
	eventually(t, "it to arrive", func() bool { return u.HasEnded(true) })
	if u.HasEnded(false) {
		t.Error("bytes passed for an end")
	}
	_ = far.Close()
	eventually(t, "the end", func() bool { return u.HasEnded(false) })
}

func BenchmarkAskingWhetherAConnectionHasEnded(b *testing.B) {
	l := listen(b)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	u := proxy.NewUpstream(proxy.Take(conn), true)
	b.ReportAllocs()
	for b.Loop() {
		if u.HasEnded(true) {
			b.Fatal("it has not")
		}
	}
}
