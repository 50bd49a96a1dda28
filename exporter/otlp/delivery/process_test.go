package delivery_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

const (
	spoolVariable    = "HEADWAY_TEST_SPOOL"
	endpointVariable = "HEADWAY_TEST_ENDPOINT"
	limitVariable    = "HEADWAY_TEST_FILE_LIMIT"
	boundVariable    = "HEADWAY_TEST_MAX_BYTES"
)

// TestMain runs the tests. With a spool in its environment it is another process instead,
// which a test can kill, or give a full disk: for each line on standard input it sends a
// payload, and prints the number of dropped items when Send has returned. For an empty line
// it only prints the number.
func TestMain(m *testing.M) {
	dir := os.Getenv(spoolVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	if limit, err := strconv.ParseUint(os.Getenv(limitVariable), 10, 64); err == nil {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	cfg := quick(delivery.HTTPProtobuf, os.Getenv(endpointVariable))
	cfg.SpoolDir = dir
	if bound, err := strconv.ParseInt(os.Getenv(boundVariable), 10, 64); err == nil {
		cfg.MaxBytes = bound
	}
	q, err := delivery.New(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() != "" {
			q.Send([]byte(lines.Text()+padding), 1)
		}
		fmt.Println(q.Dropped())
	}
}

// padding makes a payload longer than a page, because a kill may tear a write at the end of
// a page.
var padding = noise(5000)

// noise returns a text that the spool cannot compress: it stores as many bytes.
func noise(n int) string {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // never fails
	return base64.RawStdEncoding.EncodeToString(p)[:n]
}

// startSender starts that process for a test in which it must drop nothing. send makes it
// send one payload, and returns when Send has returned. kill ends the process by SIGKILL.
func startSender(t *testing.T, dir, url string, variables ...string) (send func(i int), kill func()) {
	t.Helper()
	ask, kill := startProcess(t, dir, url, variables...)
	return func(i int) {
		t.Helper()
		if dropped := ask(strconv.Itoa(i)); dropped != 0 {
			t.Fatalf("dropped %d", dropped)
		}
	}, kill
}

// startProcess starts that process. ask writes a line to it and returns its answer. kill
// ends the process by SIGKILL.
func startProcess(t *testing.T, dir, url string, variables ...string) (ask func(line string) (dropped uint64), kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(variables, spoolVariable+"="+dir, endpointVariable+"="+url)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	ask = func(line string) (dropped uint64) {
		t.Helper()
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fscanln(answers, &dropped); err != nil {
			t.Fatal(err)
		}
		return dropped
	}
	return ask, func() {
		t.Helper()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
}

// switched is a collector that a test can switch off: then it answers 503.
type switched struct {
	hooks
	away bool
}

func newSwitched() *switched {
	s := &switched{hooks: hooks{collector: &collector{}}}
	s.reply = func(_ int, w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.away {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	return s
}

// set switches the collector off or on.
func (s *switched) set(away bool) {
	s.mu.Lock()
	s.away = away
	s.mu.Unlock()
}

// waitFor polls until done returns true, or the test's deadline ends.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-t.Context().Done():
			t.FailNow()
		case <-time.After(time.Millisecond):
		}
	}
}
