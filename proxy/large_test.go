package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestHeadsOfManyLinesAreRefused: each field and each name takes ten times its bytes.
func TestHeadsOfManyLinesAreRefused(t *testing.T) {
	const many = 5_000
	fields := strings.Repeat("X-A: b\r\n", many)
	var names strings.Builder
	for i := range many {
		fmt.Fprintf(&names, "x%d,", i)
	}
	for _, tt := range []struct{ name, request, response, want string }{
		{"fields of a request", "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n", okay, "HTTP/1.1 431 "},
		{"names of a request", "GET / HTTP/1.1\r\nHost: a\r\nConnection: " + names.String() + "\r\n\r\n", okay, "HTTP/1.1 431 "},
		{"fields of a response", get, strings.Replace(okay, "\r\n", "\r\n"+fields, 1), "HTTP/1.1 502 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				if _, err := p.tryHead(); err == nil {
					p.sendAnyway(tt.response)
				}
			})
			f := newFixture(t, u.url)
			c := f.dial()
			c.sendAnyway(tt.request)
			if answer := c.rest(); !strings.HasPrefix(answer, tt.want) {
				t.Errorf("answered %.100q, want %q", answer, tt.want)
			}
		})
	}
}

// TestLargeHeadsThatWaitForADialShareABudget: one head that is too much gets 503, and the
// others go on when the upstream answers.
func TestLargeHeadsThatWaitForADialShareABudget(t *testing.T) {
	u := newUpstream(t, answering)
	open := make(chan struct{})
	var dials atomic.Int64
	f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			select {
			case <-open:
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			case <-ctx.Done():
				return nil, errors.New("not open")
			}
		}
	})
	request := "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 250_000) + "\r\n\r\n"
	const room = proxy.MaxDialing / proxy.MaxHead
	var waiting []*peer
	for i := range room {
		c := f.dial()
		c.send(request)
		waiting = append(waiting, c)
		eventually(t, "the dial", func() bool { return dials.Load() == int64(i+1) })
	}
	small, large := f.dial(), f.dial()
	large.send(request)
	if answer := large.rest(); !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("answered %.100q", answer)
	}
	f.want(exchange.Refused, "503", 503)
	small.send(get)
	eventually(t, "the dial of a small head", func() bool { return dials.Load() == room+1 })
	close(open)
	for _, c := range append(waiting, small) {
		c.expect(okay)
	}
	if held := f.proxy.Dialing(); held != 0 {
		t.Errorf("%d bytes held", held)
	}
}
