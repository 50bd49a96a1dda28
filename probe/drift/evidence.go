package drift

import (
	"math"
	"time"
)

// evidence is the mean of several Shiryaev–Roberts e-detectors, each of which bets on one
// change. On average it is at most the number of observations, as long as the mean factor
// of each bet is at most 1.
type evidence struct {
	level float64
	bets  []bet
	seen  int64
	alarm bool
}

// bet is one e-detector, and beside it a CUSUM that starts again whenever the evidence for
// its change is gone. The CUSUM's start is the likeliest time of the change.
type bet struct {
	sum   float64
	cusum float64
	since time.Time
	first int64 // the number of the observation at since
}

func newEvidence(bets int, level float64) evidence {
	return evidence{level: level, bets: make([]bet, bets)}
}

// recovered is the part of the level below which an alarm ends: a return period of a day,
// if the promise is 30 days.
const recovered = 30

// update takes the factors of one observation, one for each bet.
func (e *evidence) update(at time.Time, factors []float64, mayAlarm bool) {
	// The bound ends an alarm soon after the service has recovered. It only takes evidence
	// away, so the promise holds.
	bound := 2 * float64(len(e.bets)) * e.level
	for i := range e.bets {
		b := &e.bets[i]
		b.sum = math.Min((b.sum+1)*factors[i], bound)
		if b.cusum <= 1 {
			b.cusum, b.since, b.first = 1, at, e.seen
		}
		b.cusum = math.Min(b.cusum*factors[i], math.MaxFloat64)
	}
	e.seen++
	switch mean := e.mean(); {
	case mean >= e.level:
		e.alarm = mayAlarm
	case mean < e.level/recovered:
		e.alarm = false
	}
}

func (e *evidence) mean() float64 {
	all := 0.0
	for i := range e.bets {
		all += e.bets[i].sum
	}
	return all / float64(len(e.bets))
}

// best returns the bet with most evidence.
func (e *evidence) best() bet {
	best := e.bets[0]
	for _, b := range e.bets[1:] {
		if b.sum > best.sum {
			best = b
		}
	}
	return best
}

// forget begins with no evidence. The numbers of observations go on.
func (e *evidence) forget() { clear(e.bets) }
