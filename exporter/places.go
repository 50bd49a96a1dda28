package exporter

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// idle is how long nobody uses a name, or the series of a set of labels, before it gives
// its place away. Prometheus looks back five minutes for a sample, so that no query of the
// present misses the series.
const idle = time.Hour

// noticed is how often a use is written down. Every exchange uses its names, and writing
// one word from all cores at once would cost more than the rest of the lookup.
const noticed = time.Minute

// use is the moment at which somebody last used a place, to the minute.
type use struct{ at atomic.Int64 } // nanoseconds since 1970

func (u *use) note(now time.Time) {
	if t := now.UnixNano(); t-u.at.Load() >= int64(noticed) {
		u.at.Store(t)
	}
}

// over is the moment from which the place counts as unused.
func (u *use) over() time.Time { return time.Unix(0, u.at.Load()).Add(idle) }

// places gives so many values a place, as copies that it owns.
type places[T comparable] struct {
	limit int
	known atomic.Pointer[map[T]*place[T]] // never changed, only replaced
	mu    sync.Mutex                      // held to replace it
	kept  int
	lent  atomic.Int64 // places that no value has claimed
	tired time.Time    // no place is unused before that
}

// place is that of one value.
type place[T comparable] struct {
	own     T
	kept    bool        // for ever
	claimed atomic.Bool // else it is lent, until a value claims it
	use
}

// claim is what a value does to a place: one that claims it keeps it from the values that
// only borrow places.
type claim bool

const (
	borrows claim = false
	claims  claim = true
)

func (p *places[T]) find(v T, by claim, now time.Time) (own T, ok bool) {
	known := p.known.Load()
	if known == nil {
		return own, false
	}
	found, ok := (*known)[v]
	if !ok {
		return own, false
	}
	found.note(now)
	if by == claims && !found.claimed.Load() && found.claimed.CompareAndSwap(false, true) {
		p.lent.Add(-1)
	}
	return found.own, true
}

// keep gives v a place that it never loses and that does not count.
func (p *places[T]) keep(v T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.copied()
	if next[v] == nil {
		p.kept++
	}
	next[v] = &place[T]{own: v, kept: true}
	next[v].claimed.Store(true)
	p.known.Store(&next)
}

// admit gives v a place if there is one, and returns the values that lost theirs for it. A
// value that only borrows takes a free place; one that claims takes that of a borrower,
// too, or one that nobody used for so long.
func (p *places[T]) admit(v T, own func(T) T, by claim, now time.Time) (label T, gone []T, ok bool) {
	if by == borrows && p.full(p.known.Load()) {
		return v, nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if label, ok := p.find(v, by, now); ok {
		return label, nil, true
	}
	if p.full(p.known.Load()) && p.lent.Load() == 0 && now.Before(p.tired) {
		return v, nil, false
	}
	next := p.copied()
	if p.full(&next) {
		if by == borrows {
			return v, nil, false
		}
		if gone = p.room(next, now); gone == nil {
			return v, nil, false
		}
	}
	v = own(v)
	next[v] = &place[T]{own: v}
	if next[v].claimed.Store(by == claims); by == borrows {
		p.lent.Add(1)
	}
	next[v].note(now)
	p.known.Store(&next)
	return v, gone, true
}

func (p *places[T]) full(known *map[T]*place[T]) bool {
	return known != nil && len(*known)-p.kept >= p.limit
}

// room removes the value from known that borrowed its place and did not use it the
// longest, or all values that nobody used for so long.
func (p *places[T]) room(known map[T]*place[T], now time.Time) (gone []T) {
	var oldest *place[T]
	for _, place := range known {
		if !place.claimed.Load() && (oldest == nil || place.over().Before(oldest.over())) {
			oldest = place
		}
	}
	switch {
	case oldest != nil && oldest.claimed.CompareAndSwap(false, true): // it may just have claimed its place
		p.lent.Add(-1)
		delete(known, oldest.own)
		return []T{oldest.own}
	case now.Before(p.tired):
		return nil
	}
	return p.drop(known, now)
}

// drop removes the values from known that nobody used for so long, and notes when it is
// worth another look.
func (p *places[T]) drop(known map[T]*place[T], now time.Time) (gone []T) {
	p.tired = now.Add(idle)
	for v, place := range known {
		switch over := place.over(); {
		case place.kept:
		case !over.After(now):
			if place.claimed.CompareAndSwap(false, true) {
				p.lent.Add(-1)
			}
			gone = append(gone, v)
			delete(known, v)
		case over.Before(p.tired):
			p.tired = over
		}
	}
	return gone
}

func (p *places[T]) copied() map[T]*place[T] {
	next := map[T]*place[T]{}
	if known := p.known.Load(); known != nil {
		maps.Copy(next, *known)
	}
	return next
}
