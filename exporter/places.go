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
	tired time.Time // no place is unused before that
}

// place is that of one value.
type place[T comparable] struct {
	own  T
	kept bool // for ever
	use
}

func (p *places[T]) find(v T, now time.Time) (own T, ok bool) {
	known := p.known.Load()
	if known == nil {
		return own, false
	}
	found, ok := (*known)[v]
	if !ok {
		return own, false
	}
	found.note(now)
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
	p.known.Store(&next)
}

// admit gives v a place if there is one, and returns the values that lost theirs for it.
func (p *places[T]) admit(v T, own func(T) T, now time.Time) (label T, gone []T, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if label, ok := p.find(v, now); ok {
		return label, nil, true
	}
	if p.full(p.known.Load()) && now.Before(p.tired) {
		return v, nil, false
	}
	next := p.copied()
	if p.full(&next) {
		if gone = p.drop(next, now); gone == nil {
			return v, nil, false
		}
	}
	v = own(v)
	next[v] = &place[T]{own: v}
	next[v].note(now)
	p.known.Store(&next)
	return v, gone, true
}

func (p *places[T]) full(known *map[T]*place[T]) bool {
	return known != nil && len(*known)-p.kept >= p.limit
}

// drop removes the values from known that nobody used for so long, and notes when it is
// worth another look.
func (p *places[T]) drop(known map[T]*place[T], now time.Time) (gone []T) {
	p.tired = now.Add(idle)
	for v, place := range known {
		switch over := place.over(); {
		case place.kept:
		case !over.After(now):
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
