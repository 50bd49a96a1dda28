package proxy_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// TestAnnouncedTrailersPassOrNot by RFC 9110, sections 5.6.1 and 6.6.2.
func TestAnnouncedTrailersPassOrNot(t *testing.T) {
	route := newRoute(t, "", "http://model")
	for _, tt := range []struct {
		value string
		ok    bool
	}{
		{"X-Sum", true},
		{"", true},
		{"X-Sum, Server-Timing", true},
		{"X-Sum,,Server-Timing", true},
		{" , X-Sum", true},
		{"Content-Type", true},
		{"X-Forwarded-For, Location", true},
		{"X Sum", false},
		{"X-Sum\"", false},
		{"X-Sum\x00", false},
	} {
		head := "POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: " + tt.value + "\r\nX-A: 1\r\n\r\n"
		_, _, f, ok := proxy.ForwardedHead([]byte(head), route)
		if ok != tt.ok || (ok && !f.Chunked) {
			t.Errorf("Trailer: %q: forwarded %v, %+v; want %v", tt.value, ok, f, tt.ok)
		}
	}
	two := "POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Range\r\nContent-Length: 1\r\n\r\n"
	if _, _, _, ok := proxy.ForwardedHead([]byte(two), route); ok {
		t.Error("what is ambiguous passes beside a Trailer")
	}
}

// TestAnyAnnouncedTrailerReachesTheClient unchanged.
func TestAnyAnnouncedTrailerReachesTheClient(t *testing.T) {
	response := "HTTP/1.1 200 OK\r\ntrailer: Location,,X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
	u := newUpstream(t, replying(response))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	c.expect(response)
	f.want(exchange.OK, "", 200)
}
