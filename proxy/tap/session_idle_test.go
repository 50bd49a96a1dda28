package tap_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// An hour in which a session has nothing but pings is no exchange, no stall of one, and no
// part of the time of the next.
func TestAnHourOfPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap()
		x := open(of, "/v1/responses", "")
		c, s := &speaker{masks: true}, &speaker{}
		in, out := 0, 0
		say := func(frame []byte) {
			in += len(frame)
			now := tap.Now()
			x.Sending()
			x.Sent(frame, now, now)
		}
		hear := func(frame []byte) {
			out += len(frame)
			chunk(x, string(frame))
		}
		answer := func(id string) {
			say(c.say(ask)[0])
			time.Sleep(100 * time.Millisecond)
			hear(s.say(opened(id))[0])
			hear(s.say(delta("Hi"))[0])
			hear(s.say(completed(id, 1))[0])
		}
		answer("r1")
		for range 240 { // every 15 s
			time.Sleep(15 * time.Second)
			hear(s.frame(0x89, []byte("ping")))
			say(c.frame(0x8a, []byte("ping")))
		}
		if slices.ContainsFunc(of.InFlight(), func(f exchange.InFlight) bool { return f.Requests != 0 || f.Streams != 0 }) {
			t.Errorf("in flight: %+v", of.InFlight())
		}
		if len(told.records) != 1 {
			t.Fatalf("%d Records before the second question, want that of the first answer", len(told.records))
		}
		answer("r2")
		x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
		of.Wait()
		if len(told.records) != 3 {
			t.Fatalf("%d Records, want those of two answers and that of the session", len(told.records))
		}
		for _, r := range told.records[:2] {
			if got := describe(&r); got != "ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=100ms ttft=100ms last=100ms e2e=100ms" {
				t.Error(got)
			}
		}
		r := told.records[2]
		if r.Mode != exchange.Upgraded || r.Bytes.In != int64(in) || r.Bytes.Out != int64(out) || r.Timing.End < time.Hour || len(r.Notes) > 0 {
			t.Errorf("the session itself: %+v", r)
		}
	})
}
