package proxy_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const okayAndGoodbye = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

// TestRetiringProxyServesAndSaysGoodbye with a response, and at no other moment.
func TestRetiringProxyServesAndSaysGoodbye(t *testing.T) {
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		for {
			m, err := p.tryMessage()
			if err != nil {
				return
			}
			if strings.HasPrefix(m, "POST") {
				asked <- struct{}{}
				<-answer
			}
			p.sendAnyway(okay)
		}
	})
	f := newFixture(t, u.url)
	idle, used, busy := f.dial(), f.dial(), f.dial()
	used.send(get)
	used.expect(okay)
	busy.send(chat())
	wait(t, "the request", asked)

	f.proxy.Retire()
	late := f.dial()
	for _, c := range []*peer{late, used} {
		c.send(get)
		c.expect(okayAndGoodbye)
		c.expectEnd()
	}
	close(answer)
	busy.expect(okayAndGoodbye)
	busy.expectEnd()
	for range 4 {
		f.want(exchange.OK, "", 200)
	}
	idle.send(get[:10]) // its connection is still open
	idle.send(get[10:])
	idle.expect(okayAndGoodbye)
	idle.expectEnd()
	f.want(exchange.OK, "", 200)

	unused := f.dial()
	eventually(t, "the last connection to be served", func() bool { return f.proxy.Connections()[exchange.Explicit] == 5 })
	wait(t, "draining", f.drain(t.Context(), nil))
	unused.gone()
}

// TestRetiringLeavesStreamsAlone: their heads did not announce an end, so their clients
// may send another request, whose response ends the connection.
func TestRetiringLeavesStreamsAlone(t *testing.T) {
	finish := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.streamUntil(finish)
		p.message()
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(chat())
	c.expect(streamHead + token("a"))
	f.proxy.Retire()
	close(finish)
	c.expect(event("[DONE]") + "0\r\n\r\n")
	c.send(get)
	c.expect(okayAndGoodbye)
	c.expectEnd()
	f.want(exchange.OK, "", 200)
	f.want(exchange.OK, "", 200)
}
