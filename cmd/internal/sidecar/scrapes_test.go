package sidecar

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// slow serves metrics that take so long.
func slow(d time.Duration) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(d) })
}

func TestAThirdScrapeWaitsAMomentOnly(t *testing.T) {
	for _, tt := range []struct {
		name  string
		takes time.Duration // of the two before
		want  int
	}{
		{"the others end soon", 2 * time.Second, 200},
		{"the others take long", time.Minute, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScrapes()
				s.Observe(exchange.Record{})
				h := s.through(slow(tt.takes))
				get := func(ctx context.Context) *httptest.ResponseRecorder {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
					return w
				}
				var others sync.WaitGroup
				for range scrapesAtOnce {
					others.Go(func() { get(t.Context()) })
				}
				synctest.Wait()
				w := get(t.Context())
				if w.Code != tt.want || (w.Header().Get("Retry-After") != "") != (tt.want == 503) {
					t.Errorf("%d, retry after %q; want %d", w.Code, w.Header().Get("Retry-After"), tt.want)
				}
				if got := s.complete(); got != (tt.want == 200) {
					t.Errorf("everything was read: %v", got)
				}
				others.Wait()
				if w := get(t.Context()); w.Code != 200 {
					t.Errorf("after the others it is %d", w.Code)
				}
			})
		})
	}
}

// A reader that has not taken the first bytes after a while is cut off, and others get its
// turn. The bytes do not fit any buffer of the kernel.
func TestAScraperThatReadsNothingIsCutOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, failed := newScrapes(), make(chan error, 1)
	s.Observe(exchange.Record{})
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: s.through(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(*impatient).end = time.Now().Add(50 * time.Millisecond)
		var err error
		for chunk := make([]byte, 1<<20); err == nil; {
			_, err = w.Write(chunk)
		}
		failed <- err
		panic(http.ErrAbortHandler)
	}))}
	go func() { _ = server.Serve(l) }()
	defer func() { _ = server.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing to it ends with %v, want its deadline", err)
	}
	if s.complete() {
		t.Error("the scrape counts as whole")
	}
}
