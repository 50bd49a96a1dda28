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
	// buffered is more than the kernel and headway hold of a body that nobody reads: the
	// socket buffers of two connections.
	buffered = 32 << 20
	// blocked is how long a write has to wait before a test says that it is held up.
	blocked = 300 * time.Millisecond
)

// fillUp writes to p until a write waits for longer than blocked, and returns how many
// bytes it could write. It tells whether that happened at all.
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

// flooding returns an upstream's script that sends a body until nobody takes more of it.
// Then it closes full and waits for the end of the connection.
func flooding(full chan<- struct{}) func(*peer) {
	return func(p *peer) {
		p.message()
		p.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		if _, heldUp := fillUp(p); !heldUp {
			p.t.Error("nobody held the upstream up")
		}
		close(full)
		p.gone()
	}
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
	n := <-written // then the upstream leaves
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
