package transparent_test

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/transparent"
)

// clientHello is the first handshake message of crypto/tls.
func clientHello(tb testing.TB, c *tls.Config) []byte {
	tb.Helper()
	client, server := net.Pipe()
	go func() {
		_ = tls.Client(client, c).Handshake()
		_ = client.Close()
	}()
	defer func() { _ = server.Close() }()
	var head [5]byte
	if _, err := io.ReadFull(server, head[:]); err != nil {
		tb.Fatal(err)
	}
	message := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(server, message); err != nil {
		tb.Fatal(err)
	}
	return message
}

// said holds the facts that a Hello keeps.
type said struct {
	name              string
	http2, ech, tls13 bool
	done              bool
}

func read(p []byte, cut func(left int) int) said {
	var h transparent.Hello
	done := false
	for len(p) > 0 && !done {
		n := cut(len(p))
		done = h.Feed(p[:n])
		p = p[n:]
	}
	return said{h.ServerName, h.HTTP2, h.ECH, h.TLS13, done}
}

// extended is a hello with a list of extensions, each its type and its data.
func extended(kind byte, extensions ...string) []byte {
	var joined strings.Builder
	for _, e := range extensions {
		joined.WriteString(e[:2] + string([]byte{byte(len(e[2:]) >> 8), byte(len(e[2:]))}) + e[2:])
	}
	list := joined.String()
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x02id"
	if kind == 1 {
		body += "\x00\x02\x13\x01" + "\x01\x00"
	} else {
		body += "\x13\x01\x00"
	}
	body += string([]byte{byte(len(list) >> 8), byte(len(list))}) + list
	return []byte(string([]byte{kind, 0, byte(len(body) >> 8), byte(len(body))}) + body)
}

func named(name string) string {
	n := len(name)
	return "\x00\x00" + string([]byte{byte((n + 3) >> 8), byte(n + 3), 0, byte(n >> 8), byte(n)}) + name
}

func TestHelloTellsWhereTheConnectionIsGoing(t *testing.T) {
	const grease = "\x1a\x1a\x00"
	tests := []struct {
		name string
		in   []byte
		want said
	}{
		{"crypto/tls", clientHello(t, &tls.Config{ServerName: "api.example.com"}), said{name: "api.example.com"}},
		{
			"crypto/tls with HTTP/2", clientHello(t, &tls.Config{ServerName: "a.example", NextProtos: []string{"h2", "http/1.1"}}),
			said{name: "a.example", http2: true},
		},
		{"crypto/tls up to 1.2", clientHello(t, &tls.Config{ServerName: "b.example", MaxVersion: tls.VersionTLS12}), said{name: "b.example"}},
		{"an address, which is no name", clientHello(t, &tls.Config{ServerName: "127.0.0.1"}), said{}},
		{"GREASE around the rest", extended(1, grease, named("c.example"), "\x00\x10\x00\x06\x02zz\x02h2", grease), said{name: "c.example", http2: true}},
		{"ECH, with the outer name", extended(1, "\xfe\x0dxxxx", named("front.example")), said{name: "front.example", ech: true}},
		{"a name in capitals with its dot", extended(1, named("API.Example.")), said{name: "api.example"}},
		{"no name but something else", extended(1, named("a\nb\x00")), said{}},
		{"a name too long", extended(1, named(strings.Repeat("x", 254))), said{}},
		{"no extensions", extended(1), said{}},
		{"a name that leaves its extension", extended(1, "\x00\x00\x00\x0e\x00\x00\x09abc", "\x00\x10\x00\x03\x02h2"), said{}},
		{"a server that chose 1.3", extended(2, "\x00\x33xxxx", "\x00\x2b\x03\x04"), said{tls13: true}},
		{"a server that chose 1.2", extended(2, "\xff\x01\x00"), said{}},
		{"another message", []byte("\x0b\x00\x01\x00" + strings.Repeat("x", 256)), said{}},
		{"a message without end", []byte("\x01\xff\xff\xff" + strings.Repeat("x", 256)), said{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.done = true
			for _, cut := range []func(int) int{atOnce, byteByByte, inThrees} {
				if got := read(tt.in, cut); got != tt.want {
					t.Errorf("%+v, want %+v", got, tt.want)
				}
			}
		})
	}
}

func TestHelloAllocatesNothingButTheName(t *testing.T) {
	in := clientHello(t, &tls.Config{ServerName: "api.example.com", NextProtos: []string{"h2"}})
	if n := testing.AllocsPerRun(100, func() {
		var h transparent.Hello
		h.Feed(in)
	}); n > 2 { // the Hello, and the name
		t.Errorf("%v allocations", n)
	}
}

// FuzzClientHello checks that any cutting of the bytes gives the same facts.
func FuzzClientHello(f *testing.F) {
	for _, c := range []*tls.Config{
		{ServerName: "api.example.com", NextProtos: []string{"h2", "http/1.1"}},
		{ServerName: "a.example", MaxVersion: tls.VersionTLS12},
		{InsecureSkipVerify: true, CurvePreferences: []tls.CurveID{tls.CurveP256}},
	} {
		f.Add(clientHello(f, c), uint64(1))
	}
	f.Add(extended(2, "\x00\x2b\x03\x04"), uint64(2))
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		want := read(p, atOnce)
		if got := read(p, func(left int) int { return 1 + random.IntN(left) }); got != want {
			t.Errorf("%+v in pieces, %+v at once", got, want)
		}
		if len(p) > 4+64<<10 && !want.done {
			t.Error("not done beyond the bound")
		}
	})
}

func tlsConfig(name string) *tls.Config { return &tls.Config{ServerName: name} }
