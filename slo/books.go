package slo

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The resolution of the books: ten seconds for five minutes, a minute for six hours, an
// hour for the longest window there is. Every ring has a slot more than it shows, for the
// slot that is being filled.
const (
	slot       = 10 * time.Second
	perMinute  = int64(time.Minute / slot)
	fineSlots  = int64(5*time.Minute/slot) + 1
	minuteSlot = int64(6*time.Hour/time.Minute) + 1
	maxHours   = int64(maxWindow / time.Hour)
)

// books hold the counts, by SLO. Judge.mu guards them.
type books struct {
	started time.Time
	slot    int64 // the present one, counted from started
	ledgers []*ledger
	totals  map[string]*totals // by name, also of SLOs that are gone
	seen    uint64             // exchanges so far, judged by an SLO or by none
}

// totals never fall while the process lives.
type totals struct{ timed, onTime uint64 }

// ledger holds the counts of one SLO.
type ledger struct {
	slo    *SLO
	totals *totals
	opened time.Time
	since  time.Time // start of the error budget: opened, or earlier if Restore knows more

	fine   [fineSlots]tally
	minute [minuteSlot]tally // complete slots only
	hours  []hour            // oldest first, none empty

	matched time.Time // when the SLO last matched an exchange
	seen    uint64    // books.seen at that moment
	hit     bool      // the SLO has matched an exchange
	warned  bool      // Unmatched has named the SLO since then
}

// tally holds the counts of some span of time.
type tally struct {
	requests, good     uint64
	tokens, goodTokens uint64
	timed, onTime      uint64
	counted, uncounted uint64 // answers with a known number of tokens, and without
	missed             [exchange.E2EPerOutputToken + 1]uint64
}

// hour counts the requests in an hour of Unix time, for the error budget.
type hour struct {
	at          int64
	total, good uint64
}

func newBooks(now time.Time) books { return books{started: now, totals: map[string]*totals{}} }

// open gives every rule of e a ledger: the present ledger of the same SLO, or a new one. It
// returns the names of the SLOs that had a ledger and get a new one, because they judge
// otherwise now.
func (b *books) open(e *engine) (anew []string) {
	now := time.Now()
	b.roll(now)
	before := b.ledgers
	b.ledgers = nil
	for i := range e.rules {
		r := &e.rules[i]
		at := slices.IndexFunc(before, func(l *ledger) bool { return l.slo.same(r.SLO) })
		if at >= 0 {
			r.ledger = before[at]
		} else {
			r.ledger = &ledger{opened: now, since: now, matched: now, seen: b.seen}
			if slices.ContainsFunc(before, func(l *ledger) bool { return l.slo.Name == r.Name }) {
				anew = append(anew, r.Name)
			}
		}
		if b.totals[r.Name] == nil {
			b.totals[r.Name] = new(totals)
		}
		r.ledger.slo, r.ledger.totals = r.SLO, b.totals[r.Name]
		b.ledgers = append(b.ledgers, r.ledger)
	}
	return anew
}

// add books the opinions on one exchange.
func (b *books) add(now time.Time, matched []*ledger, opinions []opinion) {
	b.roll(now)
	b.seen++
	hour := now.Unix() / 3600
	for _, l := range matched {
		l.matched, l.seen, l.hit, l.warned = now, b.seen, true, false
	}
	for i := range opinions {
		o := &opinions[i]
		o.by.ledger.add(o, b.slot%fineSlots, hour)
	}
}

func (l *ledger) add(o *opinion, at, hour int64) {
	t := &l.fine[at]
	h := l.hour(hour)
	t.requests++
	h.total++
	t.tokens += o.tokens
	t.counted += o.counted
	t.uncounted += o.uncounted
	t.timed += o.timed
	t.onTime += o.onTime
	l.totals.timed += o.timed
	l.totals.onTime += o.onTime
	if o.missed == 0 {
		t.good++
		h.good++
		t.goodTokens += o.tokens
		return
	}
	for i := range t.missed {
		if o.missed.Has(exchange.Indicator(i)) {
			t.missed[i]++
		}
	}
}

// hour returns the entry of an hour, or the last one if the clock went back.
func (l *ledger) hour(at int64) *hour {
	if n := len(l.hours); n > 0 && l.hours[n-1].at >= at {
		return &l.hours[n-1]
	}
	for len(l.hours) > 0 && l.hours[0].at <= at-maxHours {
		l.hours = l.hours[1:]
	}
	l.hours = append(l.hours, hour{at: at})
	return &l.hours[len(l.hours)-1]
}

// roll moves on to the slot of now.
func (b *books) roll(now time.Time) {
	next := int64(now.Sub(b.started) / slot)
	if next <= b.slot {
		return
	}
	for _, l := range b.ledgers {
		l.minute[b.slot/perMinute%minuteSlot].add(&l.fine[b.slot%fineSlots])
		for s := max(b.slot+1, next-fineSlots+1); s <= next; s++ {
			l.fine[s%fineSlots] = tally{}
		}
		for m := max(b.slot/perMinute+1, next/perMinute-minuteSlot+1); m <= next/perMinute; m++ {
			l.minute[m%minuteSlot] = tally{}
		}
	}
	b.slot = next
}

// sum adds up the slots of the last window, and the present slot as far as it is filled.
// It also returns how much time they cover. The window must be one of windows.
func (b *books) sum(l *ledger, window time.Duration, now time.Time) (tally, time.Duration) {
	var t tally
	size, ring, last := slot, l.fine[:], b.slot
	if window > time.Duration(fineSlots-1)*slot {
		size, ring, last = time.Minute, l.minute[:], b.slot/perMinute
		t.add(&l.fine[b.slot%fineSlots])
	}
	for s := max(0, last-int64(window/size)); s <= last; s++ {
		t.add(&ring[s%int64(len(ring))])
	}
	covered := window + now.Sub(b.started) - time.Duration(last)*size
	return t, min(covered, now.Sub(l.opened))
}

func (t *tally) add(o *tally) {
	t.requests += o.requests
	t.good += o.good
	t.tokens += o.tokens
	t.goodTokens += o.goodTokens
	t.timed += o.timed
	t.onTime += o.onTime
	t.counted += o.counted
	t.uncounted += o.uncounted
	for i := range t.missed {
		t.missed[i] += o.missed[i]
	}
}

// fingerprint is equal for SLOs that judge every exchange the same.
func (s *SLO) fingerprint() string {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q %q %q %v %v %v %v", s.Name, s.Match.Operation, s.Match.Model, s.Match.Upstream,
		s.Match.InputTokens, s.Good, s.Exclude, s.ExcludeTypes)
	stream := "either"
	if s.Match.Stream != nil {
		stream = strconv.FormatBool(*s.Match.Stream)
	}
	_, _ = fmt.Fprintf(h, " %s %s", stream, s.Judge)
	for _, name := range slices.Sorted(maps.Keys(s.Match.Header)) {
		_, _ = fmt.Fprintf(h, " %q %q", name, s.Match.Header[name])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
