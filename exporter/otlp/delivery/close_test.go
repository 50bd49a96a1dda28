package delivery_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// refusing serves a collector that refuses so many requests first, and asks for a wait of
// ten minutes each time.
func refusing(t *testing.T, network *pipes, protocol delivery.Protocol, failures int) (*collector, delivery.Config) {
	t.Helper()
	to := &collector{}
	if protocol == delivery.GRPC {
		to.answer = func(n int) error {
			if n < failures {
				return withRetryInfo(codes.Unavailable, 10*time.Minute)
			}
			return nil
		}
		return to, network.grpc(t, to)
	}
	return to, network.http(t, &hooks{collector: to, reply: func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < failures {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}})
}

func TestCloseTriesAtOnceWhateverTheCollectorAskedFor(t *testing.T) {
	for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
		for name, dir := range map[string]string{"memory": "", "spool": t.TempDir()} {
			t.Run(string(protocol)+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					to, cfg := refusing(t, newPipes(), protocol, 1)
					cfg.SpoolDir = dir
					q := open(t, cfg)
					for range 10 {
						q.Send(spans(t, "a"), 1)
					}
					time.Sleep(time.Minute)
					start := time.Now()
					drain(t, q)
					if d := time.Since(start); d != 0 {
						t.Errorf("Close drained the queue after %v, want at once", d)
					}
					wantDropped(t, q, 0)
					if n := len(to.names()); n != 10 {
						t.Errorf("%d arrived, want 10", n)
					}
				})
			})
		}
	}
}

func TestCloseGoesOnWithShortWaits(t *testing.T) {
	for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
		for name, dir := range map[string]string{"memory": "", "spool": t.TempDir()} {
			t.Run(string(protocol)+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					to, cfg := refusing(t, newPipes(), protocol, 7)
					cfg.SpoolDir = dir
					q := open(t, cfg)
					q.Send(spans(t, "a"), 1)
					time.Sleep(time.Minute)
					start := time.Now()
					drain(t, q)
					at := to.times()
					if len(at) != 8 || !at[1].Equal(start) {
						t.Fatalf("%d attempts, want 8, the second when Close was called", len(at))
					}
					for i, want := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
						want *= time.Millisecond
						if d := at[i+2].Sub(at[i+1]); d < want/2 || d > want*3/2 {
							t.Errorf("wait %d is %v, want %v ± a half", i, d, want)
						}
					}
				})
			})
		}
	}
}

func TestCloseTriesUntilItsContextEndsWhenThereIsNoSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		cfg := quick(delivery.HTTPProtobuf, "http://collector/v1/traces")
		cfg.Backoff = delivery.Backoff{}
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			tries++
			return nil, io.ErrClosedPipe
		}
		q := open(t, cfg)
		q.Send([]byte("a"), 3)
		time.Sleep(time.Hour)
		before, start := tries, time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if q.Close(ctx) == nil {
			t.Error("Close lost everything and returned no error")
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("Close returned after %v", d)
		}
		if n := tries - before; n < 6 || n > 13 { // one at once, and more after 0.1, 0.2, 0.4, 0.8, 1, … s ± a half
			t.Errorf("%d attempts in 5 s", n)
		}
		wantDropped(t, q, 3)
	})
}

// A collector that came back just before Close gets the requests in the spool, although it
// did not answer the last attempt.
func TestCloseTriesACollectorThatWasAwayOnceMore(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		to, cfg := refusing(t, network, delivery.HTTPProtobuf, 0)
		away := true
		cfg.SpoolDir = dir
		cfg.Dial = func(ctx context.Context, n, a string) (net.Conn, error) {
			if away {
				return nil, io.ErrClosedPipe
			}
			return network.dial(ctx, n, a)
		}
		q := open(t, cfg)
		for _, name := range numbered(0, 5) {
			q.Send([]byte(name), 1)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		away = false
		drain(t, q)
		wantNames(t, to.names(), numbered(0, 5))
		wantDropped(t, q, 0)
	})
}

func TestCloseCountsARefusalForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &collector{answer: func(n int) error {
			return []error{withRetryInfo(codes.Unavailable, time.Hour), status.Error(codes.PermissionDenied, ""), nil}[min(n, 2)]
		}}
		q := open(t, newPipes().grpc(t, to))
		q.Send(spans(t, "a"), 2)
		q.Send(spans(t, "b"), 1)
		time.Sleep(time.Minute)
		drain(t, q)
		wantNames(t, to.names(), []string{"b"})
		wantDropped(t, q, 2)
	})
}
