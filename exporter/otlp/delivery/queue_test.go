package delivery_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

func TestHeadersAndCompressionReachTheCollector(t *testing.T) {
	headers := map[string]string{"Api-Key": "k1", "x-scope-orgid": "tenant, one"}
	for _, zipped := range []bool{false, true} {
		encoding := ""
		if zipped {
			encoding = "gzip"
		}
		t.Run("grpc "+encoding, func(t *testing.T) {
			to := &collector{}
			cfg := quick(delivery.GRPC, startGRPC(t, to))
			cfg.Headers, cfg.Gzip, cfg.UserAgent = headers, zipped, "headway/1.2"
			q := open(t, cfg)
			q.Send(spans(t, strings.Repeat("a", 1000)), 1)
			drain(t, q)
			wantNames(t, to.names(), []string{strings.Repeat("a", 1000)})
			for name, want := range map[string]string{
				"api-key": "k1", "x-scope-orgid": "tenant, one", "content-type": "application/grpc+proto",
				"user-agent": "headway/1.2 grpc-go/" + grpc.Version,
			} {
				if got := strings.Join(to.metadata.Get(name), "|"); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
		t.Run("http "+encoding, func(t *testing.T) {
			var got http.Header
			var path, length = "", int64(0)
			to := &hooks{reply: func(_ int, _ http.ResponseWriter, r *http.Request) {
				got, path, length = r.Header, r.URL.RequestURI(), r.ContentLength
			}}
			cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to)+"?a=b")
			cfg.Headers, cfg.Gzip, cfg.UserAgent = headers, zipped, "headway/1.2"
			q := open(t, cfg)
			q.Send([]byte(strings.Repeat("a", 1000)), 1)
			drain(t, q)
			wantNames(t, to.names(), []string{strings.Repeat("a", 1000)})
			for name, want := range map[string]string{
				"api-key": "k1", "x-scope-orgid": "tenant, one", "content-type": "application/x-protobuf",
				"user-agent": "headway/1.2", "content-encoding": encoding,
			} {
				if got.Get(name) != want {
					t.Errorf("%s is %q, want %q", name, got.Get(name), want)
				}
			}
			if path != "/v1/traces?a=b" {
				t.Errorf("path is %s", path)
			}
			if zipped == (length >= 1000) {
				t.Errorf("body of %d bytes", length)
			}
		})
	}
}

func TestGzipIsOnTheWireWithGRPC(t *testing.T) {
	size := func(zipped bool) int64 {
		counted := &counting{}
		cfg := quick(delivery.GRPC, startGRPC(t, &collector{}))
		cfg.Gzip = zipped
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			counted.Conn = c
			return counted, err
		}
		q := open(t, cfg)
		q.Send(spans(t, strings.Repeat("a", 50_000)), 1)
		drain(t, q)
		return counted.written
	}
	if plain, zipped := size(false), size(true); plain < 50_000 || zipped > 5_000 {
		t.Errorf("%d bytes plain, %d zipped", plain, zipped)
	}
}

// counting counts the bytes that gRPC writes to a connection. gRPC has one writer, and the
// test reads the count after Close.
type counting struct {
	net.Conn
	written int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.written += int64(len(p))
	return c.Conn.Write(p)
}

func TestAQueueKeepsTheOrderWhileTheCollectorRefuses(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		to := &collector{answer: func(n int) error {
			if n%3 != 0 {
				return status.Error(codes.Unavailable, "")
			}
			return nil
		}}
		cfg := quick(delivery.GRPC, startGRPC(t, to))
		cfg.SpoolDir = dir
		q := open(t, cfg)
		for _, name := range numbered(0, 100) {
			q.Send(spans(t, name), 1)
		}
		drain(t, q)
		wantNames(t, to.names(), numbered(0, 100))
		wantDropped(t, q, 0)
	}
}

func TestAQueueOfMetricsCallsTheMetricsService(t *testing.T) {
	to := &collector{}
	cfg := quick(delivery.GRPC, startGRPC(t, to))
	cfg.Signal = delivery.Metrics
	q := open(t, cfg)
	q.Send(gauge(t, "m"), 1)
	drain(t, q)
	wantNames(t, to.names(), []string{"m"})
}

// In a bubble the time that Send takes is exact: a Send that waited for anything would let
// time pass, or deadlock.
func TestSendDoesNotWaitForASlowCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &collector{answer: func(int) error { time.Sleep(9 * time.Second); return nil }}
		q := open(t, newPipes().grpc(t, to))
		start := time.Now()
		for _, name := range numbered(0, 50) {
			q.Send(spans(t, name), 1)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("50 sends took %v", d)
		}
		if err := q.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 50*9*time.Second {
			t.Errorf("Close returned after %v", d)
		}
		wantNames(t, to.names(), numbered(0, 50))
	})
}

func TestMemoryDropsTheOldestAtItsBound(t *testing.T) {
	to, held, release := holding(0)
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.MaxBytes = 10
	q := open(t, cfg)
	q.Send([]byte("a"), 1)
	<-held // a is in flight: the queue keeps it, and it takes its room
	for i, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		q.Send([]byte(name), 10+i)
	}
	wantDropped(t, q, 0)
	if q.Bytes() != 10 {
		t.Errorf("%d bytes wait, want 10", q.Bytes())
	}
	q.Send([]byte("kkk"), 1) // the queue drops b, c and d
	wantDropped(t, q, 10+11+12)
	q.Send([]byte("llllllllll"), 100) // as large as the bound, and a takes a byte: the queue drops all but a
	wantDropped(t, q, 10+11+12+13+14+15+16+17+18+1+100)
	q.Send([]byte("m"), 1)
	q.Send([]byte("nnnnnnnnnnn"), 1000) // larger than the bound: the queue drops it and no other
	wantDropped(t, q, 10+11+12+13+14+15+16+17+18+1+100+1000)
	if q.Bytes() != 2 {
		t.Errorf("%d bytes wait, want 2", q.Bytes())
	}
	close(release)
	drain(t, q)
	wantNames(t, to.names(), []string{"a", "m"})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		asked := make(chan struct{}, 1)
		to := &hooks{reply: func(_ int, w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
			w.WriteHeader(http.StatusInternalServerError)
		}}
		cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
		cfg.SpoolDir = dir
		q := open(t, cfg)
		for range 5 {
			q.Send([]byte("a"), 2)
		}
		<-asked
		err := abandon(q)
		if dir == "" {
			if err == nil || !strings.Contains(err.Error(), "10 items") {
				t.Errorf("error %v", err)
			}
			wantDropped(t, q, 10)
		} else {
			if err != nil {
				t.Errorf("Close lost nothing and returned %v", err)
			}
			wantDropped(t, q, 0)
		}
		q.Send([]byte("late"), 7)
		if dir == "" {
			wantDropped(t, q, 17)
		} else {
			wantDropped(t, q, 7)
		}
	}
}
