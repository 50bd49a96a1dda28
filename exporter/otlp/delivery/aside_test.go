package delivery_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

func writeFile(t *testing.T, path string, p []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What another version wrote is neither read nor deleted, wherever it lies, and what this
// one wrote is delivered.
func TestWhatAnotherVersionWroteIsSetAside(t *testing.T) {
	dir, to, log := t.TempDir(), &hooks{}, &journal{}
	at := func(name string) string { return filepath.Join(dir, "traces", name) }
	other := append([]byte("hwq2"), make([]byte, 5000)...)
	stop := make(chan struct{})
	fill(t, spoolOf(dir), "delivered") // segment 1
	q := open(t, spoolThrough(t, dir, 1, stop))
	q.Send([]byte("b"), 1) // segment 2
	<-stop
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	names := []string{"0000000000000001.segment", "0000000000000003.segment", "0000000000000009.segment"}
	for _, name := range names {
		writeFile(t, at(name), other)
	}
	writeFile(t, at(names[0]+".aside0"), []byte("of an earlier time"))

	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.Log = dir, log.logger()
	q = open(t, cfg)
	q.Send([]byte("c"), 1)
	drain(t, q)
	wantNames(t, to.names(), []string{"b", "c"})
	for _, name := range []string{names[0] + ".aside1", names[1] + ".aside0", names[2] + ".aside0"} {
		if !bytes.Equal(readFile(t, at(name)), other) {
			t.Errorf("%s is not what was written", name)
		}
	}
	if got := readFile(t, at(names[0]+".aside0")); string(got) != "of an earlier time" {
		t.Errorf("an older file is now %.20q", got)
	}
	if n := strings.Count(log.String(), "set aside"); n != 1 || !strings.Contains(log.String(), "files=3") || !strings.Contains(log.String(), at("")[:len(at(""))-1]) {
		t.Errorf("the log does not tell once of 3 files in %s:\n%s", at(""), log)
	}

	again := &journal{}
	cfg.Log = again.logger()
	drain(t, open(t, cfg))
	if strings.Contains(again.String(), "aside") {
		t.Errorf("told again:\n%s", again)
	}
}

// Whatever has a segment's name and is no file of this package does not stop headway.
func TestADirectoryNamedLikeASegmentIsSetAside(t *testing.T) {
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

// A request larger than a segment has one of its own. While it is under way the bound
// gives way to it, and a next process would still find it.
func TestALargeRequestInFlightOutlivesWhatTheBoundDrops(t *testing.T) {
	to, inFlight, over := holding()
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.SpoolDir, cfg.MaxBytes = t.TempDir(), delivery.LeastSpoolBytes
	const head = 16 // of a segment, whose first is passed, and of an entry
	large := func(c string) string { return strings.Repeat(c, delivery.LeastSpoolBytes*6/10) }
	q := open(t, cfg)
	q.Send([]byte(large("a")), 1)
	<-inFlight
	for i, c := range []string{"b", "c"} {
		q.Send([]byte(large(c)), 1)
		// In the spool are two segments of one entry, and nothing waits in memory any more.
		waitFor(t, func() bool {
			return q.Dropped() == uint64(i) && q.Bytes() == int64(head+2*(head+len(large(c))))
		})
	}
	left := t.TempDir()
	imageOf(t, cfg.SpoolDir).lay(t, left)
	close(over)
	drain(t, q)
	next := &hooks{}
	got, dropped := deliverAll(t, left, startHTTP(t, next), next)
	for _, names := range [][]string{to.names(), got} {
		if len(names) != 2 || names[0] != large("a") || names[1] != large("c") {
			t.Errorf("%d arrived, or others", len(names))
		}
	}
	if dropped != 0 {
		t.Errorf("the next process dropped %d", dropped)
	}
	wantDropped(t, q, 1)
}
