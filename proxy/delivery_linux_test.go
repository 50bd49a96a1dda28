package proxy_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// unread is how many bytes the kernel of p holds for it.
func (p *peer) unread() (n int) {
	p.t.Helper()
	raw, err := p.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// acknowledge has the kernel of p acknowledge at once what p has got. A kernel may wait for
// 40 ms with that, and a client that resets meanwhile has acknowledged nothing.
func (p *peer) acknowledge() {
	p.t.Helper()
	raw, err := p.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestDeliveredIsWhatTheClientsKernelHadAcknowledged compares it with what that kernel
// says of itself, when nobody reads and all buffers on the way are full.
func TestDeliveredIsWhatTheClientsKernelHadAcknowledged(t *testing.T) {
	one := token(strings.Repeat("word ", 200))
	for _, tt := range []struct {
		name        string
		transparent bool
		leave       func(*peer)
	}{
		{"a client closes", false, func(c *peer) { _ = c.Close() }},
		{"a client resets", false, (*peer).reset},
		{"a client ends its side", false, func(c *peer) { _ = c.CloseWrite() }},
		{"a redirected client closes", true, func(c *peer) { _ = c.Close() }},
		{"a redirected client resets", true, (*peer).reset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			full := make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				p.message()
				p.send(streamHead)
				fillWith(p, []byte(one))
				close(full)
				p.gone()
			})
			f := newFixture(t, u.url)
			dial := f.dial
			if tt.transparent {
				dial = func() *peer { return f.dialRedirected(u) }
			}
			client := dial()
			_ = client.Conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			client.send(chat())
			wait(t, "backpressure", full)
			whole := int64(client.unread()-len(streamHead)) / int64(len(one))
			tt.leave(client)
			usage := f.want(exchange.ClientGone, exchange.ErrCanceled, 200).Usage
			t.Logf("%d streamed, %d delivered, %d in the client's kernel", usage.Streamed.N, usage.Delivered.N, whole)
			if off := usage.Delivered.N - whole; !usage.Delivered.Known || whole < 10 || usage.Streamed.N <= 2*whole || off < -2 || off > 2 {
				t.Errorf("usage %+v, want %d delivered", usage, whole)
			}
		})
	}
}

// fillWith writes text to p again and again, until nobody takes any of it.
func fillWith(p *peer, text []byte) {
	for from := 0; ; {
		_ = p.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := p.Write(text[from:])
		if n == 0 && err != nil {
			_ = p.SetWriteDeadline(time.Time{})
			return
		}
		from = (from + n) % len(text)
	}
}

// TestAllIsDeliveredToAClientThatReadItAll, although it leaves before the end.
func TestAllIsDeliveredToAClientThatReadItAll(t *testing.T) {
	for name, leave := range leavings() {
		t.Run(name, func(t *testing.T) {
			part := streamHead + token("a") + token("b") + token("c")
			u := newUpstream(t, replying(part))
			f := newFixture(t, u.url)
			c := f.dial()
			c.send(chat())
			c.expect(part)
			c.acknowledge()
			leave(c)
			r := f.want(exchange.ClientGone, exchange.ErrCanceled, 200)
			if r.Usage.Delivered != exchange.Known(3) {
				t.Errorf("usage %+v", r.Usage)
			}
		})
	}
}

func TestNobodyAsksForTheDeliveryToAClientThatStays(t *testing.T) {
	u := newUpstream(t, replying(streamHead+token("a")+event("[DONE]")+"0\r\n\r\n"))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(chat())
	c.expect(streamHead + token("a") + event("[DONE]") + "0\r\n\r\n")
	if r := f.want(exchange.OK, "", 200); r.Usage.Delivered.Known {
		t.Errorf("usage %+v", r.Usage)
	}
}
