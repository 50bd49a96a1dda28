package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
)

// read is the result of following a chunked body.
type read struct {
	length  int // of the body on the wire, when it is whole
	content string
	whole   bool
	failed  bool
	mended  string // of a response: what its client gets
}

// follow reads the body p of a request in pieces. The bytes of cuts, over and over, bound
// their lengths.
func follow(p, cuts []byte) read {
	r := followAs(proxy.NewChunked(false), p, cuts)
	r.mended = ""
	return r
}

func followAs(c *proxy.Chunked, p, cuts []byte) (r read) {
	for i := 0; len(p) > 0; i++ {
		piece := p
		if len(cuts) > 0 {
			piece = p[:min(len(p), 1+int(cuts[i%len(cuts)]))]
		}
		n, content, done, err := c.Advance(piece)
		r.length += n
		r.content += string(content)
		r.mended += string(c.Mended(piece[:n]))
		if done || err != nil {
			r.whole, r.failed = done, err != nil
			return r
		}
		if p = p[n:]; n != len(piece) {
			panic("bytes left of a body that is not whole")
		}
	}
	return r
}

// reference reads p with net/http, and returns how much of p net/http has read.
func reference(p []byte) (content []byte, length int, err error) {
	source := bytes.NewReader(p)
	r := bufio.NewReader(io.MultiReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), source))
	request, err := http.ReadRequest(r)
	if err != nil {
		return nil, 0, err
	}
	content, err = io.ReadAll(request.Body)
	return content, len(p) - source.Len() - r.Buffered(), err
}

func TestChunkedBody(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       read
	}{
		{"empty", "0\r\n\r\n", read{length: 5, whole: true}},
		{"two chunks and more behind", "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nGET /", read{length: 19, content: "abcd", whole: true}},
		{"sizes in either case, with zeros ahead", "00a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", read{length: 37, content: "01234567890123456789", whole: true}},
		{"padding", "1 \t\r\na\r\n0  \r\n\r\n", read{length: 15, content: "a", whole: true}},
		{"extensions", "1;a=\"\xff;\";b \r\na\r\n0;c\r\n\r\n", read{length: 23, content: "a", whole: true}},
		{"extension after padding", "1 ;a\r\na\r\n0\r\n\r\n", read{length: 14, content: "a", whole: true}},
		{"trailers", "0\r\nA: b\r\nC:\r\n\r\n", read{length: 15, whole: true}},
		{"data that looks like framing", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", read{length: 15, content: "0\r\n\r\n", whole: true}},
		{"unfinished", "3\r\nab", read{length: 5, content: "ab"}},
		{"sixteen digits", "0000000000000001\r\n", read{length: 16, failed: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, cuts := range [][]byte{nil, {0}, {1}, {0, 2, 1}} {
				if got := follow([]byte(tt.body), cuts); got != tt.want {
					t.Errorf("cut %v: got %+v, want %+v", cuts, got, tt.want)
				}
			}
		})
	}
}

// TestTrailersOfResponses: a client gets the trailers in the form of the standard, or the
// body breaks off. Requests with such trailers are refused.
func TestTrailersOfResponses(t *testing.T) {
	for _, tt := range []struct {
		name, trailers, want string // want is empty if the body breaks off
	}{
		{"none", "\r\n", "\r\n"},
		{"as the standard has them", "A: b\r\nC:\r\n\r\n", "A: b\r\nC:\r\n\r\n"},
		{"ends in LF", "A: b\nC: d\n\n", "A: b\r\nC: d\r\n\r\n"},
		{"an end in LF behind one in CRLF", "A: b\r\n\n", "A: b\r\n\r\n"},
		{"no trailer, and an end in LF", "\n", "\r\n"},
		{"a continuation", "A: b\r\n \t c\r\n\td\r\n\r\n", "A: b c d\r\n\r\n"},
		{"a continuation that looks like the end", "A: b\n \n\n", "A: b \r\n\r\n"},
		{"a continuation that looks like a field", "A: b\r\n C: d\r\nE: f\r\n\r\n", "A: b C: d\r\nE: f\r\n\r\n"},
		{"white space before the colon", "A \t: b \r\n\r\n", "A: b \r\n\r\n"},
		{"CR and NUL in a value", "A: b\rc\x00d\r\r\n\r\n", "A: b c d \r\n\r\n"},
		{"a continuation of nothing", " A: b\r\n\r\n", ""},
		{"no colon", "A\r\n\r\n", ""},
		{"no colon, in a continuation", "A\r\n : b\r\n\r\n", ""},
		{"no name", ": b\r\n\r\n", ""},
		{"CR at the start of a line", "A: b\r\n\rC: d\r\n\r\n", ""},
		{"more than 64 KiB", "A: " + strings.Repeat("b", 64<<10) + "\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := []byte("1\r\na\r\n0\r\n" + tt.trailers)
			want := read{length: len(p), content: "a", whole: true, mended: "1\r\na\r\n0\r\n" + tt.want}
			for _, cuts := range [][]byte{nil, {0}, {1}, {9, 0}} {
				got := followAs(proxy.NewChunked(true), append(p, "HTTP/1.1 200 OK"...), cuts)
				if tt.want == "" && !got.failed || tt.want != "" && got != want {
					t.Errorf("cut %v: got %+v, want %+v", cuts, got, want)
				}
			}
		})
	}
}

// FuzzBody checks that cutting the bytes of a body anywhere changes nothing, and that
// net/http reads the same body wherever it accepts one that headway accepts.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"0\r\n\r\n", "3\r\nabc\r\n0\r\nA: b\r\n\r\nmore", "a;x=y\r\n0123456789\r\n0\r\n\r\n", "1 \r\nx\r\n00\r\n\r\n",
		"5\r\nab", "-1\r\n", "0x1\r\na\r\n", "1\na\n0\n\n", "1\r\nab\r\n0\r\n\r\n", "0\r\n a: b\r\n\r\n", "0\r\nGET / HTTP/1.1\r\n\r\n",
	} {
		f.Add([]byte(body), []byte{0, 3, 1})
	}
	f.Fuzz(func(t *testing.T, p, cuts []byte) {
		got := follow(p, nil)
		if again := follow(p, cuts); again != got {
			t.Fatalf("at once %+v, in pieces %+v", got, again)
		}
		if !got.whole {
			return
		}
		content, length, err := reference(p)
		if err == nil && (string(content) != got.content || length != got.length) {
			t.Errorf("net/http reads %q in %d bytes, headway %q in %d", content, length, got.content, got.length)
		}
	})
}

// FuzzBodyOfResponse checks that cutting the bytes of a response's body anywhere changes
// nothing, that mended trailers need no mending, and that net/http reads the same body in
// what the client gets, to its last byte.
func FuzzBodyOfResponse(f *testing.F) {
	for _, body := range []string{
		"0\r\n\r\n", "3\r\nabc\r\n0\r\nA: b\r\n\r\nmore", "0000000000000000000\r\n\n", "0\r\nA: b\n c\n\n",
		"0\r\nA \t: b\rc\x00\r\r\n\r\n", "0\r\n a: b\r\n\r\n", "0\r\nA: b\r\n \r\n\r\n",
	} {
		f.Add([]byte(body), []byte{0, 3, 1})
	}
	f.Fuzz(func(t *testing.T, p, cuts []byte) {
		got := followAs(proxy.NewChunked(true), p, nil)
		if again := followAs(proxy.NewChunked(true), p, cuts); again != got {
			t.Fatalf("at once %+v, in pieces %+v", got, again)
		}
		if !got.whole {
			return
		}
		mended := []byte(got.mended)
		if again := followAs(proxy.NewChunked(true), mended, nil); !again.whole || again.mended != got.mended || again.content != got.content {
			t.Errorf("mended %+v, mended again %+v", got, again)
		}
		content, length, err := reference(mended)
		if err == nil && (string(content) != got.content || length != len(mended)) {
			t.Errorf("net/http reads %q in %d bytes of %q, headway %q", content, length, mended, got.content)
		}
	})
}
