package proxy_test

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// leavings are the ways in which a client leaves.
func leavings() map[string]func(*peer) {
	return map[string]func(*peer){
		"closing":         func(c *peer) { _ = c.Close() },
		"resetting":       (*peer).reset,
		"ending its side": func(c *peer) { _ = c.CloseWrite() },
	}
}

// blackhole returns an address whose connections never open, because the queue of its
// listener is full.
func blackhole(t *testing.T, address string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) })
	for range 8 {
		conn, err := net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
		if err != nil {
			return l.Addr().(*net.TCPAddr)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("the queue does not fill up")
	return nil
}

// TestClientThatLeavesWhileItsConnectionIsOpened checks that its departure ends the
// exchange at once. Without a ConnectTimeout nothing else would.
func TestClientThatLeavesWhileItsConnectionIsOpened(t *testing.T) {
	for name, leave := range leavings() {
		t.Run(name+", while TCP connects", func(t *testing.T) {
			f := newFixture(t, "http://"+blackhole(t, "127.0.0.1:0").String())
			c := f.dial()
			c.send(chat())
			eventually(t, "the request to begin", func() bool { return f.begun.Load() == 1 })
			leave(c)
			f.want(exchange.ClientGone, exchange.ErrCanceled, 0)
		})
		t.Run(name+", while TLS does", func(t *testing.T) {
			began, ended := make(chan struct{}), make(chan time.Time, 1)
			u := newUpstream(t, func(p *peer) {
				close(began)
				p.gone()
				ended <- time.Now()
			})
			f := newFixture(t, strings.Replace(u.url, "http:", "https:", 1))
			c := f.dial()
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 50_000)) // unread
			wait(t, "the connection", began)
			left := time.Now()
			leave(c)
			f.want(exchange.ClientGone, exchange.ErrCanceled, 0)
			t.Logf("the upstream was left after %v", (<-ended).Sub(left))
		})
	}
}

// TestSlowDialIsNoDeparture checks that headway reads from the client's connection as
// ever after a watch.
func TestSlowDialIsNoDeparture(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url, dialing(func(ctx context.Context, address string) (net.Conn, error) {
		time.Sleep(100 * time.Millisecond) // headway watches the client by then
		return dialTCP(ctx, address)
	}))
	c := f.dial()
	big := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1_000_000)
	c.send(big)
	c.expect(okay)
	f.want(exchange.OK, "", 200)
	f.ask(c)
}

// TestClientThatLeavesWhileItsUploadIsStuck has an upstream that reads nothing, so that
// the client's FIN stays behind bytes that nobody reads.
func TestClientThatLeavesWhileItsUploadIsStuck(t *testing.T) {
	for name, leave := range leavings() {
		for _, kept := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				ended := make(chan time.Time, 1)
				u := newUpstream(t, func(p *peer) {
					if kept {
						p.message()
						p.send(okay)
					}
					p.head()
					eventually(t, "the end", func() bool { return hasHungUp(t, p.Conn) })
					ended <- time.Now()
				})
				f := newFixture(t, u.url)
				c := f.dial()
				if kept {
					f.ask(c)
				}
				c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
				for block := strings.Repeat("x", 32<<10); !f.proxy.Stalled(); {
					c.send(block) // all of it goes out: a FIN can only follow bytes that have left
					time.Sleep(time.Millisecond)
				}
				left := time.Now()
				leave(c)
				f.want(exchange.ClientGone, exchange.ErrCanceled, 0)
				at := <-ended
				t.Logf("the upstream was left after %v", at.Sub(left))
			})
		}
	}
}

// TestUploadThatWasStuckGoesOn checks that it goes on when the upstream reads again.
func TestUploadThatWasStuckGoesOn(t *testing.T) {
	read := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		<-read
		p.message()
		p.send(okay)
		p.message()
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	const size = 50_000_000
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
	n, _ := fillUp(c)
	_ = c.SetDeadline(time.Now().Add(patience))
	close(read)
	c.send(strings.Repeat("x", size-int(n)))
	c.expect(okay)
	f.want(exchange.OK, "", 200)
	f.ask(c)
}

// TestClientThatLeavesWhileARetryIsDialled checks that its departure ends that dial too.
func TestClientThatLeavesWhileARetryIsDialled(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		p.message()
		p.send(okay)
		p.head() // then it leaves
	})
	retry := make(chan struct{})
	dialled := 0
	dial := dialing(func(ctx context.Context, address string) (net.Conn, error) {
		if dialled++; dialled == 1 {
			return dialTCP(ctx, address)
		}
		close(retry)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	f := newFixture(t, u.url, dial, func(c *proxy.Config, _ *tap.Config) { c.ConnectTimeout = patience })
	c := f.dial()
	f.ask(c)
	c.send(get)
	wait(t, "the retry", retry)
	_ = c.CloseWrite()
	f.want(exchange.ClientGone, exchange.ErrCanceled, 0)
}

// hasHungUp tells whether the other side of conn has ended it, even behind unread bytes.
func hasHungUp(t *testing.T, conn net.Conn) (gone bool) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Error(err)
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		_, _ = unix.Poll(p, 0)
		gone = p[0].Revents != 0
	})
	return gone
}
