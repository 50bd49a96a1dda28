package delivery_test

import (
	"context"
	"fmt"
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

// spoolOf returns the configuration of a queue with a spool in dir, and no collector.
func spoolOf(dir string) delivery.Config {
	cfg := quick(delivery.HTTPProtobuf, "http://127.0.0.1/v1/traces")
	cfg.SpoolDir, cfg.Dial = dir, nowhere
	return cfg
}

// fill leaves payloads in a spool. The ith, from 0, has i+1 items.
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

// deliverSome opens a spool and sends more payloads, of one item each. It delivers the
// first n requests of the spool, and closes the queue when the collector refused the next.
func deliverSome(t testing.TB, dir string, n int, more ...string) {
	t.Helper()
	refused := make(chan struct{})
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, &hooks{reply: func(i int, w http.ResponseWriter, _ *http.Request) {
		if i >= n {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if i == n {
			close(refused)
		}
	}}))
	cfg.SpoolDir = dir
	q := open(t, cfg)
	for _, p := range more {
		q.Send([]byte(p), 1)
	}
	<-refused
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
}

// deliverAll opens a spool, delivers its requests to the collector to at url, and closes
// the queue.
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

// segmentFiles returns the paths of the segments of a spool, in order.
func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "traces", "*.segment"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestTheNextProcessDeliversASpoolInOrder(t *testing.T) {
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
	fill(t, spoolOf(dir), "a", "b") // an empty spool takes entries again
	got, _ = deliverAll(t, dir, url, to)
	wantNames(t, got, []string{"a", "b"})
}

func TestTheNextProcessDeliversUnfinishedEntriesOnly(t *testing.T) {
	dir := t.TempDir()
	fill(t, spoolOf(dir), numbered(0, 6)...)
	deliverSome(t, dir, 3)
	to := &hooks{}
	got, dropped := deliverAll(t, dir, startHTTP(t, to), to)
	wantNames(t, got, numbered(3, 6))
	if dropped != 0 {
		t.Errorf("dropped %d", dropped)
	}
}

func TestASpoolTakesLargePayloadsAndManySegments(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	cfg := spoolOf(dir)
	cfg.MaxBytes = 3 << 20 // segments of 192 KiB
	var payloads []string
	for i := range 20 {
		payloads = append(payloads, strconv.Itoa(i)+noise(100<<10))
	}
	payloads = append(payloads, noise(500<<10))
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

// dropsItsOldest fills a spool far beyond its bound. The newest payloads must arrive, and
// the queue must count the others.
func dropsItsOldest(t *testing.T, bound int64, payload int) {
	t.Helper()
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	cfg := spoolOf(dir)
	cfg.MaxBytes = bound
	q := open(t, cfg)
	sent := uint64(0)
	for i := range 200 {
		q.Send(fmt.Appendf(nil, "%03d%s", i, noise(payload)), i+1)
		sent += uint64(i + 1)
	}
	_ = abandon(q) // fails when the spool reaches its bound only now
	size := int64(0)
	left := segmentFiles(t, dir)
	if len(left) < 4 {
		t.Errorf("%d segments: each is too large a part of the bound", len(left))
	}
	for _, name := range left {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > cfg.MaxBytes || size < cfg.MaxBytes*8/10 {
		t.Errorf("the spool has %d bytes", size)
	}
	got, dropped := deliverAll(t, dir, url, to)
	if dropped != 0 {
		t.Errorf("the next process dropped %d items", dropped)
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
		t.Errorf("the newest payload is %d", last)
	}
	if arrived+q.Dropped() != sent {
		t.Errorf("%d items arrived and %d were dropped of %d", arrived, q.Dropped(), sent)
	}
}

func TestARequestInFlightArrivesAfterTheBoundHasCutItsSegment(t *testing.T) {
	const most = 60
	to, held, release := holding(0)
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.MaxBytes = t.TempDir(), delivery.LeastSpoolBytes
	q := open(t, cfg)
	for i := range most {
		q.Send(fmt.Appendf(nil, "%02d%s", i, padding), 1)
		if i == 0 {
			<-held
		}
		// Wait until the payload is on the disk or dropped, so that the spool drops, and not the
		// memory in front of it.
		waitFor(t, func() bool { return inSegments(t, cfg.SpoolDir)+int(q.Dropped()) == i+1 })
	}
	close(release)
	drain(t, q)
	got := to.names()
	if len(got)+int(q.Dropped()) != most || got[0][:2] != "00" || got[1][:2] == "01" {
		t.Errorf("of %d, %d arrived and %d were dropped; the second is %.2s", most, len(got), q.Dropped(), got[1])
	}
	if left := segmentFiles(t, cfg.SpoolDir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// When the collector is away, Close does not wait for it: the requests stay in the spool.
func TestCloseLeavesTheSpoolToTheNextProcessWhenTheCollectorIsAway(t *testing.T) {
	for name, noticed := range map[string]bool{"the queue has noticed": true, "the queue has not noticed": false} {
		t.Run(name, func(t *testing.T) {
			dir, tried, to := t.TempDir(), make(chan struct{}, 10), &hooks{} // room for more dials than the queue makes
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

func TestNewFailsWhenItCannotMakeTheDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := delivery.New(spoolOf(path)); err == nil {
		t.Error("no error")
	}
}

// The test removes the directory of the spool, as an example of a disk that takes nothing.
// The queue must send from memory.
func TestAQueueDeliversWhileTheDiskFails(t *testing.T) {
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

func TestAQueueCountsItemsAsDroppedWhenDiskAndCollectorFail(t *testing.T) {
	dir := t.TempDir()
	q := open(t, spoolOf(dir))
	if err := os.RemoveAll(filepath.Join(dir, "traces")); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		q.Send(make([]byte, 1<<20), 1) // 10 MiB, and memory has room for 4
	}
	if n := q.Bytes(); n > 4<<20 {
		t.Errorf("%d bytes wait in memory", n)
	}
	if abandon(q) == nil {
		t.Error("no error at Close")
	}
	wantDropped(t, q, 10)
}
