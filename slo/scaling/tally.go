package scaling

import "time"

// slot is the resolution of a tally.
const slot = 10 * time.Second

// slots is how many slots a tally has: those of Window, and the one that is being filled.
const slots = int64(Window/slot) + 1

// tally counts the requests of one model that one SLO judged, in a ring of slots.
type tally struct {
	ring [slots]filled
	last time.Time // of the latest request
}

// filled holds the counts of one slot, whose number since 1970 it has.
type filled struct {
	at        int64
	good, all uint32
}

func slotOf(now time.Time) int64 { return now.UnixNano() / int64(slot) }

func (t *tally) idle(now time.Time) bool { return now.Sub(t.last) > idle }

func (t *tally) add(now time.Time, good bool) {
	t.last = now
	at := slotOf(now)
	s := &t.ring[at%slots]
	if s.at != at {
		*s = filled{at: at}
	}
	s.all++
	if good {
		s.good++
	}
}

// need is the share of the error budget that the requests of Window used. Beyond all of it,
// need is the promised share ÷ the share that was good. Both are 1 where they meet.
func (t *tally) need(now time.Time, promised float64) float64 {
	good, all := float64(doubt), float64(doubt)
	present := slotOf(now)
	for _, s := range t.ring {
		if s.at > present-slots && s.at <= present {
			good += float64(s.good)
			all += float64(s.all)
		}
	}
	share := good / all
	if share >= promised {
		return (1 - share) / (1 - promised)
	}
	return promised / share
}
