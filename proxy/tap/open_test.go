package tap_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// onlyOpen returns the only open exchange of of.
func onlyOpen(t *testing.T, of *tap.Tap) exchange.Open {
	t.Helper()
	all := of.AppendOpen(nil)
	if len(all) != 1 {
		t.Fatalf("%d open exchanges, want 1", len(all))
	}
	return all[0]
}

const event = `data: {"choices":[{"index":0,"delta":{"content":"word"}}]}` + "\n\n"

func TestOpenExchangeGoesThroughItsPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, _ := newTap()
		x := of.Begin(chat())
		phase := func(want exchange.OpenPhase) {
			t.Helper()
			o := onlyOpen(t, of)
			if o.Phase() != want {
				t.Errorf("the phase is %s, want %s: %+v", o.Phase(), want, o)
			}
		}
		phase(exchange.Asking)
		x.RequestBody([]byte(`{"model":"m","stream":true}`))
		x.RequestRead(tap.Now())
		time.Sleep(time.Millisecond)
		x.RequestWritten(tap.Now())
		phase(exchange.Waiting)
		time.Sleep(time.Second)
		x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
		phase(exchange.Answering)
		time.Sleep(time.Second)
		chunk(x, ": ping\n\n")
		time.Sleep(time.Second)
		phase(exchange.Answering) // a ping is no content
		chunk(x, event)
		chunk(x, event)
		time.Sleep(3 * time.Second)
		phase(exchange.Streaming)
		o := onlyOpen(t, of)
		want := 3*time.Second + time.Millisecond
		if o.Chunks != 2 || o.Tokens != 2 || o.FirstToken != want || o.LastToken != want || o.Silent(time.Now()) != 3*time.Second {
			t.Errorf("it is %+v, silent for %v", o, o.Silent(time.Now()))
		}
		if o.Model != "m" || o.Operation != exchange.Chat || o.Upstream != "model:8000" || o.Span.ID == (exchange.SpanID{}) || o.ID == 0 {
			t.Errorf("it is %+v", o)
		}
		end(x)
		if left := of.AppendOpen(nil); len(left) != 0 {
			t.Errorf("open after the end: %v", left)
		}
	})
}

// TestPingsEndNoSilence of a stream that had begun.
func TestPingsEndNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, _ := newTap()
		x := of.Begin(chat())
		x.RequestWritten(tap.Now())
		x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
		time.Sleep(time.Second)
		chunk(x, event)
		for range 5 {
			time.Sleep(time.Second)
			chunk(x, ": ping\n\n")
		}
		time.Sleep(time.Second)
		if o := onlyOpen(t, of); o.Silent(time.Now()) != 6*time.Second || o.LastByte != 6*time.Second {
			t.Errorf("silent for %v, last byte at %v", o.Silent(time.Now()), o.LastByte)
		}
		end(x)
	})
}

// TestFreshStreamsAreDecodedInTime: without KeepFresh, content waits for a dozen others.
func TestFreshStreamsAreDecodedInTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fresh time.Duration
		want  int
	}{
		{"nobody looks", 0, 0},
		{"somebody looks", 200 * time.Millisecond, 8}, // of 10, the last two are younger
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, _ := newTap()
				of.KeepFresh(tt.fresh)
				x := of.Begin(chat())
				x.RequestWritten(tap.Now())
				x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
				for range 10 {
					time.Sleep(50 * time.Millisecond)
					chunk(x, event)
				}
				if got := onlyOpen(t, of).Chunks; got != tt.want {
					t.Errorf("%d chunks are known, want %d", got, tt.want)
				}
				end(x)
			})
		})
	}
}

// TestOpenExchangesLeaveInAnyOrder, and each is listed once until then.
func TestOpenExchangesLeaveInAnyOrder(t *testing.T) {
	of, _ := newTap()
	all := map[uint64]*tap.Exchange{}
	for range 10 {
		x := of.Begin(chat())
		for _, o := range of.AppendOpen(nil) {
			if all[o.ID] == nil {
				all[o.ID] = x
			}
		}
	}
	for _, id := range []uint64{1, 10, 5, 4, 9, 2, 3, 8, 7, 6} {
		end(all[id])
		end(all[id])
		delete(all, id)
		left := of.AppendOpen(nil)
		for _, o := range left {
			if all[o.ID] == nil {
				t.Errorf("%d is listed after its end", o.ID)
			}
		}
		if len(left) != len(all) {
			t.Errorf("%d are open, want %d", len(left), len(all))
		}
	}
}

// TestTunnelIsNoOpenExchange, because nobody knows when it brings content.
func TestTunnelIsNoOpenExchange(t *testing.T) {
	of, _ := newTap()
	x := of.Begin(chat())
	x.Upgraded()
	if left := of.AppendOpen(nil); len(left) != 0 {
		t.Errorf("open: %v", left)
	}
	end(x)
}

// BenchmarkAppendOpen reads a thousand open streams.
func BenchmarkAppendOpen(b *testing.B) {
	of, _ := newTap()
	for i := range 1000 {
		x := of.Begin(chat())
		x.RequestWritten(tap.Now())
		x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
		chunk(x, fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{"content":"%d"}}]}`+"\n\n", i))
	}
	var all []exchange.Open
	b.ReportAllocs()
	for b.Loop() {
		all = of.AppendOpen(all[:0])
	}
}
