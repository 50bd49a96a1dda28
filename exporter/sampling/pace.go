package sampling

import (
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxKinds bounds the kinds of exchanges with a limit of their own; all further kinds share
// one. maxModel bounds the model's name in a kind, in bytes.
const (
	maxKinds = 256
	maxModel = 256
)

// kind is a kind of exchanges whose times can be compared.
type kind struct {
	mode      exchange.Mode
	operation exchange.Operation
	model     string // as requested
	stream    bool
}

// times are the limits of one kind.
type times struct{ ttft, e2e limit }

// pace knows which times are slow for each kind. It is safe for concurrent use. Only the
// first exchange of a kind waits for a lock.
type pace struct {
	known atomic.Pointer[map[kind]*times] // never changed, only replaced
	mu    sync.Mutex                      // held to replace it
	rest  times                           // of all kinds beyond maxKinds
}

// slow says whether r is among the slowest 1 % of its kind, by its E2E or, if it is a
// stream, its TTFT. It compares only exchanges that ended well: others end early, or late,
// for reasons of their own.
func (p *pace) slow(r *exchange.Record) bool {
	if r.Outcome != exchange.OK {
		return false
	}
	t := p.of(r)
	slow := t.e2e.exceeded(r.E2E())
	if r.Stream && r.TTFT() > 0 {
		slow = t.ttft.exceeded(r.TTFT()) || slow
	}
	return slow
}

func (p *pace) of(r *exchange.Record) *times {
	k := kind{r.Mode, r.Operation, r.Model.Request[:min(len(r.Model.Request), maxModel)], r.Stream}
	if known := p.known.Load(); known != nil {
		if t := (*known)[k]; t != nil {
			return t
		}
		if len(*known) >= maxKinds {
			return &p.rest
		}
	}
	return p.add(k)
}

func (p *pace) add(k kind) *times {
	p.mu.Lock()
	defer p.mu.Unlock()
	more := map[kind]*times{}
	if known := p.known.Load(); known != nil {
		if t := (*known)[k]; t != nil {
			return t
		}
		if len(*known) >= maxKinds {
			return &p.rest
		}
		more = maps.Clone(*known)
	}
	t := new(times)
	k.model = strings.Clone(k.model) // a name may be a piece of a larger string
	more[k] = t
	p.known.Store(&more)
	return t
}

// limit estimates the 99th percentile of the values that it is shown, by stochastic
// approximation (Robbins and Monro, A Stochastic Approximation Method, 1951). A value
// beyond the limit raises the limit by 99 steps, any other value lowers it by one.
// Whatever the distribution is and however it shifts, the ups and downs cancel out: of n
// values, the share that exceeded it is
//
//	1 % ± (steps from its first value to its last) ÷ 100 n
//
// and the descent below makes it 1.01 % where nothing shifts. When a distribution shifts
// up by an octave, the limit catches up after 16 values beyond it; when a distribution
// shifts down by an octave, after 800.
//
// The limit moves in logarithms, so that steps mean the same for 10 ms and 10 minutes.
// Concurrent calls may compare with a limit that another call is about to move, which
// cancels out, too.
type limit struct {
	at    atomic.Int64 // in units of 2^-16 octaves of a nanosecond
	runup atomic.Int64 // how many values it was shown, up to warm
	quiet atomic.Int64 // how many values it was shown since one exceeded it

	mu             sync.Mutex // of the first values
	first, greater int64      // the second greatest of them, and the greatest
}

const (
	octave = 1 << 16
	// warm is how many values a limit must see before it judges one: the second greatest
	// of 100 is their 99th percentile by nearest rank.
	warm = 100
	// step makes 99 of them a 16th of an octave: the limit of a steady log-normal
	// distribution then strays by some 5 %.
	step = 41
	// After hush values of which none exceeded it, which happens to a good limit once in
	// a thousand times, the limit is too high: it then descends by descent steps.
	hush    = 700
	descent = 8
)

// exceeded shows d to the limit and says whether d was beyond it.
func (l *limit) exceeded(d time.Duration) bool {
	at := int64(math.Log2(float64(max(1, d))) * octave)
	if l.runup.Load() < warm && l.warmUp(at) {
		return false
	}
	if at > l.at.Load() {
		l.quiet.Store(0)
		l.at.Add(99 * step)
		return true
	}
	down := int64(step)
	if l.quiet.Add(1) > hush {
		down *= descent
	}
	l.at.Add(-down)
	return false
}

// warmUp notes one of the first values. It returns false if there were enough already.
func (l *limit) warmUp(at int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.runup.Load()
	if n >= warm {
		return false
	}
	l.first = max(l.first, min(at, l.greater))
	l.greater = max(l.greater, at)
	if n == warm-1 {
		l.at.Store(l.first)
	}
	l.runup.Store(n + 1)
	return true
}
