package proxy_test

import (
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	bigBody = 256 << 20 / raceShare
	// maxGrowth bounds the growth of what headway holds while a body of any size passes:
	// some buffers.
	maxGrowth = 4 << 20
)

// pattern is an endless body in which a lost or moved byte shows: it repeats a block
// whose length has no divisor in common with any buffer's.
type pattern struct {
	block []byte
	at    int
}

func newPattern() *pattern {
	p := &pattern{block: make([]byte, 65521)}
	for i := range p.block {
		p.block[i] = byte(uint32(i) * 2654435761 >> 24)
	}
	return p
}

func (r *pattern) Read(p []byte) (int, error) {
	n := copy(p, r.block[r.at:])
	r.at = (r.at + n) % len(r.block)
	return n, nil
}

// sum is the checksum of the next n bytes of r.
func sum(r io.Reader, n int64) (uint32, error) {
	h := crc32.NewIEEE()
	_, err := io.CopyBuffer(struct{ io.Writer }{h}, io.LimitReader(r, n), make([]byte, 32<<10))
	return h.Sum32(), err
}

// held is the memory that a collection leaves, whatever garbage others have made.
func held() uint64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}

// watchHeld watches held until a test stops it, which gets the growth.
func watchHeld() (stop func() uint64) {
	before := held()
	var most atomic.Uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			most.Store(max(most.Load(), held()))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-ended
		return most.Load() - min(most.Load(), before)
	}
}

// TestBigBodiesPassWithoutBeingHeld sends them both ways: as traffic of no dialect, and as
// garbage where a dialect expects JSON, which is a failed answer.
func TestBigBodiesPassWithoutBeingHeld(t *testing.T) {
	want, _ := sum(newPattern(), bigBody)
	check := func(t *testing.T, who string, r io.Reader) {
		if got, err := sum(r, bigBody); got != want || err != nil {
			t.Errorf("%s got other bytes than were sent (%v)", who, err)
		}
	}
	for path, how := range map[string]exchange.Outcome{"/upload": exchange.OK, "/v1/chat/completions": exchange.StreamError} {
		t.Run(path, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				p.head()
				check(t, "upstream", p.r)
				p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", bigBody))
				if _, err := io.CopyN(struct{ io.Writer }{p}, newPattern(), bigBody); err != nil {
					t.Error(err)
				}
				p.gone()
			})
			f := newFixture(t, u.url)
			c := f.dial()
			growth := watchHeld()
			c.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", path, bigBody))
			if _, err := io.CopyN(struct{ io.Writer }{c}, newPattern(), bigBody); err != nil {
				t.Fatal(err)
			}
			c.head()
			check(t, "client", c.r)
			if g := growth(); g > maxGrowth {
				t.Errorf("headway held %d MiB", g>>20)
			}
			errorType := exchange.ErrorType("")
			if how == exchange.StreamError {
				errorType = exchange.ErrUpstreamEvent
			}
			r := f.want(how, errorType, 200)
			if r.Bytes != (exchange.Bytes{In: bigBody, Out: bigBody}) {
				t.Errorf("recorded %+v", r.Bytes)
			}
		})
	}
}

func TestHeadOfTheLargestSizePasses(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for {
			head, err := p.tryHead()
			if err != nil {
				return
			}
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 2\r\n\r\n{}", strings.Repeat("y", len(head))))
		}
	})
	f := newFixture(t, u.url)
	c := f.dial()
	for _, size := range []int{100, 4000, 4096, 5000, 9000, 64 << 10, proxy.MaxHead - 100, 100} {
		c.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size-33) + "\r\n\r\n")
		if head := c.head(); len(head) < size {
			t.Errorf("a head of %d bytes was answered with one of %d", size, len(head))
		}
		c.expect("{}")
		f.want(exchange.OK, "", 200)
	}
}

func TestHeadBeyondTheLargestSizeIsRefused(t *testing.T) {
	u := newUpstream(t, func(p *peer) { p.t.Errorf("the upstream got %.100q", p.rest()) })
	f := newFixture(t, u.url)
	c := f.dial()
	c.sendAnyway("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 2*proxy.MaxHead) + "\r\n\r\n")
	if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 431 ") {
		t.Errorf("answered %.100q", answer)
	}
}
