package transparent_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/transparent"
)

func TestSniffTellsProtocolsApart(t *testing.T) {
	const (
		undecided = transparent.Undecided
		http      = transparent.HTTP
		tls       = transparent.TLS
		raw       = transparent.Raw
	)
	tests := []struct {
		name, in string
		want     transparent.Protocol
	}{
		{"nothing", "", undecided},
		{"a request", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n", http},
		{"a request line alone", "GET / HTTP/1.1\r\n", http},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n", http},
		{"a proxy's request", "GET http://a/b HTTP/1.1\r\n", http},
		{"a tunnel's request", "CONNECT a:443 HTTP/1.1\r\n", http},
		{"a method of a later day", "QUERY /x HTTP/1.1\r\n", http},
		{"a method in part", "POS", undecided},
		{"a target in part", "POST /v1/ch", undecided},
		{"a version in part", "POST /v1 HTTP/1.", undecided},
		{"a line without its end", "POST /v1 HTTP/1.1\r", undecided},
		{"a bare LF", "GET / HTTP/1.1\n", raw},
		{"no version", "GET /\r\n", raw},
		{"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", raw},
		{"HTTP/2 with prior knowledge, in part", "PRI * H", undecided},
		{"Redis, inline", "GET key\r\n", raw},
		{"Redis, inline, in part", "GET key", undecided},
		{"Redis", "*1\r\n$4\r\nPING\r\n", raw},
		{"memcached", "get x\r\n", raw},
		{"SMTP", "HELO mail.example\r\n", raw},
		{"SMTP's QUIT", "QUIT\r\n", raw},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", raw},
		{"PostgreSQL's SSLRequest", "\x00\x00\x00\x08\x04\xd2\x16\x2f", raw},
		{"an endless method", strings.Repeat("A", 40), raw},
		{"an endless target", "GET /" + strings.Repeat("a", transparent.MaxSniff), raw},
		{"a ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", tls},
		{"a ClientHello, its record's head in part", "\x16\x03\x01", undecided},
		{"a ClientHello, its length in part", "\x16\x03\x01\x02\x00\x01\x00", undecided},
		{"a ClientHello in tiny records", "\x16\x03\x01\x00\x01\x01", tls},
		{"a handshake that begins otherwise", "\x16\x03\x01\x02\x00\x02", raw},
		{"a record of no version", "\x16\x07\x01", raw},
		{"an empty record", "\x16\x03\x01\x00\x00\x01", raw},
		{"a ClientHello of no plausible length", "\x16\x03\x01\x02\x00\x01\xff\xff\xff", raw},
		{"SSLv2's hello", "\x80\x2e\x01\x03\x01", raw},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := transparent.Sniff([]byte(tt.in)); got != tt.want {
				t.Errorf("%q is %d, want %d", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzSniff checks that every prefix longer than a decided one has the same Protocol, and
// that MaxSniff bytes decide.
func FuzzSniff(f *testing.F) {
	for _, seed := range []string{
		"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n", "GET key\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "*1\r\n$4\r\nPING\r\n", "\x80\x2e",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		verdict := transparent.Undecided
		for n := range min(len(p), 512) + 1 {
			got := transparent.Sniff(p[:n])
			if verdict != transparent.Undecided && got != verdict {
				t.Fatalf("%q is %d, and %d with a byte more", p[:n], verdict, got)
			}
			verdict = got
		}
		if whole := transparent.Sniff(p); verdict != transparent.Undecided && whole != verdict {
			t.Fatalf("%d in part and %d whole", verdict, whole)
		}
		long := slices.Concat(p, bytes.Repeat([]byte{'a'}, transparent.MaxSniff))
		if transparent.Sniff(long) == transparent.Undecided {
			t.Fatal("undecided beyond the bound")
		}
	})
}
