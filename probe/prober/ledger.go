package prober

import (
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
)

// usage is what canaries use up.
type usage struct {
	tokens int64
	money  float64
}

// ledger adds up what a probe used within the last 24 hours, by the monotonic clock, so
// that no step of the wall clock gives it a new day. Hours count as a whole until they are
// 24 hours past.
type ledger struct {
	mu    sync.Mutex
	begin time.Time
	hour  int64 // since begin, of the newest entry
	used  [hours]usage
}

const hours = 25

// rounding is what sums of amounts are off by.
const rounding = 1e-9

func newLedger(now time.Time) *ledger { return &ledger{begin: now} }

// reserve books u if the budget has room for it.
func (l *ledger) reserve(now time.Time, u usage, within probe.Budget) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(now)
	sum := u
	for _, h := range l.used {
		sum.tokens += h.tokens
		sum.money += h.money
	}
	if within.Tokens > 0 && sum.tokens > within.Tokens || within.Money > 0 && sum.money > within.Money*(1+rounding) {
		return false
	}
	l.add(u, 1)
	return true
}

// settle replaces a reservation by what was used.
func (l *ledger) settle(now time.Time, reserved, used usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advance(now)
	l.add(reserved, -1)
	l.add(used, 1)
}

func (l *ledger) add(u usage, sign float64) {
	h := &l.used[l.hour%hours]
	h.tokens += int64(sign) * u.tokens
	h.money += sign * u.money
}

// advance empties the hours that have passed.
func (l *ledger) advance(now time.Time) {
	hour := int64(now.Sub(l.begin) / time.Hour)
	for n := max(l.hour+1, hour-hours+1); n <= hour; n++ {
		l.used[n%hours] = usage{}
	}
	l.hour = max(l.hour, hour)
}
