package proxy_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// mine is an upstream's connection that panics in the n-th Write.
type mine struct {
	net.Conn
	once    sync.Once
	left    atomic.Int64
	written chan struct{} // closed by the first write
}

func (m *mine) Write(p []byte) (int, error) {
	if m.left.Add(-1) == 0 {
		panic("boom")
	}
	n, err := m.Conn.Write(p)
	m.once.Do(func() { close(m.written) })
	return n, err
}

// TestPanicInsideAWriteEndsThatExchangeOnly, and no goroutine waits for the end of the
// write, which does not come.
func TestPanicInsideAWriteEndsThatExchangeOnly(t *testing.T) {
	for _, tt := range []struct {
		name string
		nth  int64
		sent []string // the last one's write panics
	}{
		{"the only part, on a fresh connection", 1, []string{get}},
		{"the only part, on a kept one", 2, []string{get, get}},
		{"the first part, on a kept one", 2, []string{get, request("POST", "abc")[:58]}},
		{"the last part", 2, []string{chat()[:120], chat()[120:]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, answering)
			first, written := true, make(chan struct{})
			f := newFixture(t, u.url, dialing(func(ctx context.Context, address string) (net.Conn, error) {
				conn, err := dialTCP(ctx, address)
				if err != nil || !first {
					return conn, err
				}
				first = false
				m := &mine{Conn: conn, written: written}
				m.left.Store(tt.nth)
				return m, nil
			}))
			c := f.dial()
			for i, part := range tt.sent {
				c.send(part)
				switch {
				case i == len(tt.sent)-1:
				case part == get:
					c.expect(okay)
					f.want(exchange.OK, "", 200)
				default:
					wait(t, "the first part to be written", written)
				}
			}
			c.gone()
			f.want(exchange.ClientGone, exchange.ErrOther, 0)
			c = f.dial()
			f.ask(c)
			f.stopNow()
			eventually(t, "every goroutine to end", func() bool { return running("") == 0 })
		})
	}
}
