package proxy_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestRefusesAmbiguousRequests(t *testing.T) {
	const h = "POST / HTTP/1.1\r\nHost: a\r\n"
	cases := []struct{ name, request string }{
		{"length and chunks", h + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"chunks and length", h + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
		{"two lengths", h + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
		{"the same length twice", h + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
		{"list of lengths", h + "Content-Length: 5, 5\r\n\r\nhello"},
		{"signed length", h + "Content-Length: +5\r\n\r\nhello"},
		{"negative length", h + "Content-Length: -5\r\n\r\nhello"},
		{"hexadecimal length", h + "Content-Length: 0x5\r\n\r\nhello"},
		{"length with a unit", h + "Content-Length: 5 \x0b\r\n\r\nhello"},
		{"empty length", h + "Content-Length:\r\n\r\nhello"},
		{"length too long", h + "Content-Length: 99999999999999999999\r\n\r\nhello"},
		{"length with white space before the colon", h + "Content-Length : 5\r\n\r\nhello"},
		{"coding that is none", h + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"coding twice", h + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"coding and identity", h + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"},
		{"list of codings", h + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
		{"chunked not last", h + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
		{"coding after a vertical tab", h + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"},
		{"coding with white space before the colon", h + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"},
		{"coding of HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"folded field", h + "X: a\r\n b\r\n\r\n"},
		{"folded length", h + "X: a\r\n\tContent-Length: 5\r\n\r\nhello"},
		{"fold before the first field", "POST / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n"},
		{"bare LF between fields", h + "X: a\nContent-Length: 5\r\n\r\nhello"},
		{"bare LF after the request line", "POST / HTTP/1.1\nContent-Length: 5\r\nHost: a\r\n\r\nhello"},
		{"bare LF all over", "POST / HTTP/1.1\nHost: a\n\n"},
		{"bare LF at the end", h + "X: a\n\r\n"},
		{"bare CR in a field", h + "X: a\rContent-Length: 5\r\n\r\nhello"},
		{"bare CR in the request line", "POST /\rX HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"bare CR at the end of a field", h + "X: a\r\r\n\r\n"},
		{"NUL in a value", h + "X: a\x00b\r\n\r\n"},
		{"NUL in a name", h + "X\x00: a\r\n\r\n"},
		{"name with a space", h + "X Y: a\r\n\r\n"},
		{"no name", h + ": a\r\n\r\n"},
		{"no colon", h + "X\r\n\r\n"},
		{"two hosts", h + "Host: b\r\n\r\n"},
		{"no host", "POST / HTTP/1.1\r\nX: a\r\n\r\n"},
		{"no version", "GET /\r\nHost: a\r\n\r\n"},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"control byte in the target", "GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"later version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
		{"odd version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
		{"half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) { p.t.Errorf("the upstream got %.400q", p.rest()) })
			f := newFixture(t, u.url)
			c := f.dial()
			c.send(tt.request)
			if got := c.rest(); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Count(got, "HTTP/1.1") != 1 {
				t.Errorf("answered %.400q", got)
			}
		})
	}
}

func TestRefusesMalformedRequestBodies(t *testing.T) {
	const h = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, tt := range []struct{ name, body string }{
		{"no size", "\r\nabc\r\n"},
		{"no hexadecimal size", "xyz\r\n"},
		{"signed size", "+3\r\nabc\r\n"},
		{"prefixed size", "0x3\r\nabc\r\n"},
		{"size beyond 64 bits", "10000000000000000\r\nabc\r\n"},
		{"two sizes", "3 4\r\nabc\r\n"},
		{"bare LF after a size", "3\nabc\r\n"},
		{"bare CR in an extension", "3;a\rb\r\nabc\r\n"},
		{"bare LF in an extension", "3;a\nb\r\nabc\r\n"},
		{"NUL in an extension", "3;a\x00\r\nabc\r\n"},
		{"endless extension", "3;" + strings.Repeat("x", 70000) + "\r\nabc\r\n"},
		{"endless padding", "3" + strings.Repeat(" ", 70000) + "\r\nabc\r\n"},
		{"more data than the size", "3\r\nabcd\r\n"},
		{"bare LF after data", "3\r\nabc\n0\r\n\r\n"},
		{"bare LF at the end", "0\r\n\n"},
		{"trailer without a colon", "0\r\nGET /admin HTTP/1.1\r\n\r\n"},
		{"folded trailer", "0\r\nA: b\r\n c: d\r\n\r\n"},
		{"bare LF in a trailer", "0\r\nA: b\nc: d\r\n\r\n"},
		{"endless trailers", "0\r\n" + strings.Repeat("A: b\r\n", 20000) + "\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, together := range []bool{true, false} {
				got := make(chan string, 1)
				u := newUpstream(t, func(p *peer) {
					head, _ := p.tryHead()
					_, _ = p.r.Peek(1)
					rest, _ := p.r.Peek(p.r.Buffered())
					got <- strings.Replace(head, "Host: "+p.LocalAddr().String(), "Host: a", 1) + string(rest)
					p.gone()
				})
				f := newFixture(t, u.url)
				c := f.dial()
				if together {
					c.send(h + tt.body)
				} else {
					c.send(h)
					c.sendAnyway(tt.body)
				}
				if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
					t.Errorf("answered %.400q", answer)
				}
				f.want(exchange.HTTPError, "400", 400)
				if seen := <-got; !strings.HasPrefix(h+tt.body, seen) || strings.HasSuffix(seen, "\r\n\r\n") && seen != h {
					t.Errorf("the upstream saw %.100q", seen)
				}
				f.stopNow()
			}
		})
	}
}
