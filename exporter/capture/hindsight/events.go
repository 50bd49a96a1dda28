package hindsight

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// flags say what an event is: an attempt, a call, or an attempt that was the whole call;
// and how it ended, unless it was answered.
type flags = uint32

const (
	anAttempt flags = 1 << iota
	aCall
	failed
	left // the client did, before the end
)

// micros are whole microseconds. Limits of SLOs are no finer, and an hour, the longest of
// them, fits.
type micros = uint32

// never is the least limit of an event that keeps none.
const never micros = math.MaxUint32

// events are the exchanges and calls of a group. Of each event it keeps the least limit
// that it would have kept, for every indicator.
type events struct {
	size  int
	flags column
	least [16]column // by indicator: exchange.Misses has room for so many
}

// add adds an event.
func (e *events) add(q *slo.Request, f flags) {
	switch q.Outcome {
	case exchange.OK:
	case exchange.ClientGone:
		f |= left
	default:
		f |= failed
	}
	e.flags.set(e.size, f)
	for _, i := range limitable() {
		e.least[i].set(e.size, least(q, i))
	}
	e.size++
}

// limitable lists the indicators that have limits.
func limitable() []exchange.Indicator { return exchange.Indicators()[1:] }

// least returns the least limit of the indicator that q keeps, rounded up to microseconds:
// 0 if q keeps every limit, and never if it keeps none. It asks the judge of SLOs, because a
// judgement of its own could differ. A longer limit is never harder to keep.
func least(q *slo.Request, i exchange.Indicator) micros {
	keeps := func(limit int) bool {
		missed, _ := slo.Objectives{{Indicator: i, Limit: time.Duration(limit) * time.Microsecond}}.Judge(q)
		return !missed.Has(i)
	}
	if guess := hint(q, i); guess > 1 && guess < int(never) && keeps(guess) && !keeps(guess-1) {
		return micros(guess)
	}
	switch {
	case keeps(1):
		return 0
	case !keeps(int(never) - 1):
		return never
	}
	return micros(2 + sort.Search(int(never)-3, func(n int) bool { return keeps(n + 2) }))
}

// hint is the likely least limit in microseconds; 0 is no idea. It only spares the judge
// most of its judgements.
func hint(q *slo.Request, i exchange.Indicator) int {
	d, over := time.Duration(0), int64(1)
	switch i {
	case exchange.TTFT:
		d = q.TTFT
	case exchange.TTFTPerInputToken:
		d, over = q.TTFT, q.Input.N
	case exchange.TPOT:
		d = q.TPOT
	case exchange.ITLP50:
		d = q.ITL.P50
	case exchange.ITLP90:
		d = q.ITL.P90
	case exchange.ITLP99:
		d = q.ITL.P99
	case exchange.Stall:
		d = q.Stall
	case exchange.E2E:
		d = q.E2E
	case exchange.E2EPerOutputToken:
		d, over = q.E2E, q.Output.N
	}
	each := time.Duration(max(1, over)) * time.Microsecond
	return int((d + each - 1) / each)
}

// column is a list of numbers of which long stretches may be 0. Those take no memory.
type column struct{ blocks []*[256]uint32 }

func (c *column) set(row int, v uint32) {
	if v == 0 {
		return
	}
	for len(c.blocks) <= row/256 {
		c.blocks = append(c.blocks, nil)
	}
	if c.blocks[row/256] == nil {
		c.blocks[row/256] = new([256]uint32)
	}
	c.blocks[row/256][row%256] = v
}

func (c *column) at(row int) uint32 {
	if row/256 >= len(c.blocks) || c.blocks[row/256] == nil {
		return 0
	}
	return c.blocks[row/256][row%256]
}

// sample is one indicator over the attempts or the calls of a group. Both lists have the
// least limits that were kept, in ascending order.
type sample struct {
	answered []micros
	left     []micros
	failed   int
}

// of returns the events with the flag, by the indicator.
func (e *events) of(what flags, i exchange.Indicator) sample {
	var s sample
	for row := range e.size {
		f, v := e.flags.at(row), e.least[i].at(row)
		switch {
		case f&what == 0:
		case f&failed != 0:
			s.failed++
		case f&left != 0:
			s.left = append(s.left, v)
		default:
			s.answered = append(s.answered, v)
		}
	}
	slices.Sort(s.answered)
	slices.Sort(s.left)
	return s
}

// good returns how many events a limit would have found good, and how many it would have
// counted: a client that left before the limit passed says nothing.
func (s *sample) good(limit micros) (good, counted int) {
	good = upTo(s.answered, limit)
	return good, len(s.answered) + s.failed + len(s.left) - upTo(s.left, limit)
}

// met returns the least limit with such a share of good events, and false if no limit has.
func (s *sample) met(share float64) (micros, bool) {
	meets := func(limit int) bool { return enough(s.good(micros(limit)))(share) }
	if !meets(int(never) - 1) {
		return 0, false
	}
	return micros(sort.Search(int(never)-1, meets)), true
}

// enough returns a function that says whether good ones of those counted are at least a
// share. Shares such as .999 are no exact numbers, so it forgives the last digits.
func enough(good, counted int) func(share float64) bool {
	return func(share float64) bool { return counted > 0 && float64(good) >= share*float64(counted)*(1-1e-12) }
}

// upTo is how many of the sorted values are no more than limit.
func upTo(sorted []micros, limit micros) int {
	return sort.Search(len(sorted), func(n int) bool { return sorted[n] > limit })
}
