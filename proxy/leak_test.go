package proxy_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// running counts the goroutines of the proxy that are in function, or all when it
// is empty. fasthttp's cleaner of a pool does not count: it ends by itself, up to
// its idle time after the pool's last connection.
func running(function string) (n int) {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		if strings.Contains(g, "headway/proxy."+function) && !strings.Contains(g, "connsCleaner") {
			n++
		}
	}
	return n
}

// eventually waits for a condition that no event announces. It pauses between two looks:
// a look may stop the world, and the condition needs the processor to come true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// TestNothingIsLeftOfManyStreams: the goroutines are gone when the connections
// are.
func TestNothingIsLeftOfManyStreams(t *testing.T) {
	const streams = 200
	finish := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.message()
		p.send(streamHead + token("a"))
		<-finish
		p.send("0\r\n\r\n")
		p.gone()
	})
	f := newFixture(t, u.url)
	clients := make([]*peer, streams)
	for i := range clients {
		clients[i] = f.dial()
		clients[i].send(chat())
		clients[i].expect(streamHead + token("a"))
	}
	switch n := running("") - 1; { // one goroutine accepts
	case *goroutines && n != 2*streams:
		t.Errorf("%d goroutines for %d streams, want two each", n, streams)
	case !*goroutines && n > 9*runtime.GOMAXPROCS(0):
		t.Errorf("%d goroutines for %d streams, want a few a processor", n, streams)
	}
	close(finish)
	for i, c := range clients {
		if i%2 == 0 {
			_ = c.Close()
		}
	}
	for i, c := range clients {
		if i%2 == 1 {
			c.expect("0\r\n\r\n")
		}
	}
	for range streams {
		f.record()
	}
	f.stopNow()
	eventually(t, "every goroutine to end", func() bool { return running("") == 0 })
}

// TestClientConnectionEndsWithItsGoroutine, also without a request.
func TestClientConnectionEndsWithItsGoroutine(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1")
	for _, sent := range []string{"", "\r\n", "GET", get} {
		c := f.dial()
		c.send(sent)
		_ = c.CloseWrite()
		c.gone()
	}
	// The upstream refuses the connection, or headway sees the client's end before.
	if r := f.record(); r.Outcome != exchange.ConnectError && r.Outcome != exchange.ClientGone {
		t.Errorf("recorded %q, error type %q", r.Outcome, r.ErrorType)
	}
}
