package delivery_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
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

// TestMain is also a process that is killed, or whose disk is full: with a spool in its
// environment it sends a payload for each line that it reads, and answers when Send has
// returned with how many items were dropped. An empty line only asks for that.
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

// padding makes a payload longer than a page, which is where a kill may tear a write.
var padding = strings.Repeat(".", 5000)

// victim starts that process, which drops nothing. send makes it send one payload and
// returns when Send has; kill ends it by SIGKILL.
func victim(t *testing.T, dir, url string, variables ...string) (send func(i int), kill func()) {
	t.Helper()
	ask, kill := asked(t, dir, url, variables...)
	return func(i int) {
		t.Helper()
		if dropped := ask(strconv.Itoa(i)); dropped != 0 {
			t.Fatalf("dropped %d", dropped)
		}
	}, kill
}

// asked starts that process. ask hands it a line and returns its answer.
func asked(t *testing.T, dir, url string, variables ...string) (ask func(line string) (dropped uint64), kill func()) {
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

// switched is a collector that can be away.
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

func (s *switched) set(away bool) {
	s.mu.Lock()
	s.away = away
	s.mu.Unlock()
}

// waitFor polls; the test's own deadline bounds it.
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

// The process is killed over and over, in turns with the collector away and there. What
// reached the files arrives, in order. What did not is the tail of what was sent, and
// only what was unacknowledged at a kill, one request, may arrive twice.
func TestNothingThatReachedTheSpoolIsLostWhenTheProcessIsKilled(t *testing.T) {
	const rounds, each = 8, 100
	dir, to := t.TempDir(), newSwitched()
	url := startHTTP(t, &to.hooks)
	mayLose := func(i int) bool { return (i/each)%2 == 1 }
	for round := range rounds {
		to.set(round%2 == 0)
		send, kill := victim(t, dir, url)
		for i := round * each; i < (round+1)*each; i++ {
			send(i)
		}
		if newest := []byte(fmt.Sprintf("%d.", (round+1)*each-1)); !mayLose(round * each) {
			waitFor(t, func() bool {
				return slices.ContainsFunc(segmentFiles(t, dir), func(name string) bool {
					p, err := os.ReadFile(name)
					return err == nil && bytes.Contains(p, newest) && bytes.HasSuffix(p, []byte(padding))
				})
			})
		}
		kill()
	}
	to.set(false)
	cfg := quick(delivery.HTTPProtobuf, url)
	cfg.SpoolDir = dir
	q := open(t, cfg)
	drain(t, q)

	times, newest, twice := map[int]int{}, -1, 0
	for _, p := range to.names() {
		i, err := strconv.Atoi(strings.TrimSuffix(p, padding))
		if err != nil {
			t.Fatalf("a payload that nobody sent: %.20q", p)
		}
		if times[i]++; times[i] > 1 {
			twice++
		} else if i < newest {
			t.Errorf("%d came after %d", i, newest)
		}
		newest = max(newest, i)
	}
	lost := 0
	for i := range rounds * each {
		if times[i] > 0 {
			continue
		}
		lost++
		if !mayLose(i) || (i+1)%each != 0 && times[i+1] > 0 {
			t.Errorf("%d was lost", i)
		}
	}
	if twice > rounds {
		t.Errorf("%d came twice, in %d kills", twice, rounds)
	}
	t.Logf("%d sent, %d kills: %d came twice, %d were killed on their way to the files, the last kill tore %d", rounds*each, rounds, twice, lost, q.Dropped())
}

// inSegments is how many of the padded payloads are in the files of a spool.
func inSegments(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, name := range segmentFiles(t, dir) {
		p, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) { // dropped since it was listed
			t.Fatal(err)
		}
		n += bytes.Count(p, []byte(padding))
	}
	return n
}

// The request in flight is of the segment that the bound drops first. When the process
// is killed then, every item was delivered, or counted before, or is delivered by the
// next process, first of all the one that was in flight.
func TestWhatTheBoundDropsUnderARequestInFlightIsCountedBeforeAKill(t *testing.T) {
	const most = 300
	for name, c := range map[string]struct{ bound, takes int }{
		"many segments":                      {1 << 20, 0},
		"many segments, late in the first":   {1 << 20, 5},
		"the least bound":                    {delivery.LeastSpoolBytes, 0}, // segments of three payloads
		"the least bound, late in the first": {delivery.LeastSpoolBytes, 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir, inFlight, over := t.TempDir(), make(chan struct{}), make(chan struct{})
			url := startHTTP(t, &hooks{reply: func(n int, _ http.ResponseWriter, _ *http.Request) {
				if n == c.takes {
					close(inFlight)
					<-over
				}
			}})
			defer close(over)
			ask, kill := asked(t, dir, url, boundVariable+"="+strconv.Itoa(c.bound))
			for i := range c.takes + 1 {
				ask(strconv.Itoa(i))
			}
			<-inFlight
			for i := c.takes + 1; i < most; i++ {
				ask(strconv.Itoa(i))
			}
			dropped := ask("")
			for range 500 { // until all is written and counted
				if dropped+uint64(inSegments(t, dir)) == most {
					break
				}
				dropped = ask("")
			}
			kill()
			to := &hooks{}
			got, again := deliverAll(t, dir, startHTTP(t, to), to)
			if dropped == 0 || c.takes+len(got)+int(dropped) != most || again != 0 {
				t.Errorf("of %d, %d were delivered, %d counted before the kill, %d arrived after it, %d counted then",
					most, c.takes, dropped, len(got), again)
			}
			if len(got) < 2 || got[0] != strconv.Itoa(c.takes)+padding || got[len(got)-1] != strconv.Itoa(most-1)+padding {
				t.Errorf("the oldest that arrived is %.4q, the newest %.4q", got[0], got[len(got)-1])
			}
		})
	}
}

// A limit on the size of files tears a write as a full disk does. What finds no room
// waits in memory, and all arrives in order once the collector is back.
func TestAFullDiskLosesNothingThatMemoryCanHold(t *testing.T) {
	const most = 60
	dir, to := t.TempDir(), newSwitched()
	url := startHTTP(t, &to.hooks)
	to.set(true)
	send, kill := victim(t, dir, url, limitVariable+"=100000")
	for i := range most {
		send(i) // some 20 fit
	}
	to.set(false)
	waitFor(t, func() bool { return len(to.names()) == most })
	send(most) // the file is as full as before
	waitFor(t, func() bool { return len(to.names()) == most+1 })
	var got []string
	for _, p := range to.names() {
		got = append(got, strings.TrimSuffix(p, padding))
	}
	wantNames(t, got, numbered(0, most+1))
	for _, name := range segmentFiles(t, dir) {
		// The first ten payloads have a digit less than the others.
		if info, err := os.Stat(name); err != nil || (info.Size()-16+10)%int64(16+2+len(padding)) != 0 {
			t.Errorf("a torn write was left: %v, %v", info, err)
		}
	}
	kill()
	to.took = nil
	again, dropped := deliverAll(t, dir, url, &to.hooks)
	if len(again) != 0 || dropped != 0 {
		t.Errorf("replayed %d, dropped %d", len(again), dropped)
	}
}
