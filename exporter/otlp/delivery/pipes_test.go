package delivery_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// pipes is a network in memory, for tests in a bubble of synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// grpc serves to on the pipes, and returns the configuration of a queue that sends there
// with the default timeout and backoff.
func (p *pipes) grpc(t *testing.T, to *collector) delivery.Config {
	t.Helper()
	serveGRPC(t, p, to)
	return delivery.Config{
		Signal: delivery.Traces, Protocol: delivery.GRPC, Endpoint: "passthrough:///collector", Insecure: true, Dial: p.dial,
	}
}

// http does the same for OTLP/HTTP.
func (p *pipes) http(t *testing.T, to *hooks) delivery.Config {
	t.Helper()
	server := &http.Server{Handler: to}
	go func() { _ = server.Serve(p) }()
	t.Cleanup(func() { _ = server.Close() })
	return delivery.Config{
		Signal: delivery.Traces, Protocol: delivery.HTTPProtobuf, Endpoint: "http://collector/v1/traces", Dial: p.dial,
	}
}

// wantWaits wants an attempt, and one more after each wait.
func wantWaits(t *testing.T, to *collector, want ...time.Duration) {
	t.Helper()
	at := to.times()
	if len(at) != len(want)+1 {
		t.Fatalf("%d attempts, want %d", len(at), len(want)+1)
	}
	for i, d := range waits(at) {
		if d != want[i] {
			t.Errorf("wait %d is %v, want %v", i, d, want[i])
		}
	}
}

// waits returns the times between attempts.
func waits(at []time.Time) []time.Duration {
	var d []time.Duration
	for i := 1; i < len(at); i++ {
		d = append(d, at[i].Sub(at[i-1]))
	}
	return d
}
