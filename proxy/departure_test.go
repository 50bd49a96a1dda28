package proxy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestClientThatLeavesEndsTheUpstreamsWork checks that headway notices a departure at
// any moment and of any kind, without writing to the client.
func TestClientThatLeavesEndsTheUpstreamsWork(t *testing.T) {
	upload := "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
	for _, moment := range []struct {
		name, request string
		response      string // sent before the client leaves
		status        int
	}{
		{"while it uploads", upload, "", 0},
		{"while it uploads and was answered", upload, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", 200},
		{"before the head", chat(), "", 0},
		{"after an interim response", chat(), "HTTP/1.1 102 Processing\r\n\r\n", 0},
		{"before the first token", chat(), streamHead, 200},
		{"inside the stream", chat(), streamHead + token("a"), 200},
		{"with a request of its own to come", chat() + get, streamHead + token("a"), 200},
	} {
		for _, way := range []struct {
			name  string
			leave func(*peer)
		}{
			{"closing", func(c *peer) { _ = c.Close() }},
			{"resetting", (*peer).reset},
			{"ending its side", func(c *peer) { _ = c.CloseWrite() }},
		} {
			t.Run(moment.name+", "+way.name, func(t *testing.T) {
				began, ended := make(chan struct{}), make(chan time.Time, 1)
				u := newUpstream(t, func(p *peer) {
					p.head()
					p.send(moment.response)
					close(began)
					p.gone()
					ended <- time.Now()
				})
				f := newFixture(t, u.url)
				c := f.dial()
				c.send(moment.request)
				wait(t, "the request to arrive", began)
				c.expect(moment.response)
				left := time.Now()
				way.leave(c)
				select {
				case at := <-ended:
					t.Logf("upstream was left after %v", at.Sub(left))
				case <-time.After(patience):
					t.Fatal("the upstream was not left")
				}
				r := f.want(exchange.ClientGone, exchange.ErrCanceled, moment.status)
				if r.Timing.End <= 0 {
					t.Error("no moment of the end")
				}
			})
		}
	}
}

// TestClientThatLeavesWhileItReadsNothing checks the departure while the relay waits in
// a write to the client.
func TestClientThatLeavesWhileItReadsNothing(t *testing.T) {
	for _, leave := range []func(*peer){(*peer).reset, func(c *peer) { _ = c.CloseWrite() }} {
		full := make(chan struct{})
		u := newUpstream(t, flooding(full))
		f := newFixture(t, u.url)
		c := f.dial()
		_ = c.Conn.(*net.TCPConn).SetReadBuffer(4096)
		c.send(get)
		wait(t, "backpressure", full)
		leave(c)
		f.want(exchange.ClientGone, exchange.ErrCanceled, 200)
	}
}

// TestClientThatLeavesAfterItsResponseHarmsNobody: by the time that headway notices the
// departure, the upstream connection may serve another client.
func TestClientThatLeavesAfterItsResponseHarmsNobody(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	var clients sync.WaitGroup
	const each = 150
	for range 4 {
		clients.Go(func() {
			for range each {
				conn, err := net.Dial("tcp", f.addr)
				if err != nil {
					t.Error(err)
					return
				}
				c := newPeer(t, conn)
				c.send(get)
				c.expect(okay)
				_ = c.Close()
			}
		})
	}
	clients.Wait()
	for range 4 * each {
		f.want(exchange.OK, "", 200)
	}
}

// TestClientThatLeavesAfterItsResponseCostsNoConnection, though headway notices the
// departure while the tap still works on the response.
func TestClientThatLeavesAfterItsResponseCostsNoConnection(t *testing.T) {
	slow := &gate{opened: make(chan struct{}), read: make(chan struct{}), fed: make(chan struct{})}
	u := newUpstream(t, func(p *peer) {
		for {
			if _, err := p.tryMessage(); err != nil {
				return
			}
			wait(t, "the tap to have read the request", slow.read)
			p.sendAnyway(okay)
		}
	})
	f := newFixture(t, u.url, func(_ *proxy.Config, c *tap.Config) { c.Dialects = dialect.Set{slow} })
	open := sync.OnceFunc(func() { close(slow.opened) })
	t.Cleanup(open)
	c := f.dial()
	c.send(get)
	c.expect(okay)
	wait(t, "the tap to work on the response", slow.fed)
	_ = c.Close()
	eventually(t, "the departure to be noticed", func() bool { return running("(*Proxy).serve(") == 0 })
	open()
	f.want(exchange.OK, "", 200)
	c = f.dial()
	f.ask(c)
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d upstream connections, want 1", n)
	}
}

// gate is a dialect whose decoder does not finish a Feed until a test opens the gate.
type gate struct {
	grenade
	opened chan struct{}

	asked atomic.Int32
	read  chan struct{} // closed when the tap has the whole request

	first sync.Once
	fed   chan struct{} // closed when the relay has forwarded the response
}

// Ask closes read the second time: the tap calls it at the begin of the exchange and at
// the end of the request.
func (g *gate) Ask() dialect.Ask {
	if g.asked.Add(1) == 2 {
		close(g.read)
	}
	return dialect.Ask{}
}

func (g *gate) NewDecoder(*dialect.Head) dialect.Decoder { return g }

func (g *gate) Feed([]byte, time.Duration) {
	g.first.Do(func() { close(g.fed) })
	<-g.opened
}

// TestEveryExchangeIsRecordedOnce has both sides do anything at any moment.
func TestEveryExchangeIsRecordedOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var sequence sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	roll := func(n int) int {
		sequence.Lock()
		defer sequence.Unlock()
		return random.IntN(n)
	}
	u := newUpstream(t, func(p *peer) { misbehave(p, roll) })
	f := newFixture(t, u.url)
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for range 40 {
				clientAtRandom(f.addr, roll)
			}
		})
	}
	clients.Wait()
	f.stopNow() // it compares the numbers of exchanges that began and that were recorded
	outcomes := map[exchange.Outcome]int{}
	for range f.told.Load() {
		outcomes[f.record().Outcome]++
	}
	t.Log(outcomes)
	if outcomes[exchange.OK] == 0 || outcomes[exchange.ClientGone] == 0 || outcomes[exchange.UpstreamCut]+outcomes[exchange.ConnectError] == 0 {
		t.Error("the behaviours were not as different as they should be")
	}
}

// misbehave answers requests until the dice say otherwise.
func misbehave(p *peer, roll func(int) int) {
	whole := streamHead + token("a") + token("b") + event("[DONE]") + "0\r\n\r\n"
	for {
		if roll(20) == 0 {
			return // perhaps while the connection is idle
		}
		if _, err := p.tryHead(); err != nil {
			return
		}
		switch roll(12) {
		case 0:
			return
		case 1:
			p.reset()
			return
		case 2:
			p.sendAnyway(whole[:roll(len(whole))])
			return
		case 3:
			p.sendAnyway("garbage\r\n\r\n")
			return
		case 4:
			p.sendAnyway(strings.Replace(okay, "\r\n", "\r\nConnection: close\r\n", 1))
			return
		case 5: // answers before the body and leaves it unread
			p.sendAnyway(okay)
			return
		}
		if _, err := io.CopyN(io.Discard, p.r, int64(len(uploaded))); err != nil {
			return
		}
		for i := 0; i < len(whole); {
			n := min(1+roll(len(whole)), len(whole)-i)
			p.sendAnyway(whole[i : i+n])
			i += n
		}
	}
}

const uploaded = `{"model":"m","stream":true}`

// clientAtRandom makes some requests on a connection and leaves when it likes.
func clientAtRandom(addr string, roll func(int) int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond)) // some answers never come
	request := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(uploaded), uploaded)
	for range 1 + roll(4) {
		if roll(6) == 0 {
			_, _ = io.WriteString(conn, request[:roll(len(request))])
			return
		}
		_, _ = io.WriteString(conn, strings.Repeat(request, 1+roll(3)))
		p := make([]byte, 1+roll(700))
		switch roll(5) {
		case 0:
			return
		case 1:
			_ = conn.(*net.TCPConn).SetLinger(0)
			return
		default:
			if _, err := io.ReadAtLeast(conn, p, 1+roll(len(p))); err != nil {
				return
			}
		}
	}
	if roll(2) == 0 {
		_, _ = io.CopyN(io.Discard, conn, 300)
	}
}
