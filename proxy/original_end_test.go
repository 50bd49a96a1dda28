package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// headway never retries a redirected request: its connection has no substitute.
func TestRedirectedClientHearsTheEndOfAConnectionInUse(t *testing.T) {
	for name, end := range map[string]struct {
		upstream func(*peer)
		client   error
	}{
		"closed": {func(p *peer) { _ = p.Close() }, nil},
		"reset":  {(*peer).reset, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				p.message()
				p.send(okay)
				p.head()
				end.upstream(p)
			})
			f := newFixture(t, u.url)
			c := f.dialRedirected(u)
			f.ask(c)
			c.send(get)
			if got, err := io.ReadAll(c.r); len(got) > 0 || !errors.Is(err, end.client) {
				t.Errorf("the client heard %q and %v, want %v", got, err, end.client)
			}
			f.want(exchange.ConnectError, exchange.ErrConnection, 0)
		})
	}
}

// ServeOriginal returns at once, and says later that the connection has ended.
func TestRedirectedConnectionTellsItsEnd(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	ended := make(chan struct{})
	c := f.dialRedirected(u, func(o *proxy.Original) { o.Ended = func() { close(ended) } })
	for range 2 {
		f.ask(c)
		select {
		case <-ended:
			t.Fatal("ended while it serves")
		default:
		}
	}
	_ = c.Close()
	wait(t, "the end", ended)
}

// The dial of a redirected connection comes back after Drain has cut everything.
func TestDrainEndsWithADialUnderWay(t *testing.T) {
	for _, first := range []string{get, "GET / HTTP/1.1\r\nHo"} {
		u := newUpstream(t, func(p *peer) { _, _ = io.Copy(io.Discard, p.Conn) })
		f := newFixture(t, u.url)
		address := strings.TrimPrefix(u.url, "http://")
		dialing := make(chan struct{})
		redirected := f.redirect(address, func(o *proxy.Original) {
			o.Dial = func(ctx context.Context) (net.Conn, error) {
				conn, err := net.Dial("tcp", address)
				close(dialing)
				<-ctx.Done()
				return conn, err
			}
		})
		conn, err := net.Dial("tcp", redirected)
		if err != nil {
			t.Fatal(err)
		}
		c := newPeer(t, conn)
		c.send(first)
		wait(t, "the dial", dialing)
		drained := make(chan struct{})
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			_ = f.proxy.Drain(ctx)
			close(drained)
		}()
		wait(t, "the end of the drain", drained)
		_ = c.Close()
	}
}
