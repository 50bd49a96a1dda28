package delivery_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// writeFile writes a file, and makes its directory first.
func writeFile(t *testing.T, path string, p []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A queue neither reads nor deletes segments of another version, wherever they stand among
// its own, and delivers its own.
func TestAQueueSetsSegmentsOfAnotherVersionAside(t *testing.T) {
	dir, to, log := t.TempDir(), &hooks{}, &journal{}
	at := func(name string) string { return filepath.Join(dir, "traces", name) }
	other := append([]byte("hwq3"), make([]byte, 5000)...)
	fill(t, spoolOf(dir), "delivered") // segment 1
	deliverSome(t, dir, 1, "b")        // segment 2
	names := []string{"0000000000000001.segment", "0000000000000003.segment", "0000000000000009.segment"}
	for _, name := range names {
		writeFile(t, at(name), other)
	}
	writeFile(t, at(names[0]+".aside0"), []byte("of an earlier start"))

	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.Log = dir, log.logger()
	q := open(t, cfg)
	q.Send([]byte("c"), 1)
	drain(t, q)
	wantNames(t, to.names(), []string{"b", "c"})
	for _, name := range []string{names[0] + ".aside1", names[1] + ".aside0", names[2] + ".aside0"} {
		if !bytes.Equal(readFile(t, at(name)), other) {
			t.Errorf("%s has other bytes", name)
		}
	}
	if got := readFile(t, at(names[0]+".aside0")); string(got) != "of an earlier start" {
		t.Errorf("the file from an earlier start is now %.20q", got)
	}
	if n := strings.Count(log.String(), "set aside"); n != 1 || !strings.Contains(log.String(), "files=3") || !strings.Contains(log.String(), at("")[:len(at(""))-1]) {
		t.Errorf("the log does not report 3 files in %s once:\n%s", at(""), log)
	}

	again := &journal{}
	cfg.Log = again.logger()
	drain(t, open(t, cfg))
	if strings.Contains(again.String(), "aside") {
		t.Errorf("the log reports them again:\n%s", again)
	}
}

func TestAQueueSetsADirectoryAsideThatIsNamedLikeASegment(t *testing.T) {
	for name, inside := range map[string]string{"empty": "", "not empty": "x"} {
		t.Run(name, func(t *testing.T) {
			dir, to := t.TempDir(), &hooks{}
			path := filepath.Join(dir, "traces", "0000000000000001.segment")
			if err := os.MkdirAll(filepath.Join(path, inside), 0o700); err != nil {
				t.Fatal(err)
			}
			cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
			cfg.SpoolDir = dir
			q := open(t, cfg)
			q.Send([]byte("a"), 1)
			drain(t, q)
			wantNames(t, to.names(), []string{"a"})
			wantDropped(t, q, 0)
			if _, err := os.Stat(filepath.Join(path+".aside0", inside)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A request larger than a segment has a segment of its own. While it is in flight the queue
// keeps it, whatever the bound, so that the next process would find it after a kill.
func TestTheBoundDropsNoRequestInFlight(t *testing.T) {
	to, held, release := holding(0)
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.MaxBytes = t.TempDir(), delivery.LeastSpoolBytes
	const head = 16 // bytes of the head of a segment, and of an entry
	large := func(c string) string { return c + noise(delivery.LeastSpoolBytes*6/10) }
	q := open(t, cfg)
	q.Send([]byte(large("a")), 1)
	<-held
	for i, c := range []string{"b", "c"} {
		q.Send([]byte(large(c)), 1)
		// Two segments of one entry each are in the spool, less the head of the first, and the
		// memory is empty.
		waitFor(t, func() bool {
			return q.Dropped() == uint64(i) && q.Bytes() == int64(head+2*(head+len(large(c))))
		})
	}
	left := t.TempDir()
	imageOf(t, cfg.SpoolDir).lay(t, left)
	close(release)
	drain(t, q)
	next := &hooks{}
	got, dropped := deliverAll(t, left, startHTTP(t, next), next)
	for _, names := range [][]string{to.names(), got} {
		if len(names) != 2 || names[0] != large("a") || names[1] != large("c") {
			t.Errorf("%d requests arrived, want the first and the last", len(names))
		}
	}
	if dropped != 0 {
		t.Errorf("the next process dropped %d", dropped)
	}
	wantDropped(t, q, 1)
}
