package proxy_test

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

type nobody struct{}

func (nobody) Observe(exchange.Record) {}

// relaying starts a proxy to an upstream with one connection that the benchmark
// itself answers, and returns the client's end and the upstream's.
func relaying(b *testing.B, options ...func(*proxy.Config)) (client, upstream net.Conn) {
	b.Helper()
	l, front := listen(b), listen(b)
	config := proxy.Config{
		Routes: []proxy.Route{newRoute(b, "", "http://"+l.Addr().String())},
		Tap:    tap.New(tap.Config{Dialects: openai.Dialects(), Observer: nobody{}}),
		Log:    slog.New(slog.DiscardHandler),
	}
	for _, o := range options {
		o(&config)
	}
	p := proxy.New(config)
	go func() { _ = p.Serve(front) }()
	b.Cleanup(func() { _ = p.Drain(b.Context()) }) // the context has ended by then
	client, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	if _, err := io.WriteString(client, chat()); err != nil {
		b.Fatal(err)
	}
	if upstream, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = upstream.Close() })
	if _, err := io.ReadAtLeast(upstream, make([]byte, 4096), len(chat())); err != nil {
		b.Fatal(err)
	}
	return client, upstream
}

// BenchmarkEvent is one event through the relay and the tap, with the system calls
// of its sender and its receiver.
func BenchmarkEvent(b *testing.B) {
	client, upstream := relaying(b)
	p := make([]byte, 4096)
	deliver(b, client, upstream, []byte(streamHead), p)
	e := []byte(token(" word"))
	b.ReportAllocs()
	for b.Loop() {
		deliver(b, client, upstream, e, p)
	}
}

// BenchmarkRequest is one small exchange on two open connections.
func BenchmarkRequest(b *testing.B) {
	client, upstream := relaying(b)
	response := []byte(strings.Replace(okay, "OK\r\n", "OK\r\nContent-Type: application/json\r\n", 1))
	request, p := []byte(chat()), make([]byte, 4096)
	deliver(b, client, upstream, response, p)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadAtLeast(upstream, p, len(request)); err != nil {
			b.Fatal(err)
		}
		deliver(b, client, upstream, response, p)
	}
}

// deliver sends what from the upstream and waits, reading into p, until the client
// has it.
func deliver(b *testing.B, client, upstream net.Conn, what, p []byte) {
	if _, err := upstream.Write(what); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(client, p[:len(what)]); err != nil {
		b.Fatal(err)
	}
}

// TestEventAllocatesNothing checks that the relay, the tap and the test itself allocate
// nothing for an event.
func TestEventAllocatesNothing(t *testing.T) {
	if allocs := testing.Benchmark(BenchmarkEvent).AllocsPerOp(); allocs != 0 {
		t.Errorf("%d allocations an event, want 0", allocs)
	}
}
