package chain

import (
	"iter"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// indexSize is about the memory of a chain's places, in bytes: three entries of a map
// that is between half and seven eighths full, and a place in the queue.
const indexSize = 3*2*int(unsafe.Sizeof(exchange.Fingerprint(0))+unsafe.Sizeof((*chain)(nil))) + 16

// shrinkAt is how many keys an index must have had to give its memory back when it is
// empty.
const shrinkAt = 4096

// index finds chains by the fingerprints of their last attempt. Chains that share a
// fingerprint form a list.
type index struct {
	heads map[exchange.Fingerprint]*chain
	most  int // keys there have been
}

// link is a chain's place in the list of one fingerprint.
type link struct{ before, after *chain }

func newIndex() index { return index{heads: map[exchange.Fingerprint]*chain{}} }

// fresh is mixed into the keys of a chain of which no attempt has ended. Many such
// chains may be equal, and few requests have a reason to look for them.
const fresh exchange.Fingerprint = 0x9e3779b97f4a7c15

func (c *chain) keys() [3]exchange.Fingerprint {
	return [3]exchange.Fingerprint{c.key(c.trail.request), c.key(c.trail.id), c.key(c.trail.conversation)}
}

// key returns the key under which the index lists c for one of its fingerprints; 0 is
// none.
func (c *chain) key(of exchange.Fingerprint) exchange.Fingerprint {
	if of != 0 && c.ended == 0 {
		return of ^ fresh
	}
	return of
}

// slot returns the link of c in the list of key. The fingerprints of a chain differ
// from each other, because fingerprints of different things do.
func (c *chain) slot(key exchange.Fingerprint) *link {
	switch key {
	case c.key(c.trail.request):
		return &c.links[0]
	case c.key(c.trail.id):
		return &c.links[1]
	}
	return &c.links[2]
}

func (x *index) add(c *chain) {
	for i, key := range c.keys() {
		if key == 0 {
			continue
		}
		head := x.heads[key]
		c.links[i] = link{after: head}
		if head != nil {
			head.slot(key).before = c
		}
		x.heads[key] = c
	}
	x.most = max(x.most, len(x.heads))
}

func (x *index) remove(c *chain) {
	for i, key := range c.keys() {
		if key == 0 {
			continue
		}
		l := c.links[i]
		c.links[i] = link{}
		if l.after != nil {
			l.after.slot(key).before = l.before
		}
		switch {
		case l.before != nil:
			l.before.slot(key).after = l.after
		case l.after != nil:
			x.heads[key] = l.after
		default:
			delete(x.heads, key)
		}
	}
}

// maxAlike bounds how many chains of one fingerprint all yields: the newest.
const maxAlike = 256

// all yields the chains in the lists of the keys, the newest of each first. A chain in
// several lists comes several times.
func (x *index) all(keys ...exchange.Fingerprint) iter.Seq[*chain] {
	return func(yield func(*chain) bool) {
		for _, key := range keys {
			if key == 0 {
				continue
			}
			c := x.heads[key]
			for n := 0; c != nil && n < maxAlike; n++ {
				next := c.slot(key).after
				if !yield(c) {
					return
				}
				c = next
			}
		}
	}
}

// shrink gives the memory of an empty index back, and reports whether a burst had left
// any to speak of.
func (x *index) shrink() bool {
	if x.most < shrinkAt {
		return false
	}
	*x = newIndex()
	return true
}
