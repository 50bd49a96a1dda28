package poller

import (
	"testing"
	"time"
)

// wallClock is a machine whose two clocks a test moves.
type wallClock struct {
	now    time.Duration
	ahead  int64
	looks  int
	stop   func(look int) time.Duration // for how long the process stops between the clocks
	looked func()
}

// cost is how long it takes to read a clock.
const cost = 25 * time.Nanosecond

func (w *wallClock) monotonic() time.Duration {
	w.now += cost
	return w.now
}

func (w *wallClock) look() (int64, time.Duration) {
	w.now += cost
	wall := w.stamp()
	if w.stop != nil {
		w.now += w.stop(w.looks)
	}
	w.looks++
	if w.looked != nil {
		w.looked()
	}
	return wall, w.monotonic()
}

// stamp is the stamp of bytes that come now.
func (w *wallClock) stamp() int64 { return int64(w.now) + w.ahead }

// newWallClock returns a machine, and a stampClock on it.
func newWallClock() (*wallClock, *stampClock) {
	w := &wallClock{now: time.Hour, ahead: int64(57 * 365 * 24 * time.Hour)}
	return w, makeStampClock(w.monotonic, w.look)
}

// exact is how far a moment may be off: by the cost of the looks that found its offset.
const exact = 100 * time.Nanosecond

// expect reads bytes that came at the moment came, with the given stamp.
func expect(t *testing.T, c *stampClock, stamp int64, came time.Duration) {
	t.Helper()
	if at, now := c.arrival(stamp, 0); (at-came).Abs() > exact || at >= now {
		t.Errorf("bytes that came at %v, read at %v, are said to have come %v off", came, now, at-came)
	}
}

func TestStampIsTheMomentOfArrival(t *testing.T) {
	w, c := newWallClock()
	for range 1000 {
		w.now += 20 * time.Millisecond
		came, stamp := w.now, w.stamp()
		w.now += 3 * time.Millisecond
		expect(t, c, stamp, came)
	}
}

func TestNoStampIsTheMomentOfTheRead(t *testing.T) {
	_, c := newWallClock()
	if at, now := c.arrival(0, 0); at != now {
		t.Errorf("bytes without a stamp came at %v, want the read's %v", at, now)
	}
}

// TestStepMovesNoMoment sets the clock before bytes come, and while they wait.
func TestStepMovesNoMoment(t *testing.T) {
	for name, step := range map[string]time.Duration{
		"forward, by an hour": time.Hour, "backward, by an hour": -time.Hour,
		"forward, by a second": time.Second, "backward, by a second": -time.Second,
		"forward, by little": 5 * time.Millisecond,
		"to 1970":            -57 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			w, c := newWallClock()
			w.now += 20 * time.Millisecond
			came, stamp := w.now, w.stamp()
			w.now += 30 * time.Microsecond
			expect(t, c, stamp, came)

			w.now += 20 * time.Millisecond
			came, stamp = w.now, w.stamp()
			w.now += time.Millisecond
			w.ahead += int64(step)
			w.now += time.Millisecond
			expect(t, c, stamp, came) // the step came while they waited

			w.now += 20 * time.Millisecond
			came, stamp = w.now, w.stamp()
			w.now += 20 * time.Millisecond
			expect(t, c, stamp, came) // it was over before they came, and they wait for long

			w.ahead -= int64(step)
			w.now += 20 * time.Millisecond
			came, stamp = w.now, w.stamp()
			w.now += 30 * time.Microsecond
			expect(t, c, stamp, came) // nobody has looked since the step
		})
	}
}

// TestSmallStepBackwardIsNoWorseThanTheRead has a step that leaves two moments possible.
func TestSmallStepBackwardIsNoWorseThanTheRead(t *testing.T) {
	w, c := newWallClock()
	w.now += 20 * time.Millisecond
	came, stamp := w.now, w.stamp()
	w.ahead -= int64(time.Millisecond)
	w.now += 3 * time.Millisecond
	if at, now := c.arrival(stamp, 0); at < came || at > now {
		t.Errorf("bytes that came at %v, read at %v, are said to have come at %v", came, now, at)
	}
}

// TestBytesWaitOverSteps has other connections read while the bytes of one wait, because its
// client does not read, and the clock is set meanwhile.
func TestBytesWaitOverSteps(t *testing.T) {
	w, c := newWallClock()
	came, stamp := w.now, w.stamp()
	for _, step := range []time.Duration{time.Hour, -2 * time.Hour, time.Minute} {
		for range 100 {
			w.now += 20 * time.Millisecond
			came, stamp := w.now, w.stamp()
			w.now += 30 * time.Microsecond
			expect(t, c, stamp, came)
		}
		w.ahead += int64(step)
	}
	expect(t, c, stamp, came)
}

// TestNobodyKnowsTheOffset has a clock that was set twice while nobody looked.
func TestNobodyKnowsTheOffset(t *testing.T) {
	w, c := newWallClock()
	w.now += time.Second
	w.ahead += int64(time.Hour)
	stamp := w.stamp()
	w.ahead += int64(time.Hour)
	if at, now := c.arrival(stamp, 0); at != now {
		t.Errorf("a stamp of an unknown offset means %v, want the read's %v", at, now)
	}
}

// TestProcessStopsBetweenTheClocks has the look at the clocks take long, which is no step.
func TestProcessStopsBetweenTheClocks(t *testing.T) {
	w, c := newWallClock()
	before := *c.known.Load()
	w.stop = func(look int) time.Duration {
		if look%3 == 0 {
			return 10 * time.Millisecond
		}
		return 0
	}
	for range 100 {
		w.now += 20 * time.Millisecond
		came, stamp := w.now, w.stamp()
		w.now += time.Millisecond
		expect(t, c, stamp, came)
	}
	if after := *c.known.Load(); after != before {
		t.Errorf("the offset has changed: %v, before %v", after, before)
	}
}

// TestClocksDriftApart has clocks of two rates, as a sandbox may, and one step among that.
func TestClocksDriftApart(t *testing.T) {
	for name, rate := range map[string]int64{"faster": 500, "slower": -500} { // millionths
		t.Run(name, func(t *testing.T) {
			w, c := newWallClock()
			pass := func(d time.Duration) {
				w.now += d
				w.ahead += int64(d) * rate / 1e6
			}
			for range 10_000 {
				pass(5 * time.Millisecond)
				came, stamp := w.now, w.stamp()
				pass(time.Millisecond)
				at, now := c.arrival(stamp, 0)
				if (at-came).Abs() > time.Duration(2*steady) || at >= now {
					t.Fatalf("%v off", at-came)
				}
			}
		})
	}
}

// TestArrivalsStayInOrder has a segment that came before the one that it follows.
func TestArrivalsStayInOrder(t *testing.T) {
	w, c := newWallClock()
	early := w.stamp()
	w.now += 200 * time.Millisecond
	first, _ := c.arrival(w.stamp(), 0)
	if at, _ := c.arrival(early, first); at != first {
		t.Errorf("the bytes behind came %v after those before", at-first)
	}
}

// FuzzStampClock sets the clock at any time, by any amount, while bytes come on two
// connections and wait. A moment is never later than the read, nor earlier than the bytes
// before; and it is not earlier than the truth, or by less than lookEvery if no look has seen
// that the clock was set, unless no look has ever seen the offset of the stamp.
func FuzzStampClock(f *testing.F) {
	f.Add([]byte{0, 10, 1, 0, 2, 100, 4, 0})
	f.Add([]byte{0, 200, 1, 0, 3, 90, 0, 3, 4, 0, 2, 90, 1, 1, 0, 50, 5, 0, 4, 1})
	f.Add([]byte{1, 0, 2, 255, 5, 0, 3, 255, 5, 0, 2, 30, 5, 0, 0, 90, 4, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		w, c := newWallClock()
		m := machine{wallClock: w, clock: c, seen: []bool{true}}
		w.looked = func() { m.seen[len(m.seen)-1] = true }
		for ; len(script) >= 2; script = script[2:] {
			m.do(t, script[0], script[1])
		}
	})
}

// machine has two connections, and follows which offset of its clock a read has seen.
type machine struct {
	*wallClock

	clock *stampClock
	lanes [2]struct {
		wait  []arrived
		after time.Duration
	}
	seen []bool // of the offsets so far
}

// arrived is bytes that wait to be read.
type arrived struct {
	at    time.Duration
	stamp int64
	epoch int // the offset of the stamp, in machine.seen
}

func (m *machine) do(t *testing.T, what, much byte) {
	lane := &m.lanes[much%2]
	switch what % 6 {
	case 0: // time passes: 10 µs to 40 s
		m.now += time.Duration(10_000) << (much % 22)
	case 1: // bytes come
		lane.wait = append(lane.wait, arrived{m.now, m.stamp(), len(m.seen) - 1})
	case 2, 3: // somebody sets the clock, by 50 µs to 7 hours
		step := int64(50_000) << (much % 30)
		if what%6 == 3 {
			step = -step
		}
		m.ahead += step
		m.seen = append(m.seen, false)
	case 4: // a read
		if len(lane.wait) > 0 {
			m.check(t, lane.wait[0], &lane.after)
			lane.wait = lane.wait[1:]
		}
	case 5: // a read of another connection, whose bytes have just come
		var after time.Duration
		m.check(t, arrived{m.now, m.stamp(), len(m.seen) - 1}, &after)
	}
}

// check reads bytes that came.
func (m *machine) check(t *testing.T, bytes arrived, after *time.Duration) {
	looks := m.looks
	at, now := m.clock.arrival(bytes.stamp, *after)
	if at > now || at < *after {
		t.Fatalf("read at %v, after bytes that came at %v: came at %v", now, *after, at)
	}
	switch early := bytes.at - at; {
	case m.seen[len(m.seen)-1] && m.remembers(bytes.epoch) && early > time.Duration(2*steady):
		t.Fatalf("bytes that came at %v are said to have come %v earlier", bytes.at, early)
	case m.looks == looks && bytes.epoch >= m.newestSeen() && early > lookEvery:
		t.Fatalf("without a look, bytes that came at %v are said to have come %v earlier", bytes.at, early)
	}
	*after = at
}

// newestSeen is the newest offset that a look has seen.
func (m *machine) newestSeen() int {
	for n := len(m.seen) - 1; ; n-- {
		if m.seen[n] {
			return n
		}
	}
}

// remembers says whether a look has seen the offset, and few enough since.
func (m *machine) remembers(epoch int) bool {
	since := 0
	for _, seen := range m.seen[epoch+1:] {
		if seen {
			since++
		}
	}
	return m.seen[epoch] && since < steps
}

// BenchmarkStampClock converts stamps of bytes that came 30 µs ago, beside the look at the
// monotonic clock that every read needs. The ratio is that of the two.
func BenchmarkStampClock(b *testing.B) {
	zero := time.Now()
	c := newStampClock(zero)
	const batch = 1000
	var plain, stamped, after, now time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		for range batch {
			now = time.Since(zero)
		}
		middle := time.Now()
		stamp := middle.UnixNano()
		for n := range batch {
			after, now = c.arrival(stamp+int64(now-middle.Sub(zero))-30_000+int64(n&1), after)
		}
		plain, stamped = plain+middle.Sub(began), stamped+time.Since(middle)
	}
	n := float64(b.N * batch)
	b.ReportMetric(float64(plain)/n, "ns/look")
	b.ReportMetric(float64(stamped)/n, "ns/conversion")
	b.ReportMetric(float64(stamped)/float64(plain), "ratio")
	b.ReportMetric(0, "ns/op")
}
