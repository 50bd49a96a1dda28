package spans

import (
	"container/list"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxWait is how long an attempt is kept for the end of its chain. The chain stage ends a
// chain that is older than an hour with its next attempt, or by silence: what waits for
// longer waits for nothing.
const maxWait = 2 * time.Hour

// held are the attempts that are not written yet, by chain.
type held struct {
	chains map[exchange.ChainID]*list.Element // of waiting, of chains that are not over
	order  *list.List                         // those that are over; then the others, whose first attempt ended first comes first
	weight int                                // of all records
}

// waiting are the attempts of one chain, in the order in which they ended.
type waiting struct {
	chain   exchange.ChainID
	over    *ended // nil when it is not
	since   time.Time
	records []exchange.Record
}

func newHeld() held {
	return held{chains: map[exchange.ChainID]*list.Element{}, order: list.New()}
}

// weigh is how much of the bound r takes: one for a Record of 1 KiB and what it
// points to, and one more for every 512 chunks, which take 5 KiB.
func weigh(r *exchange.Record) int { return 1 + r.Chunks.Kept()/512 }

// add keeps a copy of r.
func (h *held) add(r *exchange.Record) {
	e := h.chains[r.Attempt.Chain]
	if e == nil {
		e = h.order.PushBack(&waiting{chain: r.Attempt.Chain, since: time.Now()})
		h.chains[r.Attempt.Chain] = e
	}
	w := e.Value.(*waiting)
	w.records = append(w.records, *r)
	h.weight += weigh(r)
}

// end puts what is kept of c to the front, as a chain that is over. It is not for the
// caller to keep, and nil when there is nothing.
func (h *held) end(c *exchange.Chain) *waiting {
	e := h.chains[c.ID]
	if e == nil {
		return nil
	}
	delete(h.chains, c.ID)
	h.order.MoveToFront(e)
	w := e.Value.(*waiting)
	w.over = end(c, len(w.records))
	return w
}

// due tells whether the first attempt has to wait no longer.
func (h *held) due() bool {
	e := h.order.Front()
	if e == nil {
		return false
	}
	w := e.Value.(*waiting)
	return w.over != nil || time.Since(w.since) >= maxWait
}

// take gives away the first attempt, and its chain if that is over. There must be
// one.
func (h *held) take() (exchange.Record, *ended) {
	e := h.order.Front()
	w := e.Value.(*waiting)
	r := w.records[0]
	w.records[0] = exchange.Record{}
	w.records = w.records[1:]
	if len(w.records) == 0 {
		h.order.Remove(e)
		if h.chains[w.chain] == e {
			delete(h.chains, w.chain)
		}
	}
	h.weight -= weigh(&r)
	return r, w.over
}

// hold keeps r until its chain is over. When more is kept than may be, the attempts
// that waited longest are written: no more of them than r weighs. b.mu is held.
func (b *Builder) hold(r *exchange.Record) {
	b.held.add(r)
	for b.held.weight > b.config.MaxHeld {
		b.release()
	}
}

// release writes the first of the attempts that are held: without its chain, when
// that is not over. b.mu is held.
func (b *Builder) release() {
	r, over := b.held.take()
	if over != nil {
		p := over.place(&r)
		b.attempt(&r, &p)
		return
	}
	p := alone(&r)
	p.joined, p.verdicts = true, r.Verdicts
	b.attempt(&r, &p)
}

// few is how many attempts are written while others wait for the lock.
const few = 4

// releaseDue writes a few of the attempts that wait no longer, or of all that do, and
// tells whether there are more. An attempt that cannot be written is dropped: nobody
// else would keep the process from ending with it.
func (b *Builder) releaseDue(all bool) (more bool) {
	b.mu.Lock()
	defer b.unlock()
	defer func() {
		if recover() != nil {
			b.dropped++
			more = true
		}
	}()
	due := func() bool { return b.held.due() || all && b.held.weight > 0 }
	for n := 0; n < few && due(); n++ {
		if n > 0 && len(b.full) >= b.config.MaxWaiting/2 {
			break // or what is full would be dropped
		}
		b.release()
	}
	return due()
}
