package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// captured is a line of a capture file: the exchange began at the wall clock's start, its first token came
// ttft later and the second gap after that, in nanoseconds.
func captured(id string, start, ttft, gap int64) string {
	return fmt.Sprintf(`{"v":1,"start":%q,"ttft_s":%.9f,"itl_s":{"p50":0.1,"max":%.9f},"trace_id":%q}`+"\n",
		time.Unix(0, start).UTC().Format(time.RFC3339Nano), float64(ttft)/1e9, float64(gap)/1e9, id)
}

func TestTruthComparesWhatHeadwayRecorded(t *testing.T) {
	const ahead = 1_700_000_000_000_000_000
	of := newTruth(7)
	of.written = map[int64]int64{}
	known := func(request int, x trueTimes) string {
		a := asked{client: 3, request: request}
		of.exchanges[a] = &x
		for _, begun := range x.tokens {
			of.written[begun] = begun + 10_000
		}
		return of.traceID(a)
	}
	on := known(1, trueTimes{request: 1_000_000, requestDone: 1_010_000, tokens: []int64{21_000_000, 41_000_000}})
	late := known(2, trueTimes{request: 2_000_000, requestDone: 2_010_000, tokens: []int64{22_000_000, 42_000_000}})
	slow := known(3, trueTimes{request: 3_000_000, requestDone: 3_100_000, tokens: []int64{23_000_000, 43_000_000}})
	torn := known(4, trueTimes{request: 4_000_000, requestDone: 4_010_000, tokens: []int64{24_000_000, 44_000_000}})
	of.written[44_000_000] += 100_000
	cut := known(5, trueTimes{request: 5_000_000, requestDone: 5_010_000, tokens: []int64{25_000_000}})
	path := filepath.Join(t.TempDir(), "capture")
	text := captured(on, ahead+1_000_000, 20_000_000, 20_000_000) +
		captured(late, ahead+2_005_000, 20_002_000, 19_999_000) +
		captured(slow, ahead, 1, 1) + captured(torn, ahead, 1, 1) + captured(cut, ahead, 1, 1) +
		captured(newTruth(8).traceID(asked{3, 1}), ahead, 1, 1) + captured("", ahead, 1, 1) + `{"v":1,"start":`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := readCapture(path, of)
	if err != nil || len(lines) != 5 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	got := of.compare(lines, ahead, true)
	want := truthResult{
		Unknown: 3,
		TTFT:    quantilesOf([]int64{0, 2_000}), Gap: quantilesOf([]int64{0, 1_000}), Arrival: quantilesOf([]int64{0, 7_000}),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := of.compare(lines, ahead, false); got.Arrival.Count != 0 || got.TTFT != want.TTFT {
		t.Errorf("after a step of the wall clock: %+v", got)
	}
}

func TestTruthKnowsTheTimesOfEveryToken(t *testing.T) {
	const streams = 5
	l := testLoader(t, startTestUpstream(t))
	l.spec.Streams, l.spec.Events, l.spec.Interval, l.spec.UpstreamPort = streams, 2, time.Millisecond, l.spec.Port
	l.truth = newTruth(7)
	if _, err := l.control(beginWrites); err != nil {
		t.Fatal(err)
	}
	opened, err := l.openAll(0, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.endStreams(opened, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	log, err := l.control(endWrites)
	if err != nil {
		t.Fatal(err)
	}
	if l.truth.written, err = parseWrites(log); err != nil {
		t.Fatal(err)
	}
	if len(l.truth.exchanges) != streams || len(l.truth.written) != 2*streams {
		t.Fatalf("%d exchanges, %d writes", len(l.truth.exchanges), len(l.truth.written))
	}
	for a, x := range l.truth.exchanges {
		if len(x.tokens) != 2 || x.request <= 0 || x.requestDone < x.request || x.tokens[0] <= x.request || x.tokens[1] <= x.tokens[0] {
			t.Errorf("%+v: %+v", a, *x)
		}
		for _, begun := range x.tokens {
			if l.truth.written[begun] <= begun {
				t.Errorf("%+v: the write at %d ended at %d", a, begun, l.truth.written[begun])
			}
		}
	}
	if _, err := l.control(endWrites); err != nil { // there is no log, so that it is a plain request
		t.Error(err)
	}
}

// A stamp that is wrong in its unit, or of the other clock, would be off by far more than a second.
func TestTheClientsKernelStampsArrivals(t *testing.T) {
	l := testLoader(t, startTestUpstream(t))
	l.spec.Streams, l.spec.Events, l.spec.Interval, l.spec.UpstreamPort = 3, 2, time.Millisecond, l.spec.Port
	l.truth = newTruth(7)
	if _, err := l.control(beginWrites); err != nil {
		t.Fatal(err)
	}
	opened, err := l.openAll(0, false)
	if err != nil {
		t.Fatal(err)
	}
	ahead := l.wallAhead()
	for _, s := range opened {
		if err := s.conn.stampArrivals(ahead); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.endStreams(opened, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := l.judgeTruth(ahead); err != nil {
		t.Fatal(err)
	}
	r := l.result.Truth
	if r.Unknown+r.Arrival.Count != l.spec.Streams || r.Arrival.Max > int64(time.Second) || r.Gap.Max > int64(time.Second) {
		t.Errorf("%+v", r)
	}
}

func TestAReadTellsWhenTheKernelGotTheBytes(t *testing.T) {
	const held = 50 * time.Millisecond
	p := testPoller(t)
	l := &loader{poller: p}
	port, err := p.listen(func(c *conn) {
		c.onRead = func([]byte, int64) { c.write([]byte("answer")) }
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.dial(port)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stampArrivals(l.wallAhead()); err != nil {
		t.Fatal(err)
	}
	var waited time.Duration
	c.onRead = func(_ []byte, at int64) { waited = time.Duration(p.clock.now() - at) }
	// The kernel begins to stamp some time after the first socket has asked for it.
	for late := time.Now().Add(20 * time.Second); waited < held && time.Now().Before(late); {
		if err := l.sleep(time.Millisecond); err != nil { // the server accepts, and the client reads
			t.Fatal(err)
		}
		c.write([]byte("question"))
		if err := p.wait(p.clock.now()); err != nil { // the server answers
			t.Fatal(err)
		}
		time.Sleep(held) // the answer waits in the kernel
		if err := l.sleep(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if waited < held {
		t.Errorf("the last answer waited %s, want %s or more", waited, held)
	}
}

func TestEveryRequestNamesItsExchange(t *testing.T) {
	of := newTruth(7)
	s := &streamClient{number: 3, asked: 5}
	request := string(of.trace(appendRequest(nil, "", 80, 3, 5, "2 1 0"), s))
	field := regexp.MustCompile(`\r\ntraceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-00\r\n`).FindStringSubmatch(request)
	if field == nil || !strings.HasPrefix(request, "POST /v1/chat/completions HTTP/1.1\r\ntraceparent: ") {
		t.Fatalf("no trace context in %q", request)
	}
	if a, ok := of.exchange(field[1]); !ok || a != (asked{3, 5}) {
		t.Errorf("it names %+v, %v", a, ok)
	}
	if _, ok := newTruth(8).exchange(field[1]); ok {
		t.Error("another run takes it for its own")
	}
}

func TestABusyThreadEndsByItself(t *testing.T) {
	if err := keepBusy([]string{"1ms"}); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{nil, {"soon"}, {"1s", "2s"}} {
		if err := keepBusy(args); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestWritesAreReadAsTheyWereNoted(t *testing.T) {
	var w writes
	w.add(5, 7)
	w.add(9, 12)
	got, err := parseWrites(w.lines)
	if err != nil || len(got) != 2 || got[5] != 7 || got[9] != 12 {
		t.Errorf("got %v, %v", got, err)
	}
	for _, log := range []string{"5\n", "a 7\n", "5 b\n"} {
		if _, err := parseWrites([]byte(log)); err == nil {
			t.Errorf("%q: no error", log)
		}
	}
}
