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

func TestAQueueWaitsAsLongAsRetryAfterSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		headers := []string{"7", time.Now().Add(8 * time.Second).UTC().Format(http.TimeFormat), "120"}
		codes := []int{429, 503, 502}
		to := &hooks{collector: &collector{}}
		to.reply = func(n int, w http.ResponseWriter, _ *http.Request) {
			if n < len(headers) {
				w.Header().Set("Retry-After", headers[n])
				w.WriteHeader(codes[n])
			}
		}
		q := open(t, newPipes().http(t, to))
		q.Send([]byte("a"), 1)
		time.Sleep(time.Hour) // Close would cut the waits short
		drain(t, q)
		// The queue reads the date 7 s after the test wrote it.
		wantWaits(t, to.collector, 7*time.Second, time.Second, 2*time.Minute)
		wantNames(t, to.names(), []string{"a"})
	})
}

func TestAQueueWaitsAsLongAsRetryInfoSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &collector{answer: func(n int) error {
			return []error{
				withRetryInfo(codes.ResourceExhausted, 3*time.Second), withRetryInfo(codes.Unavailable, 45*time.Second), nil,
			}[n]
		}}
		t.Cleanup(synctest.Wait)
		q := open(t, newPipes().grpc(t, to))
		q.Send(spans(t, "a"), 1)
		time.Sleep(time.Hour)
		drain(t, q)
		wantWaits(t, to, 3*time.Second, 45*time.Second)
		wantNames(t, to.names(), []string{"a"})
	})
}

func TestWaitsDoubleWithJitterUpToTheLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const failures = 9
		to := &collector{answer: func(n int) error {
			if n < failures {
				return status.Error(codes.Unavailable, "")
			}
			return nil
		}}
		q := open(t, newPipes().grpc(t, to))
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

// A collector may be away far longer than the backoff of a connection.
func TestAQueueFindsACollectorThatComesBackWithinTheLongestWait(t *testing.T) {
	for _, protocol := range []delivery.Protocol{delivery.GRPC, delivery.HTTPProtobuf} {
		for i := range 40 {
			away := 10*time.Minute + time.Duration(i)*3*time.Second
			t.Run(string(protocol)+" "+away.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { comesBack(t, protocol, away) })
			})
		}
	}
}

// comesBack sends to a collector that refuses connections for so long.
func comesBack(t *testing.T, protocol delivery.Protocol, away time.Duration) {
	network, to := newPipes(), &collector{}
	var cfg delivery.Config
	if protocol == delivery.GRPC {
		cfg = network.grpc(t, to)
	} else {
		cfg = network.http(t, &hooks{collector: to})
	}
	back := time.Now().Add(away)
	cfg.Dial = func(ctx context.Context, n, a string) (net.Conn, error) {
		if time.Now().Before(back) {
			return nil, net.ErrClosed
		}
		return network.dial(ctx, n, a)
	}
	q := open(t, cfg)
	q.Send(spans(t, "a"), 1)
	time.Sleep(away + time.Hour)
	drain(t, q)
	// Half of an attempt that began a moment too early, and the longest wait with its
	// jitter. The backoff of gRPC itself must not come on top.
	if late := to.times()[0].Sub(back); late > 50*time.Second {
		t.Errorf("the queue found the collector %v late", late)
	}
	wantDropped(t, q, 0)
}
