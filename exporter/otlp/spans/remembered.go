package spans

import "github.com/headway-sidecar/headway/proxy/exchange"

// remembered holds something about the last chains of a kind, and forgets the oldest when
// there are too many.
type remembered[T any] struct {
	chains map[exchange.ChainID]T
	ring   []exchange.ChainID
	next   int
}

func remember[T any](most int) remembered[T] {
	return remembered[T]{chains: map[exchange.ChainID]T{}, ring: make([]exchange.ChainID, most)}
}

// add remembers v of a chain of which nothing is remembered.
func (r *remembered[T]) add(of exchange.ChainID, v T) {
	delete(r.chains, r.ring[r.next])
	r.chains[of], r.ring[r.next] = v, of
	r.next = (r.next + 1) % len(r.ring)
}

func (r *remembered[T]) forget(of exchange.ChainID) { delete(r.chains, of) }
