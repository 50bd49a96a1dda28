package life

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// waitingRoom is an upstream that sends the first token of every stream and no others.
// It notes when the connection of each stream ends.
type waitingRoom struct {
	url string

	mu    sync.Mutex
	ended map[string]time.Time // by X-Stream
}

func newWaitingRoom(t *testing.T) *waitingRoom {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &waitingRoom{url: "http://" + l.Addr().String(), ended: map[string]time.Time{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go w.serve(conn)
		}
	}()
	return w
}

const firstToken = "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"

func (w *waitingRoom) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(firstToken), firstToken)
	_, _ = conn.Read(make([]byte, 1)) // FIN or reset
	at := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[request.Header.Get("X-Stream")] = at
}

// enter opens a stream that waits, and returns its connection.
func enter(t *testing.T, base, id string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	const body = `{"model":"m","stream":true,"messages":[]}`
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Stream: %s\r\nContent-Length: %d\r\n\r\n%s", id, len(body), body)
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for lines := bufio.NewScanner(conn); ; {
		if !lines.Scan() {
			t.Fatalf("stream %s ended before its first token: %v", id, lines.Err())
		}
		if strings.HasPrefix(lines.Text(), "data: ") {
			return conn
		}
	}
}

// leave closes the connections one by one, with a pause between two. It returns the
// times from each close until the upstream saw the end, in ascending order.
func (w *waitingRoom) leave(t *testing.T, conns map[string]net.Conn, pause time.Duration) []time.Duration {
	t.Helper()
	left := map[string]time.Time{}
	for id, conn := range conns {
		left[id] = time.Now()
		_ = conn.Close()
		time.Sleep(pause)
	}
	var took []time.Duration
	interop.Eventually(t, 20*time.Second, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		took = took[:0]
		for id, at := range left {
			if ended, ok := w.ended[id]; ok {
				took = append(took, ended.Sub(at))
			}
		}
		if len(took) < len(left) {
			return fmt.Errorf("the upstream saw %d of %d leave", len(took), len(left))
		}
		return nil
	})
	slices.Sort(took)
	return took
}

// spread formats the quantiles of ascending durations in one line.
func spread(took []time.Duration) string {
	at := func(q float64) time.Duration {
		return took[min(len(took)-1, int(q*float64(len(took))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("n %d, p50 %v, p90 %v, p99 %v, max %v", len(took), at(0.5), at(0.9), at(0.99), at(1))
}

// departures opens n streams through base. One client in five leaves, one after the
// other; then all others leave at once. It returns the times until the upstream saw
// that, for both groups.
func (w *waitingRoom) departures(t *testing.T, base, name string, n int) (single, burst []time.Duration) {
	t.Helper()
	few, rest := map[string]net.Conn{}, map[string]net.Conn{}
	for i := range n {
		id := name + strconv.Itoa(i)
		if conn := enter(t, base, id); i%5 == 0 {
			few[id] = conn
		} else {
			rest[id] = conn
		}
	}
	return w.leave(t, few, 2*time.Millisecond), w.leave(t, rest, 0)
}

// holdings returns the number of descriptors and of goroutines of a sidecar.
func holdings(t *testing.T, s *interop.Sidecar) (descriptors, goroutines int) {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Process.PID()))
	if err != nil {
		t.Skip("descriptors of a process are counted in /proc")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.Admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if _, err := fmt.Sscanf(string(text), "goroutine profile: total %d", &goroutines); err != nil {
		t.Fatalf("%v in %.100s", err, text)
	}
	return len(files), goroutines
}

// Depart opens n streams through a sidecar and lets their clients leave. It does the
// same directly at the upstream, for comparison. It returns the times until the
// upstream saw clients of the sidecar leave, in ascending order: single for those that
// leave one by one, burst for those that leave at once. The sidecar must hold as many
// descriptors and goroutines afterwards as before.
func Depart(t *testing.T, exe interop.Program, n int) (single, burst []time.Duration) {
	t.Helper()
	room := newWaitingRoom(t)
	s := exe.StartSidecar(t, room.url, "HEADWAY_PREWARM=0")
	room.leave(t, map[string]net.Conn{"first": enter(t, s.URL, "first")}, 0)
	interop.Eventually(t, 5*time.Second, func() error { _, err := interop.Get("http://" + s.Admin + "/metrics"); return err })
	http.DefaultClient.CloseIdleConnections()
	descriptors, goroutines := settled(t, s, 0, 0)

	single, burst = room.departures(t, s.URL, "through-", n)
	t.Logf("through headway, one after the other: %s", spread(single))
	t.Logf("through headway, all at once:         %s", spread(burst))
	controlSingle, controlBurst := room.departures(t, room.url, "direct-", n)
	t.Logf("directly, one after the other:        %s", spread(controlSingle))
	t.Logf("directly, all at once:                %s", spread(controlBurst))

	http.DefaultClient.CloseIdleConnections()
	d, g := settled(t, s, descriptors, goroutines)
	t.Logf("descriptors %d before, %d after; goroutines %d before, %d after", descriptors, d, goroutines, g)
	dropped := droppedLines(t, s)
	s.Process.Stop(t)
	if got := Outcomes(t, s); len(got) != 1 || got["client_gone"]+dropped != n+1 {
		t.Errorf("captured %v, dropped %d", got, dropped)
	}
	t.Logf("capture lines dropped: %d", dropped)
	return single, burst
}

// droppedLines returns the number of lines that the capture dropped because it could
// not keep up.
func droppedLines(t *testing.T, s *interop.Sidecar) int {
	t.Helper()
	metrics, err := interop.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(metrics, []byte("\nheadway_export_dropped_total{signal=\"capture\"} "))
	value, _, _ := bytes.Cut(after, []byte("\n"))
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil {
		t.Fatalf("the metric of dropped lines: %v", err)
	}
	return int(n)
}

// settled waits until the holdings are at most descriptors and goroutines, or, if these
// are 0, until the holdings no longer change. It returns the holdings.
func settled(t *testing.T, s *interop.Sidecar, descriptors, goroutines int) (d, g int) {
	t.Helper()
	interop.Eventually(t, 10*time.Second, func() error {
		wasD, wasG := d, g
		d, g = holdings(t, s)
		if descriptors == 0 && (d != wasD || g != wasG) || descriptors > 0 && (d > descriptors || g > goroutines) {
			return fmt.Errorf("%d descriptors and %d goroutines, had %d and %d", d, g, descriptors, goroutines)
		}
		return nil
	})
	return d, g
}
