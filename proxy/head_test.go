package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// FuzzRequestHead checks that headway and net/http agree on the framing of every head
// that headway forwards: of the head as it came, as it goes on, and with a span in it.
func FuzzRequestHead(f *testing.F) {
	const h = "POST /v1//a%2Fb HTTP/1.1\r\nHost: a\r\n"
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://a/b?c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		h + "Content-Length: 5\r\n\r\nhello",
		h + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		h + "Content-Length: +5\r\n\r\n",
		h + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		h + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		h + "Transfer-Encoding: xchunked\r\n\r\n",
		h + "Transfer-Encoding : chunked\r\n\r\n",
		h + "Connection: close, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n",
		h + "Connection: upgrade, x\r\nUpgrade: websocket\r\nX: y\r\n\r\n",
		h + "X: a\r\n Content-Length: 5\r\n\r\n",
		h + "X: a\nContent-Length: 5\r\n\r\n",
		h + "X: a\rContent-Length: 5\r\n\r\n",
		h + "Connection: traceparent\r\ntraceparent: 00\r\nb3: 0\r\n\r\n",
		"POST / HTTP/1.1\nContent-Length: 5\r\nHost: a\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	route := newRoute(f, "", "http://upstream:8000/base")
	measured := tap.New(tap.Config{Observer: exchange.Fanout{}})
	f.Fuzz(func(t *testing.T, p []byte) {
		forwarded, length, framing, ok := proxy.ForwardedHead(p, route)
		if !ok {
			return
		}
		if came, err := read1(p[:length]); err == nil {
			agree(t, "as it came", came, framing)
		}
		goes, err := read1(forwarded)
		if err != nil {
			return // net/http is stricter outside the framing
		}
		agree(t, "as it goes on", goes, framing)
		if told, err := read1(proxy.ToldHead(p, route, measured)); err != nil {
			t.Errorf("net/http does not read a head that names the span: %v", err)
		} else {
			agree(t, "as it tells of a span", told, framing)
		}
		if goes.Host != "upstream:8000" {
			t.Errorf("forwarded to host %q: %q", goes.Host, forwarded)
		}
		if n := bytes.Count(forwarded, []byte("\r\n\r\n")); n != 1 || bytes.Count(forwarded, []byte("\n")) != bytes.Count(forwarded, []byte("\r\n")) {
			t.Errorf("forwarded %q", forwarded)
		}
	})
}

func read1(head []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(head), len(head)+16))
}

func agree(t *testing.T, when string, r *http.Request, f proxy.Framing) {
	t.Helper()
	chunked := slices.Equal(r.TransferEncoding, []string{"chunked"})
	length := max(r.ContentLength, 0)
	if chunked != f.Chunked || (!chunked && length != max(f.Length, 0)) {
		t.Errorf("%s net/http frames it as %q with length %d, headway as %+v", when, r.TransferEncoding, r.ContentLength, f)
	}
}

// A head may name as many fields in Connection as it has. Each of them stays behind, and
// a field that has only the length of one goes on.
func TestConnectionNamesManyFields(t *testing.T) {
	const n = 2_000
	head := bytes.NewBufferString("GET / HTTP/1.1\r\nHost: a\r\nConnection: ")
	for i := range n {
		fmt.Fprintf(head, "X-%05d, ", i)
	}
	head.WriteString("content-length, host\r\n")
	for i := range n {
		fmt.Fprintf(head, "x-%05d: 1\r\n", i)
	}
	head.WriteString("y-00001: 1\r\n\r\n")
	forwarded, _, _, ok := proxy.ForwardedHead(head.Bytes(), newRoute(t, "", "http://upstream:8000"))
	if want := "GET / HTTP/1.1\r\nHost: upstream:8000\r\ny-00001: 1\r\n\r\n"; !ok || string(forwarded) != want {
		t.Errorf("forwarded %.200q, want %q", forwarded, want)
	}
}

// BenchmarkConnectionNamesManyFields takes a hundred times as long for ten times the
// fields if headway compares every field with every name.
func BenchmarkConnectionNamesManyFields(b *testing.B) {
	for _, n := range []int{400, 4_000} {
		head := bytes.NewBufferString("GET / HTTP/1.1\r\nHost: a\r\nConnection: ")
		head.WriteString(strings.Repeat("a,", n) + "b\r\n" + strings.Repeat("c: 1\r\n", n) + "\r\n")
		route := newRoute(b, "", "http://upstream:8000")
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				proxy.ForwardedHead(head.Bytes(), route)
			}
		})
	}
}
