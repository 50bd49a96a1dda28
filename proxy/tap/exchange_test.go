package tap_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const ms = time.Millisecond

// TestBooksEveryMomentAndEveryWait: in a bubble time passes only where the test
// sleeps, so that the test knows all of it.
func TestBooksEveryMomentAndEveryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		decoder := &script{feed: func([]byte, time.Duration) { time.Sleep(2 * ms) }} // headway's own work
		of, told := newTap(decoder)
		time.Sleep(time.Second)
		x := of.Begin(chat())
		time.Sleep(7 * ms)
		x.RequestSent(tap.Now(), 5*ms)
		time.Sleep(3 * ms)
		x.RequestRead(tap.Now())
		time.Sleep(1 * ms)
		x.RequestWritten(tap.Now()) // at 11

		time.Sleep(100 * ms)
		head := tap.Now() // at 111
		x.ResponseHead(200, header("Content-Type", "application/json"), head)
		relay := func(wait, write time.Duration) {
			time.Sleep(wait)
			read := tap.Now()
			time.Sleep(write)
			x.Chunk([][]byte{[]byte("abc"), []byte("de")}, read, tap.Now())
		}
		relay(50*ms, 4*ms) // read at 161, written at 165, own work until 169
		relay(20*ms, 9*ms) // read at 189, written at 198, own work until 202
		relay(30*ms, 1*ms) // read at 232, written at 233, own work until 237
		last := tap.Now()
		end(x)

		r := told.only(t)
		want := exchange.Timing{RequestRead: 10 * ms, RequestWritten: 11 * ms, ResponseHead: 111 * ms, FirstChunk: 161 * ms, LastChunk: 232 * ms, End: 237 * ms}
		if r.Timing != want {
			t.Errorf("timing %+v\nwant   %+v", r.Timing, want)
		}
		clocks := exchange.Clocks{
			Upstream: exchange.Clock{Sum: (100 + 50 + 20 + 30) * ms, Longest: 30 * ms},
			Proxy:    exchange.Clock{Sum: 12 * ms, Longest: 4 * ms},
			Client:   exchange.Clock{Sum: 14 * ms, Longest: 9 * ms},
		}
		if r.Clocks != clocks {
			t.Errorf("clocks %+v\nwant   %+v", r.Clocks, clocks)
		}
		if sum := r.Clocks.Upstream.Sum + r.Clocks.Proxy.Sum + r.Clocks.Client.Sum; sum != r.Timing.End-r.Timing.RequestWritten {
			t.Errorf("clocks sum up to %v, the exchange to %v", sum, r.Timing.End-r.Timing.RequestWritten)
		}
		if o := (exchange.Overhead{Request: 2 * ms, FirstChunk: 4 * ms, Chunk: 4 * ms}); r.Overhead != o {
			t.Errorf("overhead %+v, want %+v", r.Overhead, o)
		}
		if r.Bytes.Out != 15 || r.Stream || r.Upstream != model || r.Mode != exchange.Explicit {
			t.Errorf("recorded %+v", r)
		}
		if wall := r.Start.Add(r.Timing.End); !wall.Equal(last.Time()) {
			t.Errorf("the record ends at %v, the clock says %v", wall, last.Time())
		}
	})
}

// The tap decodes a stream in batches, long after the relay has forwarded its chunks,
// but with the times at which they came.
func TestStreamIsDecodedInBatchesWithItsOwnTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fed []string
		decoder := &script{feed: func(p []byte, at time.Duration) { fed = append(fed, fmt.Sprintf("%d@%v", len(p), at)) }}
		of, told := newTap(decoder)
		x := of.Begin(chat())
		x.ResponseHead(200, header("Content-Type", "Text/Event-Stream; charset=utf-8"), tap.Now())
		chunk := func(n int) {
			time.Sleep(ms)
			x.Chunk([][]byte{make([]byte, n)}, tap.Now(), tap.Now())
		}
		chunk(100)
		chunk(200)
		if len(fed) != 0 {
			t.Errorf("decoded %q at once", fed)
		}
		chunk(650) // does not fit beside the others
		if want := []string{"100@1ms", "200@2ms"}; !slices.Equal(fed, want) {
			t.Errorf("decoded %q, want %q", fed, want)
		}
		chunk(5000) // fits nowhere
		if want := []string{"100@1ms", "200@2ms", "650@3ms", "5000@4ms"}; !slices.Equal(fed, want) {
			t.Errorf("decoded %q, want %q", fed, want)
		}
		chunk(7)
		end(x)
		if fed[len(fed)-1] != "7@5ms" || len(fed) != 5 {
			t.Errorf("decoded %q at the end", fed)
		}
		if r := told.only(t); !r.Stream || r.Bytes.Out != 5957 {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestResponseAheadOfTheRequestsEnd(t *testing.T) {
	for _, tt := range []struct {
		name                string
		read, written, head time.Duration // in the order of their reports
		wantWritten         time.Duration
	}{
		{"the write returned late", 10 * ms, 30 * ms, 20 * ms, 20 * ms},
		{"the upload went on", 30 * ms, 40 * ms, 20 * ms, 40 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, told := newTap(&script{})
				x := of.Begin(chat())
				begun := tap.Now()
				at := func(d time.Duration) tap.Instant { return begun + tap.Instant(d) }
				x.ResponseHead(200, header(), at(tt.head))
				x.RequestRead(at(tt.read))
				x.RequestWritten(at(tt.written))
				time.Sleep(60 * ms)
				x.Chunk([][]byte{[]byte("a")}, at(60*ms), at(60*ms))
				end(x)
				r := told.only(t)
				if r.Timing.RequestWritten != tt.wantWritten || r.Timing.RequestRead != tt.read {
					t.Errorf("timing %+v", r.Timing)
				}
				if r.Clocks.Upstream.Sum != 60*ms-tt.head {
					t.Errorf("waited %v for the upstream after its head", r.Clocks.Upstream.Sum)
				}
			})
		})
	}
}

func TestZeroOffsetsAreNotTakenForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap(&script{})
		x := of.Begin(chat())
		x.RequestRead(tap.Now())
		x.RequestWritten(tap.Now())
		x.ResponseHead(200, header(), tap.Now())
		chunk(x, "a")
		end(x)
		if m := told.only(t).Timing; m.RequestRead != 1 || m.RequestWritten != 1 || m.ResponseHead != 1 || m.FirstChunk != 1 || m.End != 1 {
			t.Errorf("recorded %+v", m)
		}
	})
}

func TestOnlyTheFirstEndCounts(t *testing.T) {
	of, told := newTap(&script{})
	x := of.Begin(chat())
	x.End(tap.Result{At: tap.Now(), Status: 502, Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection})
	end(x)
	x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
	chunk(x, "late")
	x.RequestRead(tap.Now())
	x.RequestBody([]byte("late"))
	end(x)
	of.Wait()
	if r := told.only(t); r.Outcome != exchange.ConnectError || r.Status != 502 || r.Bytes.Out != 0 {
		t.Errorf("recorded %+v", r)
	}
	if left := of.InFlight(); len(left) != 0 {
		t.Errorf("still in flight: %+v", left)
	}
}

func TestOneTapMeasuresApplicationsAndCanaries(t *testing.T) {
	of, told := newTap(&script{})
	for _, origin := range []exchange.Origin{"", exchange.App, exchange.Canary} {
		r := chat()
		r.Origin = origin
		end(of.Begin(r))
	}
	var got []exchange.Origin
	for _, r := range told.records {
		got = append(got, r.Origin)
	}
	if want := []exchange.Origin{exchange.App, exchange.App, exchange.Canary}; !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestCompressedRequestIsNotRead(t *testing.T) {
	read := false
	of, told := newTap(&script{request: func([]byte) { read = true }})
	x := of.Begin(chat("content-encoding", "gzip"))
	x.RequestBody([]byte("\x1f\x8b"))
	end(x)
	if r := told.only(t); read || !slices.Equal(r.Notes, []string{"request_compressed"}) || r.Bytes.In != 2 {
		t.Errorf("read %t, notes %q, %d bytes", read, r.Notes, r.Bytes.In)
	}
}
