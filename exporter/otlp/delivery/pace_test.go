package delivery_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// pipes is a network in memory, for tests whose time is not real.
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

// waits are the times between attempts.
func waits(at []time.Time) []time.Duration {
	var d []time.Duration
	for i := 1; i < len(at); i++ {
		d = append(d, at[i].Sub(at[i-1]))
	}
	return d
}

func TestTheCollectorsOwnWaitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := []string{"7", time.Now().Add(8 * time.Second).UTC().Format(http.TimeFormat), "120"}
		codes := []int{429, 503, 502}
		// The date is read 7 s after it was written.
		want := []time.Duration{7 * time.Second, time.Second, 2 * time.Minute}
		network, to := newPipes(), &hooks{collector: &collector{}}
		to.reply = func(n int, w http.ResponseWriter, _ *http.Request) {
			if n < len(headers) {
				w.Header().Set("Retry-After", headers[n])
				w.WriteHeader(codes[n])
			}
		}
		server := &http.Server{Handler: to}
		go func() { _ = server.Serve(network) }()
		defer server.Close()

		cfg := delivery.Config{Signal: delivery.Traces, Protocol: delivery.HTTPProtobuf, Endpoint: "http://collector/v1/traces", Dial: network.dial}
		q := open(t, cfg)
		q.Send([]byte("a"), 1)
		wantWaits(t, q, to.collector, want)
	})
}

// wantWaits lets q deliver its only request, a, and fails the test unless q waited so
// long between its attempts.
func wantWaits(t *testing.T, q *delivery.Queue, to *collector, want []time.Duration) {
	t.Helper()
	time.Sleep(time.Hour) // Close would cut the waits short
	drain(t, q)
	if n := len(to.times()); n != len(want)+1 {
		t.Fatalf("%d attempts, want %d", n, len(want)+1)
	}
	for i, d := range waits(to.times()) {
		if d != want[i] {
			t.Errorf("wait %d is %v, want %v", i, d, want[i])
		}
	}
	wantNames(t, to.names(), []string{"a"})
}

func TestRetryInfoIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := []time.Duration{3 * time.Second, 45 * time.Second}
		answers := []error{told(codes.ResourceExhausted, want[0]), told(codes.Unavailable, want[1])}
		network := newPipes()
		to := &collector{answer: func(n int) error {
			if n < len(answers) {
				return answers[n]
			}
			return nil
		}}
		t.Cleanup(synctest.Wait)
		serveGRPC(t, network, to)
		q := open(t, delivery.Config{Signal: delivery.Traces, Protocol: delivery.GRPC, Endpoint: "passthrough:///collector", Insecure: true, Dial: network.dial})
		q.Send(spans(t, "a"), 1)
		wantWaits(t, q, to, want)
	})
}

func TestWaitsDoubleWithJitterUpToTheirMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const failures = 9
		network := newPipes()
		to := &collector{answer: func(n int) error {
			if n < failures {
				return status.Error(codes.Unavailable, "")
			}
			return nil
		}}
		serveGRPC(t, network, to)
		q := open(t, delivery.Config{Signal: delivery.Traces, Protocol: delivery.GRPC, Endpoint: "passthrough:///collector", Insecure: true, Dial: network.dial})
		q.Send(spans(t, "a"), 1)
		time.Sleep(time.Hour)
		drain(t, q)
		got := waits(to.times())
		if len(got) != failures {
			t.Fatalf("%d waits, want %d", len(got), failures)
		}
		even := 0
		for i, step := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30, 30} {
			step *= time.Second
			if got[i] < step/2 || got[i] > step*3/2 {
				t.Errorf("wait %d is %v, want %v ± a half", i, got[i], step)
			}
			if got[i] == step {
				even++
			}
		}
		if even == failures {
			t.Error("no jitter")
		}
	})
}

// A collector may be away far longer than any one connection's backoff.
func TestACollectorThatComesBackIsFoundWithinTheLongestWait(t *testing.T) {
	for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
		for i := range 40 {
			away := 10*time.Minute + time.Duration(i)*3*time.Second
			t.Run(string(protocol)+" "+away.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { comesBack(t, protocol, away) })
			})
		}
	}
}

func comesBack(t *testing.T, protocol delivery.Protocol, away time.Duration) {
	network, to := newPipes(), &collector{}
	back := time.Now().Add(away)
	dial := func(ctx context.Context, n, a string) (net.Conn, error) {
		if time.Now().Before(back) {
			return nil, net.ErrClosed
		}
		return network.dial(ctx, n, a)
	}
	cfg := delivery.Config{Signal: delivery.Traces, Protocol: protocol, Insecure: true, Dial: dial}
	if protocol == delivery.GRPC {
		cfg.Endpoint = "passthrough:///collector"
		serveGRPC(t, network, to)
	} else {
		cfg.Endpoint = "http://collector/v1/traces"
		server := &http.Server{Handler: &hooks{collector: to}}
		go func() { _ = server.Serve(network) }()
		defer server.Close()
	}
	q := open(t, cfg)
	q.Send(spans(t, "a"), 1)
	time.Sleep(away + time.Hour)
	drain(t, q)
	// Half of an attempt that began a moment too early, and the longest wait with its
	// jitter; gRPC's own backoff must not come on top.
	if late := to.times()[0].Sub(back); late > 50*time.Second {
		t.Errorf("found %v late", late)
	}
	wantDropped(t, q, 0)
}
