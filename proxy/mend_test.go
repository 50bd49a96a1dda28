package proxy_test

import (
	"net"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// oddResponses are responses that clients accept although they break a rule, with the
// form in which headway forwards them in explicit mode.
var oddResponses = []struct{ name, response, want string }{
	{"lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"a status line that ends in LF", "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"an empty line of LF alone", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"white space before a colon", "HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length \t: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\n{}"},
	{"white space before the colon of the coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"a folded field", "HTTP/1.1 200 OK\r\nA: b\r\n\t c\r\n d\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nA: b c d\r\nContent-Length: 2\r\n\r\n{}"},
	{"a fold that looks like a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n Content-Length: 9\r\n\r\n{}", "HTTP/1.1 200 OK\r\nA: b Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}"},
	{"a fold before the first field", "HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\ncontent-length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\n{}"},
	{"one length in a list", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"chunks and a length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"the coding identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"white space after the coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \t\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"white space before the coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\t  chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"a CR after the coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"white space after the length", "HTTP/1.1 200 OK\r\nContent-Length:\t2 \t\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"a trailer that is no list", "HTTP/1.1 200 OK\r\nTrailer: a b\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nTrailer: a b\r\nContent-Length: 2\r\n\r\n{}"},
	{"a trailer of a forbidden field", "HTTP/1.1 200 OK\r\nTrailer: Content-Length;q\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nTrailer: Content-Length;q\r\nContent-Length: 2\r\n\r\n{}"},
	{"a field without a name", "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"CR in a value", "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nA: b c\r\nContent-Length: 2\r\n\r\n{}"},
	{"CR before the end of a line", "HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\r\n\r\n{}", "HTTP/1.1 200 OK \r\nContent-Length: 2\r\n\r\n{}"},
	{"CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 O K\r\nContent-Length: 2\r\n\r\n{}"},
	{"NUL in a value", "HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nA: b c\r\nContent-Length: 2\r\n\r\n{}"},
	{"no reason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}"},
	{"no reason and no space", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}"},
	{"a later minor version, in chunks", "HTTP/1.2 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
	{"HTTP/1.0 that keeps the connection", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{"trailers that end in LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\n\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n"},
	{"a folded trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\tc\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b c\r\n\r\n"},
	{"sizes of 16 digits", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000002\r\nok\r\n0000000000000000\r\n\r\n", ""},
	{"sizes of 40 digits", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 39) + "2\r\nok\r\n" + strings.Repeat("0", 40) + "\r\n\r\n", ""},
}

// TestOddResponsesPass: headway forwards a response that means one thing only, in the
// form of the standard, byte by byte in transparent mode. Its connection serves the next
// request.
func TestOddResponsesPass(t *testing.T) {
	for _, tt := range oddResponses {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				for {
					if _, err := p.tryMessage(); err != nil {
						return
					}
					for _, c := range tt.response { // in the smallest pieces
						p.sendAnyway(string(byte(c)))
					}
				}
			})
			want := tt.want
			if want == "" {
				want = tt.response
			}
			f := newFixture(t, u.url)
			c := f.dial()
			for range 3 {
				c.send(get)
				c.expect(want)
				f.want(exchange.OK, "", 200)
			}
			conn, err := net.Dial("tcp", f.redirect(strings.TrimPrefix(u.url, "http://")))
			if err != nil {
				t.Fatal(err)
			}
			transparent := newPeer(t, conn)
			transparent.send(get)
			transparent.expect(tt.response)
			f.want(exchange.OK, "", 200)
		})
	}
}

// TestFaultyFramingEndsItsConnection: headway believes the coding, and nothing more of the
// upstream connection (RFC 9112, section 6.3).
func TestFaultyFramingEndsItsConnection(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		p.head()
		p.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
		p.gone()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	for range 3 {
		c.send(get)
		c.expect("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
	}
	if n := u.connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 responses", n)
	}
}

// TestInterimResponseWithoutBody: a 1xx has no body, so its client gets no coding.
func TestInterimResponseWithoutBody(t *testing.T) {
	u := newUpstream(t, replying("HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"+okay))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	c.expect("HTTP/1.1 103 Early Hints\r\n\r\n" + okay)
}
