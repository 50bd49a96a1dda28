package exporter

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lastSeries is room for one last series of each instrument that draws samples.
	lastSeries = 71
	// otherShare is the part of the bound for series whose models and upstream are Other:
	// one in eight.
	otherShare = 8
)

// Series names one series: an instrument, and the values of its labels. A histogram is
// one series, whatever its buckets.
type Series struct {
	Instrument string
	Identity   Identity // only the parts that are labels of the instrument
	Extra      Extra
}

// Set holds the places of the series of one Identity. It is safe for concurrent use.
type Set struct {
	Identity Identity

	bound *seriesBound
	use
	gone   atomic.Bool
	series map[Series]share // bound.mu guards it
}

// SeriesUse says how many series there are.
type SeriesUse struct {
	Present  int    // those of Other included
	Limit    int    // 0 is none
	Folded   uint64 // times that samples of one exchange went to a series of Other, because no place was left
	Released uint64 // series that ended because nobody used them for an hour
}

// seriesBound bounds the series of the process. All backends ask it, so that all have the
// same series, and a series of several backends counts once.
type seriesBound struct {
	mu       sync.Mutex
	limit    int // 0 is none
	sets     map[Identity]*Set
	users    map[Series]int  // so many sets have it: some instruments leave parts of the Identity out
	counts   [ofLast + 1]int // of users, by share
	tired    time.Time       // no set is unused before that
	released uint64
	folded   atomic.Uint64
	end      []func(Identity, []Series)
}

// LimitSeries bounds the series, 0 does not. A sample whose series finds no place counts
// where operation and provider are the same, and models and upstream are Other. Such
// series share an eighth of the bound; without a place there, the sample counts in the
// last series of its instrument, whose labels are all Other. Those always have a place,
// so limit should be 100 or more. Call LimitSeries before the first exchange.
func (n *Names) LimitSeries(limit int) { n.series.limit = limit }

// OnRelease has end called when a Set gives its places away, with the series that no other
// Set has: they have to end. Call OnRelease before the first exchange.
func (n *Names) OnRelease(end func(Identity, []Series)) { n.series.end = append(n.series.end, end) }

// SeriesUse says how many series there are now. Any goroutine may call it.
func (n *Names) SeriesUse() SeriesUse {
	b := &n.series
	b.mu.Lock()
	defer b.mu.Unlock()
	return SeriesUse{Present: len(b.users), Limit: b.limit, Folded: b.folded.Load(), Released: b.released}
}

// SetOf returns the Set of id. If there is no place for one more series, it returns the
// Set of id.Beyond.
func (n *Names) SetOf(id Identity) *Set {
	b, now := &n.series, time.Now()
	b.mu.Lock()
	var gone []*ended
	found := b.sets[id]
	if found == nil && id != id.Beyond() {
		if gone = b.makeRoom(now, ofNames); b.full(ofNames) {
			id = id.Beyond()
			found = b.sets[id]
		}
	}
	if found == nil {
		found = &Set{Identity: id, bound: b, series: map[Series]share{}}
		b.sets[id] = found
	}
	found.note(now)
	b.mu.Unlock()
	b.tell(gone)
	return found
}

// Use notes that an exchange has samples for the Set. It is false after the Set has given
// its places away: then ask SetOf for a new one.
func (s *Set) Use(now time.Time) bool {
	s.note(now)
	return !s.gone.Load()
}

// Room says whether the Set may have a series of in, and gives it a place if one is left.
// When it is false, the samples belong where Fold says, and Room counts them as folded.
func (s *Set) Room(in *Instrument, extra Extra) bool {
	b, series := s.bound, Series{in.Name, s.Identity.of(in), extra}
	b.mu.Lock()
	ok, gone := b.admit(s, series, series.share(in))
	b.mu.Unlock()
	b.tell(gone)
	if !ok {
		b.folded.Add(1)
	}
	return ok
}

// Fold tells the series in which a sample counts that has no Room among those of s.
func (s *Set) Fold(in *Instrument, extra Extra) (Identity, Extra) {
	if beyond := s.Identity.Beyond(); beyond != s.Identity {
		return beyond, extra
	}
	last := Identity{Operation: Other, Provider: Other, Tenant: s.Identity.Tenant}
	return last.Beyond(), in.lastExtra()
}

// lastExtra is the Extra of the last series of in.
func (in *Instrument) lastExtra() (extra Extra) {
	for i := range in.Labels {
		extra[i] = Other
	}
	return extra
}

// Folded counts that samples for another Set went to s.
func (s *Set) Folded() { s.bound.folded.Add(1) }

// of is i without the parts that are no labels of in.
func (i Identity) of(in *Instrument) Identity {
	if in.Family != GenAIClient && in.Family != GenAIServer {
		i.Provider, i.Response = "", ""
	}
	if !in.PerTenant {
		i.Tenant = Tenant{}
	}
	return i
}

// Shared is i as instruments see it that do not tell tenants apart. With a Set of its own for them,
// the Sets of tenants stay small.
func (i Identity) Shared() Identity {
	i.Tenant = Tenant{}
	return i
}

// Beyond is i without the names that traffic can make.
func (i Identity) Beyond() Identity {
	i.Request, i.Response = Other, Other
	i.Upstream.Host, i.Upstream.Port = Other, 0
	i.Tenant = i.Tenant.beyond()
	return i
}

// share is a part of the bound.
type share uint8

// The shares.
const (
	ofNames share = iota // series of a model or an upstream that has a label
	ofOther              // series of Other
	ofLast               // series of Other in all labels
)

// share tells to which share s, a series of in, belongs.
func (s Series) share(in *Instrument) share {
	b := s.Identity.Beyond()
	if s.Identity.Response == "" {
		b.Response = ""
	}
	switch {
	case s.Identity != b:
		return ofNames
	case s.Identity.Operation == Other && (s.Identity.Provider == "" || s.Identity.Provider == Other) && s.Extra == in.lastExtra():
		return ofLast
	}
	return ofOther
}

// full says whether all places of a share are taken.
func (b *seriesBound) full(of share) bool {
	forLast := min(lastSeries, 3*b.limit/5)
	forOther := (b.limit - forLast) / otherShare
	switch {
	case b.limit == 0 || of == ofLast:
		return false
	case of == ofOther:
		return b.counts[ofOther] >= forOther
	}
	return b.counts[ofNames] >= b.limit-forLast-forOther
}

// admit gives series a place among those of s, if there is one. The caller holds mu.
func (b *seriesBound) admit(s *Set, series Series, of share) (ok bool, gone []*ended) {
	if s.gone.Load() {
		return false, nil
	}
	if _, ok := s.series[series]; ok {
		return true, nil
	}
	if b.users[series] == 0 {
		if gone = b.makeRoom(time.Now(), of); b.full(of) || s.gone.Load() {
			return false, gone
		}
	}
	s.series[series] = of
	if b.users[series]++; b.users[series] == 1 {
		b.counts[of]++
	}
	return true, gone
}

// ended holds what a Set leaves behind.
type ended struct {
	id     Identity
	series []Series // that no other Set has
}

// makeRoom drops the sets that nobody used for so long, if no other place of a share is left. The
// caller holds mu. It tells the result when it holds mu no more.
func (b *seriesBound) makeRoom(now time.Time, of share) (gone []*ended) {
	if !b.full(of) || now.Before(b.tired) {
		return nil
	}
	b.tired = now.Add(idle)
	for _, s := range b.sets {
		if over := s.over(); !over.After(now) {
			gone = append(gone, b.drop(s))
		} else if over.Before(b.tired) {
			b.tired = over
		}
	}
	return gone
}

// release drops every Set whose Identity matches.
func (b *seriesBound) release(match func(Identity) bool) {
	b.mu.Lock()
	var gone []*ended
	for id, s := range b.sets {
		if match(id) {
			gone = append(gone, b.drop(s))
		}
	}
	b.mu.Unlock()
	b.tell(gone)
}

func (b *seriesBound) drop(s *Set) *ended {
	s.gone.Store(true)
	delete(b.sets, s.Identity)
	out := &ended{id: s.Identity}
	for series, of := range s.series {
		if b.users[series]--; b.users[series] > 0 {
			continue
		}
		delete(b.users, series)
		b.counts[of]--
		out.series = append(out.series, series)
	}
	b.released += uint64(len(out.series))
	return out
}

func (b *seriesBound) tell(gone []*ended) {
	for _, e := range gone {
		for _, end := range b.end {
			end(e.id, e.series)
		}
	}
}
