package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// headTimeout is long enough for the rest of a head that comes at once.
const headTimeout = 100 * time.Millisecond

func boundingHeads(c *proxy.Config, _ *tap.Config) { c.HeadTimeout = headTimeout }

// TestUnfinishedHeadEnds: the time runs from the first byte of a head, however slowly
// the rest comes, and ends with the head.
func TestUnfinishedHeadEnds(t *testing.T) {
	for _, tt := range []struct{ name, before, first string }{
		{"of a first request", "", "G"},
		{"of a first request, all but its end", "", "GET / HTTP/1.1\r\nHost: a\r\n"},
		{"of a second request", get, "GET / HTTP/1.1\r\n"},
		{"of a second request that came with the first", "", get + "GET /"},
		{"of empty lines only", "", "\r\n\r\n"},
		{"of empty lines after a request", get, "\n\n\n"},
		{"of a preface", "", "PRI * HTTP/2.0\r\n\r\nSM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, answering)
			f := newFixture(t, u.url, boundingHeads)
			c := f.dial()
			if tt.before != "" {
				f.ask(c)
				time.Sleep(2 * headTimeout) // an idle connection has no limit
			}
			c.send(tt.first)
			trickle := "x"
			if strings.HasPrefix(tt.name, "of empty lines") {
				trickle = "\r\n"
			}
			go func() { // a byte now and then does not help
				for range 100 {
					if _, err := io.WriteString(c.Conn, trickle); err != nil || tt.name == "of a preface" {
						return
					}
					time.Sleep(headTimeout / 10)
				}
			}()
			answer := c.rest()
			answer = strings.TrimPrefix(answer, okay)
			if tt.name == "of a preface" && strings.HasPrefix(answer, "HTTP/1.1 400 ") {
				return // the byte was wrong
			}
			if !strings.HasPrefix(answer, "HTTP/1.1 408 ") {
				t.Errorf("answered %.200q", answer)
			}
		})
	}
}

// TestAnIdleConnectionMayHaveHadAnEmptyLine: old clients send one after a body.
func TestAnIdleConnectionMayHaveHadAnEmptyLine(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url, boundingHeads)
	c := f.dial()
	for range 2 {
		f.ask(c)
		c.send("\r\n")
		time.Sleep(2 * headTimeout)
	}
	f.ask(c)
}

// TestHeadTimeoutEndsWithTheHead: it concerns neither the body nor the response.
func TestHeadTimeoutEndsWithTheHead(t *testing.T) {
	next := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.head()
		<-next
		p.send("HTTP/1.1 103 Early Hints\r\n")
		p.send("\r\n")
		<-next
		p.send("HTTP/1.1 200 OK\r\n")
		p.send("Content-Length: 2\r\n\r\n{")
		<-next
		p.send("k")
		p.gone()
	})
	f := newFixture(t, u.url, boundingHeads)
	c := f.dial()
	c.send("POST / HTTP/1.1\r\n")
	c.send("Host: a\r\nContent-Length: 2\r\n\r\n")
	for _, s := range []string{"h", "i"} {
		time.Sleep(2 * headTimeout)
		c.send(s)
	}
	for _, want := range []string{"HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", "k"} {
		time.Sleep(2 * headTimeout)
		next <- struct{}{}
		c.expect(want)
	}
	f.want(exchange.OK, "", 200)
}

// TestUnfinishedHeadOfAResponseEnds with a 504.
func TestUnfinishedHeadOfAResponseEnds(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\nX: ")
		for {
			if _, err := io.WriteString(p.Conn, "x"); err != nil {
				return
			}
			time.Sleep(headTimeout / 10)
		}
	})
	f := newFixture(t, u.url, boundingHeads)
	c := f.dial()
	c.send(get)
	if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 504 ") {
		t.Errorf("answered %.200q", answer)
	}
	f.want(exchange.Timeout, exchange.ErrTimeout, 504)
}

// TestUnfinishedHeadsPassUnmeasured in transparent mode.
func TestUnfinishedHeadsPassUnmeasured(t *testing.T) {
	const half, rest = "GET / HTTP/1.1\r\nX: ", "a\r\nHost: a\r\n\r\n"
	got := make(chan string, 1)
	u := newUpstream(t, func(p *peer) {
		b := make([]byte, len(half))
		_, _ = io.ReadFull(p.r, b)
		got <- string(b)
		p.head()
		p.send("HTTP/1.1 200 OK\r\nContent-Le")
		time.Sleep(2 * headTimeout)
		p.send("ngth: 2\r\n\r\n{}")
	})
	f := newFixture(t, u.url, boundingHeads)
	conn, err := net.Dial("tcp", f.redirect(strings.TrimPrefix(u.url, "http://")))
	if err != nil {
		t.Fatal(err)
	}
	c := newPeer(t, conn)
	c.send(half)
	if before := <-got; before != half {
		t.Errorf("the server got %q", before)
	}
	c.send(rest)
	if answer := c.rest(); answer != "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" {
		t.Errorf("answered %q", answer)
	}
}

// TestUnfinishedHeadsShareABudget: the oldest ones have to go, and a client whose head is
// whole soon is served.
func TestUnfinishedHeadsShareABudget(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	const clients, size = 200, 250_000
	start := "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", size)
	var crowd []*peer
	for range clients {
		c := f.dial()
		c.sendAnyway(start)
		crowd = append(crowd, c)
	}
	first := f.dial() // in two parts
	first.send(get[:10])
	eventually(t, "all to be read", func() bool { heads, _ := f.proxy.Held(); return heads > proxy.MaxUnfinished/2 })
	first.send(get[10:])
	first.expect(okay)
	for _, c := range crowd[:clients/2] {
		if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 408 ") {
			t.Fatalf("answered %.200q", answer)
		}
	}
	if heads, _ := f.proxy.Held(); heads > proxy.MaxUnfinished {
		t.Errorf("%d bytes held", heads)
	}
	f.stopNow()
	eventually(t, "the memory to come back", func() bool { heads, ahead := f.proxy.Held(); return heads == 0 && ahead == 0 })
}

// TestRequestsAheadShareABudget: beyond it headway does not read on, and loses none.
func TestRequestsAheadShareABudget(t *testing.T) {
	answer := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		for {
			if _, err := p.tryMessage(); err != nil {
				return
			}
			<-answer
			p.sendAnyway(okay)
		}
	})
	f := newFixture(t, u.url)
	// Each client fills a buffer of 64 KiB, and there is room for a few buffers less.
	const clients, requests = proxy.MaxAhead>>16 + 12, 8
	var all []*peer
	for range clients {
		c := f.dial()
		go c.sendAnyway(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 12_000)+"\r\n\r\n", requests))
		all = append(all, c)
	}
	eventually(t, "the budget to be used up", func() bool { _, ahead := f.proxy.Held(); return ahead > proxy.MaxAhead*9/10 })
	if _, ahead := f.proxy.Held(); ahead > proxy.MaxAhead {
		t.Errorf("%d bytes held", ahead)
	}
	close(answer)
	for _, c := range all[:20] {
		for range requests {
			c.expect(okay)
		}
	}
	f.stopNow()
	eventually(t, "the memory to come back", func() bool { heads, ahead := f.proxy.Held(); return heads == 0 && ahead == 0 })
}

// TestHeadInSmallPiecesCostsLinearWork: a look at each byte again would take minutes.
func TestHeadInSmallPiecesCostsLinearWork(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	c := f.dial()
	go func() {
		c.sendAnyway("GET /")
		for range 200_000 / 8 {
			c.sendAnyway("aaaaaaaa")
		}
		c.sendAnyway(" HTTP/1.1\r\nHost: a\r\n\r\n")
	}()
	c.expect(okay)
}
