package spans

import (
	"container/list"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxWait is how long an attempt waits for the end of its chain. The chain stage ends a
// chain that is older than an hour with its next attempt, or by silence: an attempt that
// waits for longer waits for nothing.
const maxWait = 2 * time.Hour

// held holds the attempts that are not written yet, by chain.
type held struct {
	chains map[exchange.ChainID]*list.Element // of waiting, of chains that are not over
	order  *list.List                         // chains that are over, then the others in the order in which their first attempts ended
	weight int                                // of all records
}

// waiting holds the attempts of one chain, in the order in which they ended.
type waiting struct {
	chain   exchange.ChainID
	over    *finished // nil while the chain is not over
	since   time.Time
	records []exchange.Record
}

func newHeld() held {
	return held{chains: map[exchange.ChainID]*list.Element{}, order: list.New()}
}

// weigh is the share of the bound that r takes: one for a Record of 1 KiB with everything
// that it points to, and one more for every 512 chunks, which take 5 KiB.
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

// end moves the attempts of c to the front, as those of a chain that is over. The result
// is nil if there are none, and the caller must not keep it.
func (h *held) end(c *exchange.Chain) *waiting {
	e := h.chains[c.ID]
	if e == nil {
		return nil
	}
	delete(h.chains, c.ID)
	h.order.MoveToFront(e)
	w := e.Value.(*waiting)
	w.over = finish(c, len(w.records))
	return w
}

// due says whether the first attempt need not wait any longer.
func (h *held) due() bool {
	e := h.order.Front()
	if e == nil {
		return false
	}
	w := e.Value.(*waiting)
	return w.over != nil || time.Since(w.since) >= maxWait
}

// pop removes and returns the first attempt, and its chain if that is over. There must be
// one.
func (h *held) pop() (exchange.Record, *finished) {
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

// hold keeps r until its chain is over. If the bound is exceeded then, it writes the
// attempts that waited longest, but no more of them than r weighs. b.mu is held.
func (b *Builder) hold(r *exchange.Record) {
	b.held.add(r)
	for b.held.weight > b.config.MaxHeld {
		b.release()
	}
}

// release writes the first of the held attempts: without its chain, if that is not over.
// b.mu is held.
func (b *Builder) release() {
	r, over := b.held.pop()
	if over != nil {
		p := over.place(&r)
		b.attempt(&r, &p)
		return
	}
	p := alone(&r)
	p.joined, p.verdicts = true, r.Verdicts
	b.attempt(&r, &p)
	b.leave(&r, p.context)
}

// few is how many attempts are written while other goroutines wait for the lock.
const few = 4

// releaseDue writes a few of the attempts that need not wait any longer, or of all held
// ones, and says whether there are more. If writing an attempt panics, it drops the
// attempt: on this goroutine nothing else would keep the panic from ending the process.
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
			break // or a full batch would be dropped
		}
		b.release()
	}
	return due()
}
