package proxy_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// buffered is more than the kernel and headway may hold of a body that nobody reads:
	// two connections' socket buffers.
	buffered = 32 << 20
	// blocked is how long a write has to wait to say that the other side is held up.
	blocked = 300 * time.Millisecond
)

// fillUp writes to p until it is held up, and returns how much it could write. What
// it waits for is a time, so it checks that it was held up at all and never how long.
func fillUp(p *peer) (n int64, heldUp bool) {
	body := newPattern()
	chunk := make([]byte, 64<<10)
	for n < 2*buffered {
		_, _ = body.Read(chunk)
		_ = p.SetWriteDeadline(time.Now().Add(blocked))
		w, err := p.Write(chunk)
		n += int64(w)
		if err != nil {
			_ = p.SetWriteDeadline(time.Time{})
			return n, errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
	return n, false
}

func TestClientThatDoesNotReadHoldsTheUpstreamUp(t *testing.T) {
	written := make(chan int64, 1)
	u := newUpstream(t, func(p *peer) {
		p.head()
		p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 4*buffered))
		n, heldUp := fillUp(p)
		if !heldUp {
			t.Errorf("the upstream could write %d MiB that nobody read", n>>20)
		}
		written <- n
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	n := <-written // and then the upstream leaves
	c.head()
	body := make([]byte, 64<<10)
	var got int64
	for {
		m, err := c.r.Read(body)
		if got += int64(m); err != nil {
			break
		}
	}
	if got != n {
		t.Errorf("%d bytes were written, and %d came", n, got)
	}
	f.want(exchange.UpstreamCut, exchange.ErrTruncated, 200)
}

func TestUpstreamThatDoesNotReadHoldsTheClientUp(t *testing.T) {
	read := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.head()
		<-read
		_ = p.Close()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 4*buffered))
	if n, heldUp := fillUp(c); !heldUp {
		t.Errorf("the client could write %d MiB that nobody read", n>>20)
	}
	close(read)
	f.record()
}
