//go:build interop

package livepage_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const (
	crowdSize = 1000
	crowdITL  = 250 * time.Millisecond
	look      = 10 * time.Second // of the browser
	turns     = 5
	turn      = 4 * time.Second
)

// TestInteropCrowd looks at the live page while 1,000 streams run: the page has a lane for
// each. Beside that it compares, in the log, what headway costs, and how
// late chunks come, without a viewer, with one that only reads, and with a browser. Upstream
// and clients are this process, so that a chunk carries the time when it was sent.
func TestInteropCrowd(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(drip))
	defer upstream.Close()
	s := interop.Build(t).StartSidecar(t, upstream.URL, "HEADWAY_CAPTURE_FILE=")
	c := gather(t, s)
	defer c.leave()
	c.wait(t)

	var alone, followed []window
	for range turns {
		alone = append(alone, c.window(t, func() { time.Sleep(turn) }))
		followed = append(followed, c.window(t, func() { follow(t, s.Admin) }))
	}
	var page struct {
		Lanes                               int
		LongestTaskMs, FramesPerSecond, CPU float64
	}
	browsed := c.window(t, func() {
		out := browse(t, "crowd.mjs", "http://"+s.Admin+"/", strconv.Itoa(crowdSize), strconv.Itoa(int(look.Seconds())))
		if err := json.Unmarshal(out, &page); err != nil {
			t.Fatal(err)
		}
	})
	without, most := middle(alone)
	with, _ := middle(followed)
	t.Logf("medians of %d turns\nwithout a viewer    %s\nwith one that reads %s\nonce with a browser %s", turns, without, with, browsed)
	t.Logf("the page: %d lanes, %.0f frames/s, %.1f %% of a core, longest task %.0f ms",
		page.Lanes, page.FramesPerSecond, 100*page.CPU, page.LongestTaskMs)
	if page.Lanes < crowdSize*95/100 {
		t.Errorf("the page shows %d lanes of %d", page.Lanes, crowdSize)
	}
	t.Logf("a viewer costs %.1f %% of a core; the turns without one differ by up to %.1f %%", 100*(with.cpu-without.cpu), 100*(most-without.cpu))
}

// middle returns the median of each number of windows, and the highest share of a core.
func middle(all []window) (median window, most float64) {
	at := len(all) / 2
	slices.SortFunc(all, func(a, b window) int { return cmp.Compare(a.rate, b.rate) })
	median.rate = all[at].rate
	slices.SortFunc(all, func(a, b window) int { return cmp.Compare(a.p50, b.p50) })
	median.p50 = all[at].p50
	slices.SortFunc(all, func(a, b window) int { return cmp.Compare(a.p99, b.p99) })
	median.p99 = all[at].p99
	slices.SortFunc(all, func(a, b window) int { return cmp.Compare(a.cpu, b.cpu) })
	median.cpu = all[at].cpu
	return median, all[len(all)-1].cpu
}

// drip answers with a stream that sends the time in each chunk, until the client leaves.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	to := http.NewResponseController(w)
	tick := time.NewTicker(crowdITL)
	defer tick.Stop()
	for {
		if _, err := fmt.Fprintf(w, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%d\"}}]}\n\n", time.Now().UnixNano()); err != nil || to.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// crowd is a thousand clients that read streams through a sidecar.
type crowd struct {
	sidecar *interop.Sidecar
	leave   context.CancelFunc
	open    atomic.Int64

	mu   sync.Mutex
	late []time.Duration // of the chunks in the present window
}

func gather(t *testing.T, s *interop.Sidecar) *crowd {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	c := &crowd{sidecar: s, leave: leave}
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 0}}
	for i := range crowdSize {
		go func() {
			time.Sleep(time.Duration(i) * crowdITL / crowdSize * 8) // a server accepts so many in turn
			c.read(ctx, client)
		}()
	}
	return c
}

// read reads one stream.
func (c *crowd) read(ctx context.Context, client *http.Client) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.sidecar.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"Go on."}]}`))
	if err != nil {
		return
	}
	response, err := client.Do(request)
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	c.open.Add(1)
	defer c.open.Add(-1)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		_, after, found := bytes.Cut(lines.Bytes(), []byte(`"content":"`))
		digits, _, _ := bytes.Cut(after, []byte(`"`))
		if sent, err := strconv.ParseInt(string(digits), 10, 64); found && err == nil {
			late := time.Duration(time.Now().UnixNano() - sent)
			c.mu.Lock()
			c.late = append(c.late, late)
			c.mu.Unlock()
		}
	}
}

// wait waits until all streams are under way.
func (c *crowd) wait(t *testing.T) {
	t.Helper()
	interop.Eventually(t, time.Minute, func() error {
		if n := c.open.Load(); n < crowdSize {
			return fmt.Errorf("%d streams are open, want %d", n, crowdSize)
		}
		return nil
	})
}

// window is how a span of time went.
type window struct {
	cpu      float64 // of headway, in cores
	rate     float64 // chunks a second
	p50, p99 time.Duration
}

func (w window) String() string {
	return fmt.Sprintf("%.1f %% of a core, %.0f chunks/s, late by %s (p50), %s (p99)", 100*w.cpu, w.rate, w.p50.Round(time.Microsecond), w.p99.Round(time.Microsecond))
}

// window measures while f runs.
func (c *crowd) window(t *testing.T, f func()) window {
	t.Helper()
	c.mu.Lock()
	c.late = c.late[:0]
	c.mu.Unlock()
	start := time.Now()
	before, err := c.sidecar.Process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	f()
	after, err := c.sidecar.Process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.late) == 0 {
		t.Fatal("no chunk came")
	}
	slices.Sort(c.late)
	return window{
		cpu: (after - before).Seconds() / took.Seconds(), rate: float64(len(c.late)) / took.Seconds(),
		p50: c.late[len(c.late)/2], p99: c.late[len(c.late)*99/100],
	}
}

// follow reads the stream of the live page for a while, and shows nothing.
func follow(t *testing.T, admin string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), turn)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/api/v1/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if n, _ := io.Copy(io.Discard, response.Body); n < crowdSize { // it ends with an error: the time is over
		t.Errorf("the stream told %d bytes", n)
	}
}
