package capture_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func newWriter(t *testing.T, c capture.Config) *capture.Writer {
	t.Helper()
	w, err := capture.NewWriter(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func closeWriter(t *testing.T, w *capture.Writer) {
	t.Helper()
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Somebody who looks into the file after a call finds it there. Lines that come often wait
// for each other, so that they cost one write a second.
func TestWriterWritesAtOnceWhileItIsIdleElseWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "capture.jsonl")
		w := newWriter(t, capture.Config{Path: path})
		defer closeWriter(t, w)
		for n := range 3 {
			w.Observe(chat())
			synctest.Wait()
			if got := count(t, path); got != n+1 {
				t.Errorf("%d lines at once, want %d", got, n+1)
			}
			time.Sleep(100 * ms)
		}
		w.Observe(chat()) // written at once too
		time.Sleep(50 * ms)
		for range 20 { // one each 50 ms, the first of which waits for a second
			w.Observe(chat())
			synctest.Wait()
			if got := count(t, path); got != 4 {
				t.Errorf("%d lines while they come often, want 4", got)
			}
			time.Sleep(50 * ms)
		}
		synctest.Wait()
		if got := count(t, path); got != 24 {
			t.Errorf("%d lines a second later, want 24", got)
		}
	})
}

func TestWriterWritesWhatIsQueuedWhenItIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	w := newWriter(t, capture.Config{Path: path})
	for range 100 {
		w.Observe(chat())
	}
	closeWriter(t, w)
	closeWriter(t, w)
	if got := count(t, path); got != 100 || w.Dropped() != 0 {
		t.Errorf("%d lines and %d dropped, want 100 and 0", got, w.Dropped())
	}
	w.Observe(chat())
	if w.Dropped() != 1 {
		t.Errorf("%d dropped after the end, want 1", w.Dropped())
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, want 0600", info.Mode())
	}
}

func TestWriterFollowsTheNameOfItsFile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		touch func(path string) error
		aside int // lines in the file that was put aside
		want  int // lines in the file
		anew  uint64
	}{
		{"renamed, as logrotate does", func(path string) error { return os.Rename(path, path+".aside") }, 1, 2, 1},
		{"renamed, and made anew", func(path string) error {
			return errors.Join(os.Rename(path, path+".aside"), os.WriteFile(path, nil, 0o600))
		}, 1, 2, 1},
		{"removed", os.Remove, 0, 2, 1},
		{"cut short", func(path string) error { return os.Truncate(path, 0) }, 0, 2, 0},
		{"left alone", func(string) error { return nil }, 0, 3, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "capture.jsonl")
				w := newWriter(t, capture.Config{Path: path})
				observe := func() {
					w.Observe(chat())
					time.Sleep(2 * time.Second)
					synctest.Wait()
				}
				observe()
				if err := tt.touch(path); err != nil {
					t.Fatal(err)
				}
				observe()
				observe()
				closeWriter(t, w)
				if got := count(t, path); got != tt.want || w.Dropped() != 0 {
					t.Errorf("%d lines and %d dropped, want %d and 0", got, w.Dropped(), tt.want)
				}
				if got := w.Reopened(); got != tt.anew {
					t.Errorf("opened anew %d times, want %d", got, tt.anew)
				}
				if tt.aside > 0 {
					if got := count(t, path+".aside"); got != tt.aside {
						t.Errorf("%d lines in the file that was put aside, want %d", got, tt.aside)
					}
				}
			})
		})
	}
}

func TestWriterOpensItsFileAnewWhenItIsAskedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "capture.jsonl")
		w := newWriter(t, capture.Config{Path: path})
		w.Observe(chat())
		synctest.Wait()
		if err := os.Rename(path, path+".aside"); err != nil {
			t.Fatal(err)
		}
		w.Reopen()
		w.Reopen()
		synctest.Wait()
		if got := count(t, path); got > 1 {
			t.Errorf("%d lines in the new file, want one at most", got)
		}
		w.Observe(chat())
		closeWriter(t, w)
		if got := count(t, path) + count(t, path+".aside"); got != 2 || w.Dropped() != 0 || w.Reopened() == 0 {
			t.Errorf("%d lines in both files, %d dropped, opened anew %d times; want 2, 0 and once at least", got, w.Dropped(), w.Reopened())
		}
	})
}

// A pipe that nobody reads is a disk that does not answer.
func TestWriterDropsAndCountsWhatADeadDiskCannotTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	w := newWriter(t, capture.Config{Path: path})
	const observed = 5000
	for range observed {
		w.Observe(chat())
	}
	if w.Dropped() == 0 {
		t.Error("nothing dropped though nobody reads")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Close(ctx); err == nil {
		t.Error("closed though nobody reads")
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	lines := 0
	for _, err := range capture.Read(reader) {
		if err != nil {
			t.Fatal(err)
		}
		lines++
	}
	closeWriter(t, w)
	if lines+int(w.Dropped()) != observed {
		t.Errorf("%d lines and %d dropped of %d", lines, w.Dropped(), observed)
	}
}

func TestWriterPutsFilesAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "capture.jsonl")
		w := newWriter(t, capture.Config{Path: path, MaxBytes: 1700, Keep: 2})
		// Two lines of some 800 bytes fit a file.
		for i := range 7 {
			r := chat()
			r.Status = 200 + i
			w.Observe(r)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		closeWriter(t, w)
		for name, want := range map[string][]int{path: {206}, path + ".1": {204, 205}, path + ".2": {202, 203}} {
			if got := statuses(t, name); !equal(got, want) {
				t.Errorf("%s holds %v, want %v", filepath.Base(name), got, want)
			}
		}
		if _, err := os.Stat(path + ".3"); err == nil {
			t.Error("more files are kept than were asked for")
		}
	})
}

func TestWriterGoesOnAfterATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	if err := os.WriteFile(path, []byte(`{"v":1,"status":100}`+"\n"+`{"v":1,"sta`), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, capture.Config{Path: path})
	w.Observe(chat())
	closeWriter(t, w)
	if got := statuses(t, path); !equal(got, []int{100, -1, 200}) {
		t.Errorf("%v, want the old line, the torn one (-1) and the new one", got)
	}
}

func TestWriterRecoversWhenTheDiskDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "disk")
		path := filepath.Join(dir, "capture.jsonl")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		w := newWriter(t, capture.Config{Path: path, MaxBytes: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		step := func() {
			w.Observe(chat())
			time.Sleep(time.Second)
			synctest.Wait()
		}
		step()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		step()
		step()
		if w.Dropped() != 2 {
			t.Errorf("%d dropped, want 2", w.Dropped())
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		step()
		closeWriter(t, w)
		if got := count(t, path); got != 1 || w.Dropped() != 2 {
			t.Errorf("%d lines, %d dropped, want 1 and 2", got, w.Dropped())
		}
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d log lines, want one when it failed and one when it worked:\n%s", n, log.String())
		}
	})
}

func TestWriterNeedsAFileThatCanBeOpened(t *testing.T) {
	_, err := capture.NewWriter(capture.Config{Path: filepath.Join(t.TempDir(), "missing", "capture.jsonl")})
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("error %v does not name the path", err)
	}
}

func count(t *testing.T, path string) int { t.Helper(); return len(statuses(t, path)) }

// statuses lists the statuses of a file's lines, -1 for a line that cannot be read.
func statuses(t *testing.T, path string) []int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var out []int
	for line, err := range capture.Read(f) {
		if err != nil {
			line.Status = -1
		}
		out = append(out, line.Status)
	}
	return out
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

var _ exchange.Observer = (*capture.Writer)(nil)
