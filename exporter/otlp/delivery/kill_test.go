package delivery_test

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// The test kills the process over and over, while the collector is off and on in turns. All
// payloads that reached the files arrive, in order. Only the last payloads before a kill may
// be missing, and only the request in flight at a kill may arrive twice.
func TestAKillLosesNothingThatReachedTheSpool(t *testing.T) {
	const rounds, each = 8, 100
	dir, to := t.TempDir(), newSwitched()
	url := startHTTP(t, &to.hooks)
	mayLose := func(i int) bool { return (i/each)%2 == 1 }
	for round := range rounds {
		to.set(round%2 == 0)
		send, kill := startSender(t, dir, url)
		for i := round * each; i < (round+1)*each; i++ {
			send(i)
		}
		if newest := []byte(strconv.Itoa((round+1)*each-1) + padding); !mayLose(round * each) {
			waitFor(t, func() bool { return endsWith(t, dir, newest) })
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
			t.Fatalf("the process did not send %.20q", p)
		}
		if times[i]++; times[i] > 1 {
			twice++
		} else if i < newest {
			t.Errorf("payload %d came after %d", i, newest)
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
			t.Errorf("payload %d is lost", i)
		}
	}
	if twice > rounds {
		t.Errorf("%d payloads came twice, in %d kills", twice, rounds)
	}
	t.Logf("%d payloads, %d kills: %d came twice, %d did not reach the files, the last kill tore %d", rounds*each, rounds, twice, lost, q.Dropped())
}

// inSegments returns the number of padded payloads in the files of a spool.
func inSegments(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, name := range segmentFiles(t, dir) {
		p, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) { // the queue dropped it meanwhile
			t.Fatal(err)
		}
		n += bytes.Count(p, []byte(padding))
	}
	return n
}

// endsWith tells whether a file of a spool ends with a payload.
func endsWith(t *testing.T, dir string, payload []byte) bool {
	t.Helper()
	return slices.ContainsFunc(segmentFiles(t, dir), func(name string) bool {
		p, err := os.ReadFile(name)
		return err == nil && bytes.HasSuffix(p, payload)
	})
}

// The request in flight is in the segment that the bound drops first. After a kill every
// payload is accounted for: the process delivered it, or counted it as dropped, or the next
// process delivers it. The first that the next process delivers is the one in flight.
func TestAQueueCountsTheEntriesThatTheBoundDropsAroundARequestInFlight(t *testing.T) {
	const most = 300
	for name, c := range map[string]struct{ bound, takes int }{
		"many segments":                      {1 << 20, 0},
		"many segments, late in the first":   {1 << 20, 5},
		"the least bound":                    {delivery.LeastSpoolBytes, 0}, // segments of three payloads
		"the least bound, late in the first": {delivery.LeastSpoolBytes, 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, held, release := holding(c.takes)
			url := startHTTP(t, first)
			defer close(release)
			ask, kill := startProcess(t, dir, url, boundVariable+"="+strconv.Itoa(c.bound))
			for i := range c.takes + 1 {
				ask(strconv.Itoa(i))
			}
			<-held
			for i := c.takes + 1; i < most; i++ {
				ask(strconv.Itoa(i))
			}
			var dropped uint64
			newest := []byte(strconv.Itoa(most-1) + padding)
			waitFor(t, func() bool { // the process has written or counted all
				if !endsWith(t, dir, newest) { // it still drops others, which inSegments may have counted
					return false
				}
				dropped = ask("")
				return dropped+uint64(inSegments(t, dir)) == most
			})
			kill()
			to := &hooks{}
			got, again := deliverAll(t, dir, startHTTP(t, to), to)
			if dropped == 0 || c.takes+len(got)+int(dropped) != most || again != 0 {
				t.Errorf("of %d payloads %d were delivered and %d dropped before the kill, %d delivered and %d dropped after it",
					most, c.takes, dropped, len(got), again)
			}
			if len(got) < 2 || got[0] != strconv.Itoa(c.takes)+padding || got[len(got)-1] != strconv.Itoa(most-1)+padding {
				t.Errorf("the oldest that arrived is %.4q, the newest %.4q", got[0], got[len(got)-1])
			}
		})
	}
}

// A limit on the size of files tears a write like a full disk. The payloads without room on
// the disk wait in memory, and all arrive in order when the collector is back.
func TestAQueueKeepsPayloadsInMemoryWhileTheDiskIsFull(t *testing.T) {
	const most = 60
	dir, to := t.TempDir(), newSwitched()
	url := startHTTP(t, &to.hooks)
	to.set(true)
	send, kill := startSender(t, dir, url, limitVariable+"=100000")
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
			t.Errorf("a torn write is in the file: %v, %v", info, err)
		}
	}
	kill()
	to.took = nil
	again, dropped := deliverAll(t, dir, url, &to.hooks)
	if len(again) != 0 || dropped != 0 {
		t.Errorf("the next process delivered %d and dropped %d", len(again), dropped)
	}
}
