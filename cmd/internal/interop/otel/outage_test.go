//go:build interop

package otel_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// outage is the traffic while the collector is down. The test kills headway in the
// middle of it.
type outage struct {
	lasts time.Duration
	rate  int // exchanges a second
}

// staged returns the outage of the test, a short one for CI by default. The full test
// is
//
//	HEADWAY_TEST_OUTAGE=10m HEADWAY_TEST_OUTAGE_RATE=500 go test -tags interop -run OutageLoses -timeout 30m -v ./cmd/internal/interop/otel
func staged(t *testing.T) outage {
	t.Helper()
	o := outage{lasts: 10 * time.Second, rate: 100}
	var err, wrong error
	if s := os.Getenv("HEADWAY_TEST_OUTAGE"); s != "" {
		o.lasts, err = time.ParseDuration(s)
	}
	if s := os.Getenv("HEADWAY_TEST_OUTAGE_RATE"); s != "" {
		o.rate, wrong = strconv.Atoi(s)
	}
	if err := errors.Join(err, wrong); err != nil {
		t.Fatal(err)
	}
	return o
}

// Limits of the test.
const (
	// unspooled is the longest time until a span is on disk: it waits 100 ms for others
	// to fill its batch, and a loaded machine adds to that. A kill in this time loses
	// the span.
	unspooled = time.Second
	// mostLost is the greatest share of traces that the kill may lose. The test checks
	// it from enoughFor traces on.
	mostLost   = 0.001
	enoughFor  = 100_000
	mostMemory = 128 << 20 // resident bytes, however much waits on disk
)

// TestInteropAnOutageLosesNothing sends traffic while the collector is down, kills
// headway in the middle and starts it again on the same spool. Once the collector is
// back, every trace must arrive exactly once, or headway must count it as dropped.
func TestInteropAnOutageLosesNothing(t *testing.T) {
	exe, o := interop.Build(t), staged(t)
	for _, tt := range []struct {
		name, protocol string
		spool          int64 // bytes
		part           bool  // the spool has no room for all spans
		rate           int   // the least rate
	}{
		{"with room for all", "grpc", 1 << 30, false, 0},
		{"with room for a part", "http/protobuf", 1 << 20, true, 300}, // the smallest spool, and 2 MB of spans that nothing compresses
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := outage{o.lasts, max(o.rate, tt.rate)}
			collector := newCollector(t)
			collector.start(t, "file/traces")
			sim := exe.StartSimulator(t, "--step", "500us", "--prefill", "0", "--step-per-sequence", "0")
			env := append(collector.environment(tt.protocol), "HEADWAY_TRACE_RATIO=1", "HEADWAY_SPOOL_DIR="+t.TempDir(),
				fmt.Sprintf("HEADWAY_SPOOL_MAX_BYTES=%d", tt.spool))
			book := &book{ended: map[string]time.Time{}, bulky: tt.part}
			sidecar := exe.StartSidecar(t, sim.URL, env...)
			book.traffic(t, sidecar.URL, o.rate, time.Second)
			book.expect(t, collector, book.size())

			collector.stop(t)
			if tt.part {
				book.killQuiet(t, sidecar, o)
			} else {
				book.kill(t, sidecar, o)
			}
			sidecar = exe.StartSidecar(t, sim.URL, env...)
			book.traffic(t, sidecar.URL, o.rate, o.lasts/2)

			collector.start(t, "file/traces")
			book.traffic(t, sidecar.URL, o.rate, time.Second)
			interop.Eventually(t, time.Minute+o.lasts, func() error { return book.complete(t, collector, sidecar) })
			book.watch(t, sidecar)
			sidecar.Process.Stop(t)
			collector.stop(t)
			book.judge(t, collector, tt.part)
		})
	}
}

// book records the fate of every trace. The maps' keys are trace ids.
type book struct {
	bulky   bool // every trace has a state of its own, which no spool can compress
	mu      sync.Mutex
	ended   map[string]time.Time // when its client had the whole answer
	unsure  map[string]bool      // the call broke off: the trace may have a span or not
	arrived map[string]int       // number of spans
	next    int
	killed  time.Time
	over    time.Time // when the calls that the kill broke off had ended
	before  int       // dropped by the process that was killed
	dropped int       // by the second process
	memory  int       // resident bytes, the most of both processes
}

func (b *book) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ended)
}

// traffic makes rate calls a second for the time lasts, without waiting for their ends.
// It returns when all calls have ended.
func (b *book) traffic(t *testing.T, base string, rate int, lasts time.Duration) {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	var calls sync.WaitGroup
	defer calls.Wait()
	ticks := time.NewTicker(time.Second / time.Duration(rate))
	defer ticks.Stop()
	for range int(lasts.Seconds() * float64(rate)) {
		<-ticks.C
		b.next++
		trace := fmt.Sprintf("%032x", b.next)
		calls.Go(func() { b.call(client, base, trace) })
	}
}

// call makes one call in a trace of its own, and books how it ended.
func (b *book) call(client *http.Client, base, trace string) {
	body := `{"model":"m","max_tokens":3,"stream":true,"messages":[{"role":"user","content":"` + trace + `"}]}`
	request, err := http.NewRequest(http.MethodPost, base+"/v1/chat/completions", strings.NewReader(body))
	if err == nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Traceparent", "00-"+trace+"-"+clientSpan+"-01")
		if b.bulky {
			request.Header.Set("Tracestate", "a="+noise()+",b="+noise())
		}
		err = read(client, request)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.ended[trace] = time.Now()
		return
	}
	if b.unsure == nil {
		b.unsure = map[string]bool{}
	}
	b.unsure[trace] = true
}

// noise is the value of a member of a tracestate, which has 256 characters at most (W3C
// Trace Context, 3.3.1.3.2).
func noise() string {
	b := make([]byte, 120)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func read(client *http.Client, request *http.Request) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || !bytes.HasSuffix(bytes.TrimSpace(text), []byte("[DONE]"))) {
		err = errors.New("it was not answered")
	}
	return err
}

// kill sends traffic for half of the outage, and kills the sidecar shortly before that
// ends, with calls under way.
func (b *book) kill(t *testing.T, s *interop.Sidecar, o outage) {
	t.Helper()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.traffic(t, s.URL, o.rate, o.lasts/2)
	}()
	time.Sleep(o.lasts/2 - 200*time.Millisecond) // the test asserts nothing about this moment: the more calls are under way the better
	b.end(t, s)
	<-watched
	b.over = time.Now()
}

// killQuiet sends the same traffic, and kills the sidecar after it. With calls under
// way, the sidecar might drop spans between the last reading of its counter and the
// kill, and the test could not count them.
func (b *book) killQuiet(t *testing.T, s *interop.Sidecar, o outage) {
	t.Helper()
	b.traffic(t, s.URL, o.rate, o.lasts/2)
	time.Sleep(unspooled)
	b.end(t, s)
}

func (b *book) end(t *testing.T, s *interop.Sidecar) {
	t.Helper()
	b.watch(t, s)
	b.before, b.dropped = b.dropped, 0
	b.killed = time.Now()
	s.Process.Signal(t, syscall.SIGKILL)
	if code := s.Process.Exit(t, 10*time.Second); code != -1 {
		t.Errorf("killed, headway ended with %d", code)
	}
	b.over = time.Now()
}

// collect counts the spans that have arrived since the last call.
func (b *book) collect(t *testing.T, c *collector) {
	t.Helper()
	spans := c.spans(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.arrived == nil {
		b.arrived = map[string]int{}
	}
	for _, s := range spans {
		b.arrived[s.TraceID().String()]++
	}
}

// expect waits until want traces have arrived.
func (b *book) expect(t *testing.T, c *collector, want int) {
	t.Helper()
	interop.Eventually(t, 20*time.Second, func() error {
		b.collect(t, c)
		if len(b.arrived) < want {
			return fmt.Errorf("%d of %d traces arrived", len(b.arrived), want)
		}
		return nil
	})
}

// watch reads the sidecar's counter of dropped spans and its peak memory into b.
func (b *book) watch(t *testing.T, s *interop.Sidecar) {
	t.Helper()
	metrics, err := interop.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		t.Error(err)
		return
	}
	b.dropped = 0
	if m := regexp.MustCompile(`(?m)^headway_export_dropped_total\{signal="traces"\} (\S+)$`).FindSubmatch(metrics); m != nil {
		n, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Error(err)
		}
		b.dropped = int(n)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.PID()))
	if err != nil {
		t.Error(err)
		return
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if fields := strings.Fields(after); len(fields) > 0 {
		kb, _ := strconv.Atoi(fields[0])
		b.memory = max(b.memory, kb<<10)
	}
}

// complete returns an error if traces have neither arrived nor been counted as dropped.
// Traces that the kill may have lost on their way to the disk do not count.
func (b *book) complete(t *testing.T, c *collector, s *interop.Sidecar) error {
	t.Helper()
	b.collect(t, c)
	b.watch(t, s)
	missing, _ := b.missing()
	if missing > b.before+b.dropped {
		return fmt.Errorf("%d of %d traces have not arrived, %d were dropped; one of them is %s",
			missing, b.size(), b.before+b.dropped, b.example(s))
	}
	return nil
}

// example describes a trace that did not arrive: its id, its end relative to the kill,
// and its line in the capture of the running sidecar, if that has one.
func (b *book) example(s *interop.Sidecar) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for trace, at := range b.ended {
		if b.arrived[trace] > 0 || b.excuses(at) {
			continue
		}
		captured, _ := os.ReadFile(s.Capture)
		line := "no line"
		for l := range bytes.Lines(captured) {
			if bytes.Contains(l, []byte(trace)) {
				line = string(l)
			}
		}
		return fmt.Sprintf("%s, %v after the kill: %s", trace, at.Sub(b.killed), line)
	}
	return "none"
}

// missing counts the traces that did not arrive and that the kill does not excuse.
// excused counts the others that did not arrive.
func (b *book) missing() (missing, excused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for trace, at := range b.ended {
		switch {
		case b.arrived[trace] > 0:
		case b.excuses(at):
			excused++
		default:
			missing++
		}
	}
	return missing, excused
}

// excuses says whether the kill may have lost the span of a call that ended at the
// given time, because the span was on its way to the disk. The client may notice the
// end a little later than headway.
func (b *book) excuses(ended time.Time) bool {
	return ended.After(b.killed.Add(-unspooled)) && ended.Before(b.over)
}

// judge checks the book after all traffic has ended: no trace arrived twice, the
// missing ones are those that headway counted as dropped, the kill lost few others, and
// memory stayed within mostMemory. Headway drops traces only with a small spool.
func (b *book) judge(t *testing.T, c *collector, small bool) {
	t.Helper()
	b.collect(t, c)
	twice := 0
	for trace, n := range b.arrived {
		if n > 1 {
			twice++
		}
		if b.ended[trace].IsZero() && !b.unsure[trace] {
			t.Errorf("trace %s was never sent", trace)
		}
	}
	missing, excused := b.missing()
	dropped := b.before + b.dropped
	t.Logf("%d traces: %d arrived, %d of them twice; %d dropped and counted, %d lost when killed; %d calls broke off; %d MiB resident at most",
		b.size(), len(b.arrived), twice, dropped, excused, len(b.unsure), b.memory>>20)
	if twice > 0 {
		t.Errorf("%d traces arrived twice", twice)
	}
	if small == (dropped == 0) {
		t.Errorf("%d traces were dropped for want of room", dropped)
	}
	if missing > dropped {
		t.Errorf("%d traces are missing, and %d counted as dropped", missing, dropped)
	}
	if missing+excused < dropped-len(b.unsure) {
		t.Errorf("%d traces are counted as dropped, and %d missing", dropped, missing+excused)
	}
	if b.size() >= enoughFor && float64(excused) > mostLost*float64(b.size()) {
		t.Errorf("%d of %d traces were lost uncounted", excused, b.size())
	}
	if b.memory > mostMemory {
		t.Errorf("%d MiB were resident, at most %d may be", b.memory>>20, mostMemory>>20)
	}
}
