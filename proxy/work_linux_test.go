package proxy_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy"
)

// TestWorkGrowsWithTheBytesOnly: four times the bytes of a peer cost about four times
// the work. Two sizes that multiply would make it sixteen times.
func TestWorkGrowsWithTheBytesOnly(t *testing.T) {
	const request, response = "POST / HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1 200 OK\r\n"
	route := newRoute(t, "", "http://a/v1")
	many := func(s string) func(n int) string { return func(n int) string { return strings.Repeat(s, n) } }
	for _, tt := range []struct {
		name string
		head string
		rest func(n int) string
	}{
		{"fields", request, many("X-A: b\r\n")},
		{"nominated fields", request, func(n int) string {
			return "Connection: " + strings.Repeat("x-a,", n) + "\r\n" + strings.Repeat("X-A: b\r\n", n)
		}},
		{"trailers", request, func(n int) string { return "Trailer: " + strings.Repeat("a,", n) + "\r\n" }},
		{"Trailer fields", request, many("Trailer: ,\r\n")},
		{"a target", "POST /", func(n int) string { return strings.Repeat("/v1", n) + " HTTP/1.1\r\nHost: a\r\n" }},
		{"marks of loops", request, many("Headway-Hop: 1\r\n")},
		{"lengths", response, many("Content-Length: 1\r\n")},
		{"a list of lengths", response, func(n int) string { return "Content-Length: 1" + strings.Repeat(",1", n) + "\r\n" }},
		{"folds", response, func(n int) string { return "A: b\r\n" + strings.Repeat(" c\r\n", n) }},
		{"fields with folds", response, func(n int) string { return strings.Repeat("A: b\r\n c\r\n", n/2) }},
		{"CRs", response, func(n int) string { return "A: " + strings.Repeat("\r", n) + "\r\n" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			work := func(n int) time.Duration {
				head := []byte(tt.head + tt.rest(n) + "\r\n")
				least := time.Hour
				for range 7 {
					began := threadTime(t)
					proxy.ForwardedHead(head, route)
					proxy.ReadResponse(head)
					least = min(least, threadTime(t)-began)
				}
				return least
			}
			work(100)
			if one, four := work(1_000), work(4_000); four > 10*one+time.Millisecond {
				t.Errorf("%v for one part, %v for four", one, four)
			}
		})
	}
}

// threadTime is the CPU time of this thread: the time of others on the machine is not in it.
func threadTime(t *testing.T) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		t.Fatal(err)
	}
	return time.Duration(now.Nano())
}
