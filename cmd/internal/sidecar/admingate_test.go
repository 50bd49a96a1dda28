package sidecar

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHealthAnswersBesideACrowd: whatever others do with the admin port, a probe gets its
// answer within the second that a kubelet waits, and the port holds few descriptors.
func TestHealthAnswersBesideACrowd(t *testing.T) {
	const crowd, request = 200, "GET /api/v1/chains HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for _, tt := range []struct{ name, sends string }{
		{"that says nothing", ""},
		{"of unfinished heads", "GET / HTTP/1.1\r\nX: "},
		{"of unfinished bodies", "POST /stop HTTP/1.1\r\nHost: localhost\r\nOrigin: a\r\nContent-Length: 9\r\n\r\n"},
		{"that does not read", strings.Repeat(request, 1000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := begin(t)
			defer func() { l.stop(); l.end(t) }()
			at := l.admin.Addr().String()
			var open []net.Conn
			for range crowd {
				conn, err := net.Dial("tcp", at)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) // one that is cut reads nothing
				_, _ = io.WriteString(conn, tt.sends)
				open = append(open, conn)
			}
			probe := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			for range 3 {
				r, err := probe.Get("http://" + at + "/healthz/live")
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Body.Close()
				if r.StatusCode != http.StatusOK {
					t.Errorf("health is %d", r.StatusCode)
				}
			}
			if n := stillOpen(open); n > adminConnections {
				t.Errorf("%d of the crowd are let in, want %d at most", n, adminConnections)
			}
		})
	}
}

// TestTheCrowdOfTheAdminPortLeavesAnswersAlone: who waits has to go before who is served.
func TestTheCrowdOfTheAdminPortLeavesAnswersAlone(t *testing.T) {
	l := begin(t)
	defer func() { l.stop(); l.end(t) }()
	trace := make(chan error, 1)
	go func() {
		r, err := http.Get(l.base + "/debug/pprof/trace?seconds=1")
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
		trace <- err
	}()
	for {
		select {
		case err := <-trace:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(10 * time.Millisecond):
			conn, err := net.Dial("tcp", l.admin.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
		}
	}
}

// stillOpen counts the connections that the server has not closed.
func stillOpen(all []net.Conn) (n int) {
	for _, conn := range all {
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			n++
		}
	}
	return n
}
