package proxy_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestAddressThatDoesNotAnswerDoesNotUseUpTheTime of the other family's address.
func TestAddressThatDoesNotAnswerDoesNotUseUpTheTime(t *testing.T) {
	hole := blackhole(t, "[::1]:0")
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(hole.Port)))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	serveOn(t, l, "http://", answering)
	_, resolver := newNameServer(t, "::1", "127.0.0.1")
	f := newFixture(t, "http://model.test:"+strconv.Itoa(hole.Port), asking(resolver),
		func(c *proxy.Config, _ *tap.Config) { c.ConnectTimeout = patience / 2 })
	c := f.dial()
	c.send(get)
	c.expect(okay) // and no 504
	f.want(exchange.OK, "", 200)
}
