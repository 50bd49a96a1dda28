package proxy_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const retried = "reused_connection_retried"

// closings are the ways in which an upstream closes a connection.
func closings() map[string]func(*peer) {
	return map[string]func(*peer){"closing": func(*peer) {}, "resetting": (*peer).reset}
}

// request is a request with a method and a body.
func request(method, body string) string {
	return fmt.Sprintf("%s /v1/models HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", method, len(body), body)
}

// TestKeptConnectionThatFailsIsReplacedOnce if headway may repeat the request; else the
// client gets the failure.
func TestKeptConnectionThatFailsIsReplacedOnce(t *testing.T) {
	for _, tt := range []struct {
		request string
		again   bool
	}{
		{get, true},
		{request("PUT", "abc"), true},
		{request("DELETE", ""), true},
		{request("POST", "abc"), false},
		{request("PATCH", "abc"), false},
		{chat(), false},
	} {
		for way, end := range closings() {
			t.Run(strings.Fields(tt.request)[0]+", "+way, func(t *testing.T) {
				var asked atomic.Int64
				u := newUpstream(t, func(p *peer) {
					p.message()
					asked.Add(1)
					p.send(okay)
					if _, err := p.tryMessage(); err != nil {
						return
					}
					asked.Add(1)
					end(p) // as soon as the request comes
				})
				f := newFixture(t, u.url)
				c := f.dial()
				f.ask(c)
				c.send(tt.request)
				if !tt.again {
					f.refused(c.rest(), 502, "upstream_connection_error", strings.TrimPrefix(u.url, "http://"))
					if r := f.want(exchange.ConnectError, exchange.ErrConnection, 502); slices.Contains(r.Notes, retried) {
						t.Error("headway repeated the request")
					}
					if n := asked.Load(); n != 2 {
						t.Errorf("asked %d times, want 2", n)
					}
					return
				}
				c.expect(okay)
				r := f.want(exchange.OK, "", 200)
				if !slices.Contains(r.Notes, retried) || r.Timing.RequestWritten == 0 {
					t.Errorf("recorded %q, %+v", r.Notes, r.Timing)
				}
				if n := u.connections.Load(); n != 2 {
					t.Errorf("%d upstream connections, want 2", n)
				}
			})
		}
	}
}

// TestNothingIsTriedThreeTimes, and headway repeats nothing that failed on a fresh
// connection.
func TestNothingIsTriedThreeTimes(t *testing.T) {
	var asked atomic.Int64
	u := newUpstream(t, func(p *peer) {
		if p.message(); asked.Add(1) == 1 {
			p.send(okay)
			p.message()
			asked.Add(1)
		}
	})
	f := newFixture(t, u.url)
	c := f.dial()
	f.ask(c)
	for _, want := range []int64{3, 4} {
		c.send(get)
		if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 502 ") {
			t.Errorf("got %q", head)
		}
		f.want(exchange.ConnectError, exchange.ErrConnection, 502)
		if n := asked.Load(); n != want {
			t.Errorf("asked %d times, want %d", n, want)
		}
		c = f.dial()
	}
}

// TestConnectionThatFailsInsideItsResponseIsNotReplaced: the client may have seen a part
// of the response.
func TestConnectionThatFailsInsideItsResponseIsNotReplaced(t *testing.T) {
	for sent, outcome := range map[string]exchange.Outcome{"H": exchange.ConnectError, okay[:len(okay)-1]: exchange.UpstreamCut} {
		u := newUpstream(t, func(p *peer) {
			p.message()
			p.send(okay)
			p.message()
			p.send(sent)
		})
		f := newFixture(t, u.url)
		c := f.dial()
		f.ask(c)
		c.send(get)
		c.gone()
		if r := f.record(); r.Outcome != outcome || len(r.Notes) > 0 {
			t.Errorf("recorded %q, %q", r.Outcome, r.Notes)
		}
		if n := u.connections.Load(); n != 1 {
			t.Errorf("%d upstream connections, want 1", n)
		}
	}
}

// TestRequestOfWhichNothingWasTakenIsMadeAgain, with a method that is not idempotent and
// with a body of which a part has not come yet.
func TestRequestOfWhichNothingWasTakenIsMadeAgain(t *testing.T) {
	const size = 300_000
	for _, rest := range []int{0, 5, size} {
		t.Run(strconv.Itoa(rest), func(t *testing.T) {
			bodies, over := make(chan string, 3), make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				for {
					m, err := p.tryMessage()
					if err != nil {
						break
					}
					bodies <- m[strings.Index(m, "\r\n\r\n")+4:]
					p.sendAnyway(okay)
				}
				<-over // headway would find an upstream that ends its side dead before the request
			})
			t.Cleanup(func() { close(over) })
			f := newFixture(t, u.url)
			c := f.dial()
			f.ask(c)
			<-bodies
			_, kept := f.proxy.Sockets()
			_ = kept[0].(interface{ CloseWrite() error }).CloseWrite() // the kernel takes no byte on it from now on
			body := strings.Repeat("b", size)
			sent := request("POST", body)
			c.send(sent[:len(sent)-rest])
			eventually(t, "the retry", func() bool { return u.connections.Load() == 2 })
			c.send(sent[len(sent)-rest:])
			c.expect(okay)
			if got := <-bodies; got != body {
				t.Errorf("the upstream got %d bytes of %d", len(got), size)
			}
			r := f.want(exchange.OK, "", 200)
			if !slices.Contains(r.Notes, retried) || r.Bytes.In != size {
				t.Errorf("recorded %q, %d bytes", r.Notes, r.Bytes.In)
			}
			c.send(get) // the client's connection goes on
			c.expect(okay)
			f.want(exchange.OK, "", 200)
		})
	}
}

// churning is an upstream that closes kept connections at any moment.
type churning struct {
	mu   sync.Mutex
	seen map[string]int // requests, by target
}

func (u *churning) serve(p *peer) {
	for i := range 1 + rand.IntN(20) {
		if i > 0 { // a fresh connection is no kept one
			_ = p.SetReadDeadline(time.Now().Add(time.Duration(rand.IntN(3000)) * time.Microsecond))
		}
		if _, err := p.r.Peek(1); err != nil {
			break // idle for too long, perhaps in the moment in which a request comes
		}
		_ = p.SetReadDeadline(time.Now().Add(patience))
		m, err := p.tryMessage()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.seen[strings.Fields(m)[1]]++
		u.mu.Unlock()
		p.sendAnyway(okay)
	}
	if rand.IntN(2) == 0 {
		p.reset()
	}
}

// repeated lists the POSTs that came more than once.
func (u *churning) repeated() (posts []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for target, n := range u.seen {
		if n > 1 && strings.HasPrefix(target, "/POST") {
			posts = append(posts, target)
		}
	}
	return posts
}

// askOften makes n requests, every other one a POST, on connections that it opens anew
// after a failure. Client tells its requests from those of others. It returns how many
// POSTs failed; a GET must not.
func (f *fixture) askOften(client, n int) (failed int64) {
	var c *peer
	for i := range n {
		if c == nil {
			conn, err := net.Dial("tcp", f.addr)
			if err != nil {
				f.Error(err)
				return failed
			}
			c = newPeer(f.T, conn)
		}
		method := []string{"POST", "GET"}[i%2]
		c.send(fmt.Sprintf("%s /%s-%d-%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", method, method, client, i))
		head := c.head()
		if strings.HasPrefix(head, "HTTP/1.1 200 ") {
			_, _ = io.CopyN(io.Discard, c.r, 2)
		} else {
			_ = c.Close()
			c = nil
			if failed++; method == "GET" {
				f.Errorf("a GET got %q", head)
			}
		}
		if rand.IntN(4) == 0 {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) // so that connections get idle
		}
	}
	if c != nil {
		_ = c.Close()
	}
	return failed
}

// TestChurningUpstreamHarmsNobody has clients ask it under load. No POST reaches it
// twice, and no GET fails.
func TestChurningUpstreamHarmsNobody(t *testing.T) {
	churn := &churning{seen: map[string]int{}}
	u := newUpstream(t, churn.serve)
	f := newFixture(t, u.url)
	const clients, each = 8, 1250 / raceShare
	var failed atomic.Int64
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() { failed.Add(f.askOften(client, each)) })
	}
	all.Wait()
	notes := 0
	for range clients * each {
		if slices.Contains(f.record().Notes, retried) {
			notes++
		}
	}
	if posts := churn.repeated(); len(posts) > 0 {
		t.Errorf("these POSTs came more than once: %q", posts)
	}
	t.Logf("%d upstream connections, %d of %d POSTs failed, %d exchanges retried", u.connections.Load(), failed.Load(), clients*each/2, notes)
	if notes == 0 {
		t.Error("nothing was retried: the upstream did not churn")
	}
}
