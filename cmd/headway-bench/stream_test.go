package main

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// wholeStream returns the events of a stream with n content events. The ith, from 0, carries the time
// 1000+i.
func wholeStream(n int) [][]byte {
	w := eventWriter{id: 7}
	events := [][]byte{w.role(nil)}
	for i := range n {
		events = append(events, w.content(nil, int64(1000+i)))
	}
	return append(events, w.finish(nil), w.usage(nil), []byte(doneEvent))
}

func TestCheckerAcceptsTheStreamOfTheUpstream(t *testing.T) {
	var c eventChecker
	var stamps []int64
	for _, event := range wholeStream(3) {
		sent, err := c.event(event)
		if err != nil {
			t.Fatal(err)
		}
		if sent != 0 {
			stamps = append(stamps, sent)
		}
	}
	if c.stage != complete {
		t.Errorf("stage %d, want complete", c.stage)
	}
	if len(stamps) != 3 || stamps[0] != 1000 || stamps[2] != 1002 {
		t.Errorf("stamps %v, want 1000 1001 1002", stamps)
	}
}

func TestCheckerFindsDamage(t *testing.T) {
	tests := []struct {
		name   string
		damage func(events [][]byte) [][]byte
	}{
		{"content event lost", func(e [][]byte) [][]byte { return append(e[:2:2], e[3:]...) }},
		{"content events swapped", func(e [][]byte) [][]byte { e[1], e[2] = e[2], e[1]; return e }},
		{"content event doubled", func(e [][]byte) [][]byte { return append(e[:2:2], e[1:]...) }},
		{"last content event lost", func(e [][]byte) [][]byte { return append(e[:3:3], e[4:]...) }},
		{"role chunk lost", func(e [][]byte) [][]byte { return e[1:] }},
		{"finish chunk lost", func(e [][]byte) [][]byte { return append(e[:4:4], e[5:]...) }},
		{"one byte altered", func(e [][]byte) [][]byte { e[2] = bytes.Replace(e[2], []byte("gpt"), []byte("gqt"), 1); return e }},
		{"event after the end", func(e [][]byte) [][]byte { return append(e, []byte(doneEvent)) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c eventChecker
			for _, event := range test.damage(wholeStream(3)) {
				if _, err := c.event(event); err != nil {
					return
				}
			}
			t.Error("the checker accepts it")
		})
	}
}

func TestEventsAreAboutTheSizeOfRealOnes(t *testing.T) {
	w := eventWriter{id: 7}
	if n := len(w.content(nil, 1_234_567_890_123_456_789)); n < 200 || n > 300 {
		t.Errorf("content event is %d bytes", n)
	}
}

// The upstream and the load generator run in this process and talk over loopback.
func TestStreamsArriveWhole(t *testing.T) {
	const streams, events = 20, 5
	l := testLoader(t, startTestUpstream(t))
	l.spec.Streams, l.spec.Events, l.spec.Interval = streams, events, time.Millisecond
	opened, err := l.openAll(0, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.endStreams(opened, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if l.result.Bad > 0 || l.result.Streams != streams {
		t.Errorf("%d whole, %d bad (%s), want %d whole", l.result.Streams, l.result.Bad, l.result.FirstBad, streams)
	}
	if want := int64(streams * (events + 4)); l.events != want {
		t.Errorf("%d events, want %d", l.events, want)
	}
	if len(l.ttft) != streams || len(l.lateness) != streams*events {
		t.Errorf("%d first events and %d stamps, want %d and %d", len(l.ttft), len(l.lateness), streams, streams*events)
	}
}

func TestFinishEndsLongStreamsWhole(t *testing.T) {
	port := startTestUpstream(t)
	l := testLoader(t, port)
	l.spec.Streams, l.spec.Events, l.spec.Interval, l.spec.UpstreamPort = 10, 1_000_000, time.Hour, port
	opened, err := l.openAll(0, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.finishStreams(opened); err != nil {
		t.Fatal(err)
	}
	if l.result.Bad > 0 || l.result.Streams != 10 {
		t.Errorf("%d whole, %d bad (%s), want 10 whole", l.result.Streams, l.result.Bad, l.result.FirstBad)
	}
}

func TestAStreamThatTheServerCutsIsBad(t *testing.T) {
	p := testPoller(t)
	port, err := p.listen(func(c *conn) {
		c.onRead = func([]byte, int64) {
			body := wholeStream(3)
			c.write(appendChunk([]byte(streamHead+"1\r\n\r\n"), bytes.Join(body[:3], nil)))
			c.close()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &loader{spec: loadSpec{Port: port}, poller: p}
	s, err := l.openStream(0, pace{events: 3, interval: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.endStreams([]*streamClient{s}, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if l.result.Bad != 1 || !strings.Contains(l.result.FirstBad, "cut after 2 events") {
		t.Errorf("%d bad: %q", l.result.Bad, l.result.FirstBad)
	}
}

func testPoller(t *testing.T) *poller {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testLoader(t *testing.T, port int) *loader {
	t.Helper()
	return &loader{spec: loadSpec{Port: port}, poller: testPoller(t)}
}

func startTestUpstream(t *testing.T) (port int) {
	t.Helper()
	end, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	u, port, err := newUpstream()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- u.serve(int(end.Fd())) }()
	t.Cleanup(func() {
		_ = hold.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = end.Close() // the reference keeps the garbage collector from closing it earlier
	})
	return port
}

func TestPaceFindsTheNextMomentOfItsPhase(t *testing.T) {
	tests := []struct{ interval, phase, at, want int64 }{
		{100, 30, 1000, 1030},
		{100, 30, 1029, 1030},
		{100, 30, 1030, 1130},
		{100, 30, 1031, 1130},
		{100, 0, 1001, 1100},
		{100, 250, 10, 50},
	}
	for _, test := range tests {
		p := pace{interval: test.interval, phase: test.phase}
		if got := p.first(test.at); got != test.want {
			t.Errorf("interval %d, phase %d, at %d: %d, want %d", test.interval, test.phase, test.at, got, test.want)
		}
	}
}

func TestPaceIsReadAsItWasWritten(t *testing.T) {
	want := pace{events: 200, interval: 20_000_000, phase: 199_999}
	got, err := parsePace(want.String())
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, spec := range []string{"", "1 2", "1 2 3 4", "1 0 3", "a b c", "-1 2 3"} {
		if _, err := parsePace(spec); err == nil {
			t.Errorf("%q: no error", spec)
		}
	}
}
