package spans

import (
	"container/list"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// held are the attempts of chains that are not over, by chain.
type held struct {
	chains map[exchange.ChainID]*list.Element // of waiting
	order  *list.List                         // the chain whose first attempt ended first comes first
	weight int                                // of all records
}

// waiting are the attempts of one chain, in the order in which they ended.
type waiting struct {
	chain   exchange.ChainID
	records []exchange.Record
}

func newHeld() held {
	return held{chains: map[exchange.ChainID]*list.Element{}, order: list.New()}
}

// weigh is how much of the bound r takes: one for a Record of 1 KiB and what it
// points to, and one more for every 512 chunks, which take 5 KiB.
func weigh(r *exchange.Record) int { return 1 + r.Chunks.Kept()/512 }

// add keeps a copy of r.
func (h *held) add(chain exchange.ChainID, r *exchange.Record) {
	e := h.chains[chain]
	if e == nil {
		e = h.order.PushBack(&waiting{chain: chain})
		h.chains[chain] = e
	}
	w := e.Value.(*waiting)
	w.records = append(w.records, *r)
	h.weight += weigh(r)
}

// take gives away what is kept of a chain; nothing if it has none.
func (h *held) take(chain exchange.ChainID) []exchange.Record {
	e := h.chains[chain]
	if e == nil {
		return nil
	}
	delete(h.chains, chain)
	records := h.order.Remove(e).(*waiting).records
	for i := range records {
		h.weight -= weigh(&records[i])
	}
	return records
}

// oldest gives away the chain that has waited longest. There must be one.
func (h *held) oldest() []exchange.Record {
	return h.take(h.order.Front().Value.(*waiting).chain)
}
