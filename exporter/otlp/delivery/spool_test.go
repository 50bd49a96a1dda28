package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// spoolOf is a configuration whose collector is away.
func spoolOf(dir string) delivery.Config {
	cfg := quick(delivery.HTTPProtobuf, "http://127.0.0.1/v1/traces")
	cfg.SpoolDir, cfg.Dial = dir, nowhere
	return cfg
}

// fill leaves payloads in a spool: the ith with i+1 items.
func fill(t testing.TB, cfg delivery.Config, payloads ...string) {
	t.Helper()
	q := open(t, cfg)
	for i, p := range payloads {
		q.Send([]byte(p), i+1)
	}
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	wantDropped(t, q, 0)
}

// spoolThrough is a configuration whose collector takes so many requests, is then
// unavailable, and closes stop when that was noticed.
func spoolThrough(t testing.TB, dir string, takes int, stop chan struct{}) delivery.Config {
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, &hooks{reply: func(n int, w http.ResponseWriter, _ *http.Request) {
		if n >= takes {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if n == takes {
			close(stop)
		}
	}}))
	cfg.SpoolDir = dir
	return cfg
}

// deliverAll opens a spool and sends what is in it.
func deliverAll(t testing.TB, dir, url string, to *hooks) (got []string, dropped uint64) {
	t.Helper()
	cfg := quick(delivery.HTTPProtobuf, url)
	cfg.SpoolDir = dir
	q := open(t, cfg)
	drain(t, q)
	to.mu.Lock()
	defer to.mu.Unlock()
	got, to.took = to.took, nil
	return got, q.Dropped()
}

func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "traces", "*.segment"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestASpoolIsReplayedInOrder(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	fill(t, spoolOf(dir), numbered(0, 5)...)
	fill(t, spoolOf(dir), numbered(5, 9)...)
	got, dropped := deliverAll(t, dir, url, to)
	wantNames(t, got, numbered(0, 9))
	if dropped != 0 {
		t.Errorf("dropped %d", dropped)
	}
	if left := segmentFiles(t, dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	got, _ = deliverAll(t, dir, url, to)
	wantNames(t, got, nil)
	fill(t, spoolOf(dir), "a", "b") // the spool goes on after it was empty
	got, _ = deliverAll(t, dir, url, to)
	wantNames(t, got, []string{"a", "b"})
}

func TestWhatWasDeliveredIsNotReplayed(t *testing.T) {
	dir := t.TempDir()
	fill(t, spoolOf(dir), numbered(0, 6)...)
	stop := make(chan struct{})
	q := open(t, spoolThrough(t, dir, 3, stop))
	<-stop
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	to := &hooks{}
	got, dropped := deliverAll(t, dir, startHTTP(t, to), to)
	wantNames(t, got, numbered(3, 6))
	if dropped != 0 {
		t.Errorf("dropped %d", dropped)
	}
}

func TestALargePayloadAndManySegmentsPass(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	cfg := spoolOf(dir)
	cfg.MaxBytes = 3 << 20 // segments of 192 KiB
	var payloads []string
	for i := range 20 {
		payloads = append(payloads, strings.Repeat(strconv.Itoa(i%10), 100<<10))
	}
	payloads = append(payloads, strings.Repeat("x", 500<<10))
	fill(t, cfg, payloads...)
	if n := len(segmentFiles(t, dir)); n < 10 {
		t.Errorf("%d segments", n)
	}
	got, dropped := deliverAll(t, dir, url, to)
	if !slices.Equal(got, payloads) || dropped != 0 {
		t.Errorf("%d delivered, %d dropped", len(got), dropped)
	}
}

func TestTheSpoolDropsItsOldestSegmentsAtTheBound(t *testing.T) {
	for name, c := range map[string]struct {
		bound   int64
		payload int
	}{
		"segments of 64 KiB, three payloads each": {1 << 20, 20_000},
		"segments of 16 KiB, six payloads each":   {delivery.LeastSpoolBytes, 2_500},
	} {
		t.Run(name, func(t *testing.T) { dropsItsOldest(t, c.bound, c.payload) })
	}
}

func dropsItsOldest(t *testing.T, bound int64, payload int) {
	t.Helper()
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	cfg := spoolOf(dir)
	cfg.MaxBytes = bound
	q := open(t, cfg)
	sent := uint64(0)
	for i := range 200 {
		q.Send(fmt.Appendf(nil, "%03d%s", i, strings.Repeat(".", payload)), i+1)
		sent += uint64(i + 1)
	}
	_ = abandon(q) // an error if the bound was reached only now
	size := int64(0)
	left := segmentFiles(t, dir)
	if len(left) < 4 {
		t.Errorf("%d segments: one of them is too large a part of the bound", len(left))
	}
	for _, name := range left {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > cfg.MaxBytes || size < cfg.MaxBytes*8/10 {
		t.Errorf("the spool is %d bytes large", size)
	}
	got, dropped := deliverAll(t, dir, url, to)
	if dropped != 0 {
		t.Errorf("%d dropped of what the bound left", dropped)
	}
	arrived, last := uint64(0), -1
	for _, p := range got {
		i, err := strconv.Atoi(p[:3])
		if err != nil || i <= last {
			t.Fatalf("%.3s after %d", p, last)
		}
		arrived, last = arrived+uint64(i+1), i
	}
	if last != 199 {
		t.Errorf("the newest is %d", last)
	}
	if arrived+q.Dropped() != sent {
		t.Errorf("%d items arrived and %d were dropped of %d", arrived, q.Dropped(), sent)
	}
}

func TestARequestThatIsAcceptedAfterTheBoundHasCutItsSegmentIsNotCounted(t *testing.T) {
	const most = 60
	to, inFlight, over := holding()
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.MaxBytes = t.TempDir(), delivery.LeastSpoolBytes
	q := open(t, cfg)
	for i := range most {
		q.Send(fmt.Appendf(nil, "%02d%s", i, padding), 1)
		if i == 0 {
			<-inFlight
		}
		// On the disk or counted, so that it is the spool that drops, not the memory before it.
		waitFor(t, func() bool { return inSegments(t, cfg.SpoolDir)+int(q.Dropped()) == i+1 })
	}
	close(over)
	drain(t, q)
	got := to.names()
	if len(got)+int(q.Dropped()) != most || got[0][:2] != "00" || got[1][:2] == "01" {
		t.Errorf("of %d, %d arrived and %d were dropped; the second is %.2s", most, len(got), q.Dropped(), got[1])
	}
	if left := segmentFiles(t, cfg.SpoolDir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// With a spool Close has nothing to wait for when the collector is still away.
func TestCloseLeavesTheSpoolToTheNextProcessWhenTheCollectorIsAway(t *testing.T) {
	for name, noticed := range map[string]bool{"before": true, "since": false} {
		t.Run(name, func(t *testing.T) {
			dir, tried, to := t.TempDir(), make(chan struct{}, 10), &hooks{} // more than there can be
			cfg := spoolOf(dir)
			cfg.Backoff = delivery.Backoff{First: time.Hour, Max: time.Hour}
			cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
				tried <- struct{}{}
				return nil, net.ErrClosed
			}
			q := open(t, cfg)
			for _, p := range numbered(0, 5) {
				q.Send([]byte(p), 1)
			}
			if noticed {
				<-tried
			}
			if err := q.Close(context.Background()); err != nil {
				t.Error(err)
			}
			got, dropped := deliverAll(t, dir, startHTTP(t, to), to)
			wantNames(t, got, numbered(0, 5))
			if dropped += q.Dropped(); dropped != 0 {
				t.Errorf("dropped %d", dropped)
			}
		})
	}
}

func TestADirectoryBelongsToOneQueue(t *testing.T) {
	dir := t.TempDir()
	q := open(t, spoolOf(dir))
	_, err := delivery.New(spoolOf(dir))
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error %v", err)
	}
	other := spoolOf(dir)
	other.Signal = delivery.Metrics
	if err := abandon(open(t, other)); err != nil {
		t.Error("the other signal:", err)
	}
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	if err := abandon(open(t, spoolOf(dir))); err != nil {
		t.Error("after Close:", err)
	}
}

func TestADirectoryThatCannotBeMadeIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := delivery.New(spoolOf(path)); err == nil {
		t.Error("no error")
	}
}

// The spool's directory vanishes under the queue, which stands for any disk that takes
// nothing: what can be sent still is.
func TestADiskThatFailsCostsNothingWhileTheCollectorIsThere(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir = dir
	q := open(t, cfg)
	if err := os.RemoveAll(filepath.Join(dir, "traces")); err != nil {
		t.Fatal(err)
	}
	for _, name := range numbered(0, 20) {
		q.Send([]byte(name), 1)
	}
	drain(t, q)
	wantNames(t, to.names(), numbered(0, 20))
	wantDropped(t, q, 0)
}

func TestADiskThatFailsIsCountedWhenTheCollectorIsAway(t *testing.T) {
	dir := t.TempDir()
	q := open(t, spoolOf(dir))
	if err := os.RemoveAll(filepath.Join(dir, "traces")); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		q.Send(make([]byte, 1<<20), 1) // 10 MiB, of which 4 may wait in memory
	}
	if n := q.Bytes(); n > 4<<20 {
		t.Errorf("%d bytes wait in memory", n)
	}
	if abandon(q) == nil {
		t.Error("no error at Close")
	}
	wantDropped(t, q, 10)
}

// image is a spool as files, to be damaged.
type image struct {
	position []byte
	segments map[string][]byte
}

func imageOf(t testing.TB, dir string) image {
	t.Helper()
	i := image{segments: map[string][]byte{}}
	i.position = readFile(t, filepath.Join(dir, "traces", "position"))
	for _, name := range segmentFiles(t, dir) {
		i.segments[filepath.Base(name)] = readFile(t, name)
	}
	return i
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lay writes the image over whatever dir holds.
func (i image) lay(t testing.TB, dir string) {
	t.Helper()
	path := filepath.Join(dir, "traces")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"position": i.position}
	for name, p := range i.segments {
		files[name] = p
	}
	for name, p := range files {
		if err := os.WriteFile(filepath.Join(path, name), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATornTailCostsWhatWasTornAtEveryByte(t *testing.T) {
	const head = 16 // of a segment, and of an entry
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	payloads := []string{"a", "bbbbbbbbbb", "cc", strings.Repeat("d", 60), "e"}
	fill(t, spoolOf(dir), payloads...)
	whole := imageOf(t, dir)
	if len(whole.segments) != 1 {
		t.Fatalf("%d segments", len(whole.segments))
	}
	for name, full := range whole.segments {
		for cut := 0; cut <= len(full); cut++ {
			whole.segments[name] = full[:cut]
			whole.lay(t, dir)
			var want []string
			wantDropped := uint64(0)
			for i, at := 0, head; i < len(payloads) && at < cut; i++ {
				end := at + head + len(payloads[i])
				switch {
				case end <= cut:
					want = append(want, payloads[i])
				case at+head <= cut:
					wantDropped = uint64(i + 1) // its head has its count
				default:
					wantDropped = 1
				}
				at = end
			}
			got, dropped := deliverAll(t, dir, url, to)
			if !slices.Equal(got, want) || dropped != wantDropped {
				t.Fatalf("cut at %d of %d: delivered %q and dropped %d, want %q and %d", cut, len(full), got, dropped, want, wantDropped)
			}
		}
	}
}

// In a segment that another follows, whatever byte is wrong, all items are delivered or
// counted: the next segment knows how many there were.
func TestADamagedMiddleIsCountedExactlyAtEveryByte(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	first, second := []string{"a", "bbbbbbbbbb", "cc"}, []string{"dddd", "e"}
	fill(t, spoolOf(dir), first...)
	fill(t, spoolOf(dir), second...)
	whole := imageOf(t, dir)
	if len(whole.segments) != 2 {
		t.Fatalf("%d segments", len(whole.segments))
	}
	const items = 1 + 2 + 3 + 1 + 2
	worth := map[string]uint64{"a": 1, "bbbbbbbbbb": 2, "cc": 3, "dddd": 1, "e": 2}
	name := filepath.Base(slices.Sorted(maps.Keys(whole.segments))[0])
	full := whole.segments[name]
	for at := range full {
		whole.segments[name] = bytes.Clone(full)
		whole.segments[name][at] ^= 0x41
		whole.lay(t, dir)
		got, dropped := deliverAll(t, dir, url, to)
		if !slices.Equal(got[max(0, len(got)-2):], second) {
			t.Fatalf("byte %d: the next segment came as %q", at, got)
		}
		sum := dropped
		for _, p := range got {
			sum += worth[p]
		}
		if sum != items || dropped == 0 {
			t.Fatalf("byte %d: delivered %q and dropped %d, want %d together", at, got, dropped, items)
		}
	}
}

func TestALostPositionSendsTwiceRatherThanNotAtAll(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	fill(t, spoolOf(dir), numbered(0, 3)...)
	stop := make(chan struct{})
	q := open(t, spoolThrough(t, dir, 2, stop))
	<-stop
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	whole := imageOf(t, dir)
	for at := range whole.position {
		kept := whole.position[at]
		whole.position[at] ^= 0x10
		whole.lay(t, dir)
		whole.position[at] = kept
		got, dropped := deliverAll(t, dir, url, to)
		wantNames(t, got, numbered(0, 3))
		if dropped != 0 {
			t.Errorf("byte %d: dropped %d", at, dropped)
		}
	}
	whole.lay(t, dir)
	got, _ := deliverAll(t, dir, url, to)
	wantNames(t, got, numbered(2, 3))
}

// FuzzDamage lays any bytes over a spool of two segments and its position. Whatever they
// are, what is delivered was sent, in the order in which it was sent.
func FuzzDamage(f *testing.F) {
	dir := f.TempDir()
	to := &hooks{}
	url := startHTTP(f, to)
	sent := []string{"one", "second", "third payload", "4", "fifth"}
	fill(f, spoolOf(dir), sent[:3]...)
	fill(f, spoolOf(dir), sent[3:]...)
	whole := imageOf(f, dir)
	names := slices.Sorted(maps.Keys(whole.segments))
	f.Add(uint8(0), 20, []byte{1, 2, 3}, 0)
	f.Add(uint8(1), 0, []byte("hwq1"), 5)
	f.Add(uint8(2), 8, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 0)
	f.Add(uint8(0), 16, bytes.Repeat([]byte{0xff}, 16), 0)
	f.Add(uint8(0), 0, []byte{}, 10)
	f.Fuzz(func(t *testing.T, file uint8, at int, over []byte, cut int) {
		damaged := image{position: bytes.Clone(whole.position), segments: map[string][]byte{}}
		for name, p := range whole.segments {
			damaged.segments[name] = damage(p, at, over, cut)
			if name != names[file%2] || file%3 == 2 {
				damaged.segments[name] = p
			}
		}
		if file%3 == 2 {
			damaged.position = damage(whole.position, at, over, cut)
		}
		damaged.lay(t, dir)
		got, _ := deliverAll(t, dir, url, to)
		rest := sent
		for _, p := range got {
			i := slices.Index(rest, p)
			if i < 0 {
				t.Fatalf("delivered %q of %q", got, sent)
			}
			rest = rest[i+1:]
		}
	})
}

// damage cuts bytes from the end of p and lays others over it.
func damage(p []byte, at int, over []byte, cut int) []byte {
	p = bytes.Clone(p)
	p = p[:len(p)-min(max(cut, 0), len(p))]
	if at >= 0 && at <= len(p) {
		p = append(p[:at], append(bytes.Clone(over), p[min(len(p), at+len(over)):]...)...)
	}
	return p
}
