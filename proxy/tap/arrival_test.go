package tap_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestKernelTellsWhenBytesCame has headway read everything late. No moment is late, and the
// time in which bytes lay in the kernel is headway's own.
func TestKernelTellsWhenBytesCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap(&script{feed: func([]byte, time.Duration) { time.Sleep(2 * ms) }})
		start := tap.Now()
		time.Sleep(5 * ms)
		r := chat()
		r.Arrived = start
		x := of.Begin(r)
		time.Sleep(6 * ms)
		x.RequestSent(tap.Now(), 4*ms) // at 11
		x.RequestRead(start)
		x.RequestWritten(tap.Now())

		read := func(wait, late time.Duration) tap.Instant {
			time.Sleep(wait)
			came := tap.Now()
			time.Sleep(late)
			x.Arrived(came, tap.Now())
			return tap.Now()
		}
		head := read(100*ms, 3*ms) // at 111
		x.ResponseHead(200, header("Content-Type", "application/json"), head)
		time.Sleep(1 * ms)
		x.Chunk([][]byte{[]byte("abc")}, head, tap.Now()) // read at 114, written at 115, own work until 117
		second := read(33*ms, 20*ms)                      // at 150, read at 170
		time.Sleep(4 * ms)
		x.Chunk([][]byte{[]byte("de")}, second, tap.Now()) // own work until 176
		x.End(tap.Result{At: second, Outcome: exchange.OK})

		got := told.only(t)
		want := exchange.Timing{RequestRead: 1, RequestWritten: 11 * ms, ResponseHead: 111 * ms, FirstChunk: 111 * ms, LastChunk: 150 * ms, End: 150 * ms}
		if got.Timing != want {
			t.Errorf("timing %+v\nwant   %+v", got.Timing, want)
		}
		clocks := exchange.Clocks{
			Upstream: exchange.Clock{Sum: (100 + 33) * ms, Longest: 33 * ms},
			Proxy:    exchange.Clock{Sum: (3 + 2 + 20 + 2) * ms, Longest: 20 * ms},
			Client:   exchange.Clock{Sum: (1 + 4) * ms, Longest: 4 * ms},
		}
		if got.Clocks != clocks {
			t.Errorf("clocks %+v\nwant   %+v", got.Clocks, clocks)
		}
		if o := (exchange.Overhead{Request: 7 * ms, FirstChunk: 4 * ms, Chunk: 2 * ms}); got.Overhead != o {
			t.Errorf("overhead %+v, want %+v", got.Overhead, o)
		}
		if got.ArrivalClock != exchange.KernelClock || !got.Start.Equal(start.Time()) {
			t.Errorf("by the clock of the %v, from %v, want the kernel's, from %v", got.ArrivalClock, got.Start, start.Time())
		}
	})
}

// TestBytesThatWaitForTheClientCountOnce has the kernel get bytes while headway waits for the
// client to take those before.
func TestBytesThatWaitForTheClientCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap(&script{})
		x := of.Begin(chat())
		x.RequestWritten(tap.Now())
		x.ResponseHead(200, header("Content-Type", "application/json"), tap.Now())
		began, read := tap.Now(), tap.Now()
		time.Sleep(time.Second) // until the client has taken the first bytes
		for n := range tap.Instant(10) {
			x.Chunk([][]byte{[]byte("abc")}, read, tap.Now())
			read = tap.Now() + 1
			x.Arrived(began+n*tap.Instant(50*ms), read)
			time.Sleep(ms)
		}
		x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
		c := told.only(t).Clocks
		if c.Client.Sum != 1009*ms-9 || c.Upstream.Sum != ms || c.Proxy.Sum > ms {
			t.Errorf("clocks %+v, want a second and 9 ms of the client, and a millisecond at the end", c)
		}
	})
}

// TestArrivalClock says who told the moments of arrival: the kernel only if it told all.
func TestArrivalClock(t *testing.T) {
	const kernel, process = exchange.KernelClock, exchange.ProcessClock
	for _, tt := range []struct {
		name    string
		request bool // the kernel stamped the head
		reads   string
		want    exchange.ArrivalClock
	}{
		{"everything stamped", true, "kkk", kernel},
		{"a request that nothing answers", true, "", kernel},
		{"only the response stamped", false, "kkk", process},
		{"a head without a stamp", true, "pkk", process},
		{"one read without a stamp", true, "kpk", process},
		{"the last read without a stamp", true, "kkp", process},
		{"a stamp that is the moment of the read", true, "k=k", process},
		{"nothing stamped", false, "ppp", process},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				of, told := newTap(&script{})
				r := chat()
				time.Sleep(ms)
				if r.Read = tap.Now(); tt.request {
					r.Arrived = r.Read - 1000
				}
				x := of.Begin(r)
				for i, by := range tt.reads {
					time.Sleep(ms)
					read := tap.Now()
					switch by {
					case 'k':
						x.Arrived(read-1000, read)
					case '=':
						x.Arrived(read, read)
					}
					if i == 0 {
						x.ResponseHead(200, header("Content-Type", "text/event-stream"), read)
						continue
					}
					x.Chunk([][]byte{[]byte("abc")}, read, read)
				}
				end(x)
				if got := told.only(t).ArrivalClock; got != tt.want {
					t.Errorf("the clock of the %v, want that of the %v", got, tt.want)
				}
			})
		})
	}
}

// TestArrivalClockOfASession has exchanges in a session before and after a read without a stamp.
func TestArrivalClockOfASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap()
		x := of.Begin(tap.Request{Method: "GET", Path: "/v1/responses", Upstream: model, Read: tap.Now(), Arrived: tap.Now() - 1000,
			Header: header("Upgrade", "websocket", "Connection", "Upgrade")})
		x.RequestWritten(tap.Now())
		x.Arrived(tap.Now()-1000, tap.Now())
		x.ResponseHead(101, header("Upgrade", "websocket", "Sec-WebSocket-Accept", "x"), tap.Now())
		x.Upgraded()
		c, s := &speaker{masks: true}, &speaker{}
		for _, stamped := range []bool{true, false, true} {
			time.Sleep(ms)
			x.Sent(c.say(ask)[0], tap.Now(), tap.Now())
			for _, event := range []string{opened("r"), delta("Hi"), completed("r", 1)} {
				time.Sleep(ms)
				if stamped {
					x.Arrived(tap.Now()-1000, tap.Now())
				}
				chunk(x, string(s.say(event)[0]))
			}
		}
		end(x)
		var got []exchange.ArrivalClock
		for _, r := range told.records {
			got = append(got, r.ArrivalClock)
		}
		want := []exchange.ArrivalClock{exchange.KernelClock, exchange.ProcessClock, exchange.ProcessClock, exchange.ProcessClock} // the last is the session's
		if !slices.Equal(got, want) {
			t.Errorf("clocks %v, want %v", got, want)
		}
	})
}

// TestALimitAgesByNoNegativeTime has a question come before the limits of the server that
// headway read first.
func TestALimitAgesByNoNegativeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of, told := newTap()
		x := open(of, "/v1/realtime?model=m", "")
		c, s := &speaker{masks: true}, &speaker{}
		asked := tap.Now()
		time.Sleep(ms)
		chunk(x, string(s.say(`{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":10,"remaining":9,"reset_seconds":60}]}`)[0]))
		x.Sent(c.say(askAloud)[0], asked, tap.Now())
		for _, event := range []string{aloudOpened, aloudDone("completed", "null")} {
			time.Sleep(ms)
			chunk(x, string(s.say(event)[0]))
		}
		end(x)
		if l := told.records[0].RateLimits; len(l) != 1 || l[0].Reset != time.Minute {
			t.Errorf("limits %+v, want one that is reset in a minute", l)
		}
	})
}

// TestNoTimeIsNegative reports arrivals in any order beside the moments of the process: before
// the write of the request has returned, before the client had the bytes before, and before
// those of the segment in front.
func TestNoTimeIsNegative(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		synctest.Test(t, func(t *testing.T) {
			of, told := newTap()
			pass := func() { time.Sleep(time.Duration(random.IntN(3)) * 300 * time.Microsecond) }
			earlier := func() tap.Instant { return tap.Instant(random.IntN(4)) * tap.Instant(400*time.Microsecond) }
			pass()
			r := chat("Content-Type", "application/json")
			if random.IntN(4) > 0 {
				r.Arrived = r.Read - min(earlier(), r.Read-1)
			}
			x := of.Begin(r)
			x.RequestBody([]byte(`{"model":"m","stream":true,"messages":[]}`))
			pass()
			x.RequestSent(tap.Now(), 0)
			x.RequestRead(tap.Now() - earlier())
			written := random.IntN(3)
			if written == 0 {
				x.RequestWritten(tap.Now())
			}
			var came tap.Instant
			read := func() tap.Instant {
				pass()
				if came = tap.Now(); random.IntN(4) > 0 {
					came -= earlier()
					x.Arrived(came, tap.Now())
				}
				return tap.Now()
			}
			at := read()
			x.ResponseHead(200, header("Content-Type", "text/event-stream"), at)
			if pass(); written == 1 {
				x.RequestWritten(tap.Now())
			}
			for range random.IntN(6) {
				x.Chunk([][]byte{[]byte(`data: {"choices":[{"index":0,"delta":{"content":"token"}}]}` + "\n\n")}, at, tap.Now())
				at = read()
			}
			if written == 2 {
				x.RequestWritten(tap.Now())
			}
			x.Chunk([][]byte{[]byte("data: [DONE]\n\n")}, at, tap.Now())
			if random.IntN(2) > 0 {
				at = came
			}
			x.End(tap.Result{At: at, Outcome: exchange.OK})
			checkTimes(t, told.only(t))
		})
		if t.Failed() {
			return
		}
	}
}

// checkTimes checks that no time of r is negative, and that its moments are in order.
func checkTimes(t *testing.T, r exchange.Record) {
	t.Helper()
	if r.Timing.RequestRead > r.Timing.ResponseHead { // the response was there before the request was whole
		r.Timing.RequestWritten = 0
	}
	for name, d := range map[string]time.Duration{
		"TTFT": r.TTFT(), "TPOT": r.TPOT(), "E2E": r.E2E(), "stall": r.Stall(), "longest gap": r.Chunks.Longest(),
		"first token − head": r.Timing.FirstToken - r.Timing.ResponseHead*sign(r.Timing.FirstToken),
		"head − written":     r.Timing.ResponseHead - r.Timing.RequestWritten,
		"last − first token": r.Timing.LastToken - r.Timing.FirstToken,
		"last − first chunk": r.Timing.LastChunk - r.Timing.FirstChunk, "end − last chunk": r.Timing.End - r.Timing.LastChunk,
		"request": r.Overhead.Request, "first chunk": r.Overhead.FirstChunk, "chunk": r.Overhead.Chunk,
		"upstream": r.Clocks.Upstream.Sum, "headway": r.Clocks.Proxy.Sum, "client": r.Clocks.Client.Sum,
		"longest of upstream": r.Clocks.Upstream.Longest, "longest of headway": r.Clocks.Proxy.Longest, "longest of client": r.Clocks.Client.Longest,
	} {
		if d < 0 {
			t.Errorf("%s is %v, in %+v", name, d, r.Timing)
		}
	}
	previous := time.Duration(0)
	for k := range r.Chunks.All() {
		if k.At < previous {
			t.Errorf("a chunk came at %v, after one at %v", k.At, previous)
		}
		previous = k.At
	}
}

// sign is 1 for a moment that there was, else 0.
func sign(d time.Duration) time.Duration { return min(1, d) }
