package slo

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config says by which SLOs a Judge judges, and who is next.
type Config struct {
	Set  Set
	Role exchange.Role // of the sidecar; empty is exchange.Client
	Next exchange.ChainObserver
}

// Judge is the stage that judges. It stands behind the chain stage, if there is one. It
// gives every Record, and every Chain that was closed late, its Verdicts, and hands it on. The
// limits that a request set itself get their verdicts too, whatever the Set is.
// It is safe for concurrent use. Observers share the Verdicts and must not change them.
type Judge struct {
	config  Config
	engine  atomic.Pointer[engine]
	scratch sync.Pool // of *scratch

	mu    sync.Mutex // guards books
	books books
}

// New returns a Judge by c.
func New(c Config) *Judge {
	j := &Judge{config: c, books: newBooks(time.Now())}
	j.Replace(c.Set)
	return j
}

// Replace makes j judge by set from now on. The counts of an SLO go on if it judges every
// exchange the same as before. Replace returns the names of the SLOs whose counts begin anew,
// because they judge otherwise than before.
func (j *Judge) Replace(set Set) (anew []string) {
	e := newEngine(set, j.config.Role)
	j.mu.Lock()
	defer j.mu.Unlock()
	anew = j.books.open(e)
	j.engine.Store(e)
	return anew
}

// Set is the Set in force.
func (j *Judge) Set() Set { return j.engine.Load().set }

// Conditions lists the header conditions that the tap has to look for.
func (j *Judge) Conditions() *exchange.Conditions { return &j.engine.Load().conditions }

// Observe judges r as an exchange, as the chain that it ended, or as both: each SLO says
// which. Without a chain stage, an exchange is its own chain.
func (j *Judge) Observe(r exchange.Record) {
	if judged(&r) {
		w := j.borrow()
		ended := r.Attempt.Chain == 0 || r.Attempt.Outcome != ""
		r.Verdicts = j.judge(w, &r, ended, false)
		r.Limits = judgeLimits(&r)
		j.scratch.Put(w)
	}
	j.config.Next.Observe(r)
}

// ObserveChain judges c if it was closed late. Observe judged any other chain with the
// exchange that ended it.
func (j *Judge) ObserveChain(c exchange.Chain) {
	if c.Late && judged(&c.Last) {
		w := j.borrow()
		last := c.Last
		last.Attempt.Elapsed = max(0, c.E2E-last.E2E())
		c.Verdicts = j.judge(w, &last, true, true)
		j.scratch.Put(w)
	}
	j.config.Next.ObserveChain(c)
}

// judged says whether SLOs judge r. They judge exchanges of users that headway could read.
func judged(r *exchange.Record) bool {
	switch r.Mode {
	case exchange.Sealed, exchange.Raw, exchange.Upgraded:
		return false
	}
	return r.Origin != exchange.Canary
}

// scratch is the memory that one judgement works with.
type scratch struct {
	facts    facts
	kept     bool      // nothing was missed
	late     []int64   // tokens by pace
	matched  []*ledger // of the SLOs that match r, whether they judge it or not
	opinions []opinion
	key      []byte
}

// opinion is the opinion of one SLO on an exchange.
type opinion struct {
	by     *judge
	missed exchange.Misses
	tokens uint64 // of the answer
	// counted is 1 for an answer with a known number of tokens, and uncounted for one that
	// must have tokens, of unknown number.
	counted, uncounted uint64
	timed              uint64 // tokens that had a deadline
	onTime             uint64 // of timed
}

func (j *Judge) borrow() *scratch {
	if w, ok := j.scratch.Get().(*scratch); ok {
		return w
	}
	return new(scratch)
}

// judge returns the Verdicts on r, as the end of its chain if ended. A late end is that of
// a chain whose last attempt has been judged as an exchange already, and has lost its
// chunks since then.
func (j *Judge) judge(w *scratch, r *exchange.Record, ended, late bool) []exchange.Verdict {
	e := j.engine.Load()
	p := e.plan(r)
	if len(p.judges) == 0 {
		j.mu.Lock()
		j.books.seen++
		j.mu.Unlock()
		return nil
	}
	w.facts.gather(r, len(p.itl))
	w.late = slices.Grow(w.late[:0], len(p.paces))[:len(p.paces)]
	clear(w.late)
	var timed int64
	if !late {
		timed = p.read(r, &w.facts, w.late)
	}
	w.kept = p.kept(&w.facts, r.Attempt.Elapsed)
	w.opinions, w.matched, w.key = w.opinions[:0], w.matched[:0], w.key[:0]
	for i := range p.judges {
		by := &p.judges[i]
		if !by.matches(e, r) {
			continue
		}
		w.matched = append(w.matched, by.ledger)
		if by.chain && ended || !by.chain && !late {
			w.consider(by, i, r, timed)
		}
		if e.set.First {
			break
		}
	}
	now := time.Now()
	j.mu.Lock()
	j.books.add(now, w.matched, w.opinions)
	j.mu.Unlock()
	return e.intern(p, w)
}

// consider adds the opinion of the i-th SLO of the plan, if it has one.
func (w *scratch) consider(by *judge, i int, r *exchange.Record, timed int64) {
	if r.Outcome != exchange.OK && by.excludes(r) || r.Unread && by.content {
		return
	}
	var elapsed time.Duration
	if by.chain {
		elapsed = r.Attempt.Elapsed
	}
	o := opinion{by: by}
	if !w.kept {
		o.missed = by.missed(&w.facts, elapsed)
	}
	if !w.facts.counts(o.missed) {
		return
	}
	switch {
	case r.Usage.Output.Known:
		o.tokens, o.counted = uint64(max(0, r.Usage.Output.N)), 1
	case r.Outcome == exchange.OK && r.Operation.Generates():
		o.uncounted = 1
	}
	if by.pace >= 0 {
		o.timed = uint64(timed)
		o.onTime = uint64(timed - w.late[by.pace])
	}
	w.opinions = append(w.opinions, o)
	w.key = append(w.key, byte(i), byte(o.missed), byte(o.missed>>8))
}

// excludes says whether exchanges that ended like this one count neither way.
func (r *rule) excludes(of *exchange.Record) bool {
	return slices.Contains(r.Exclude, of.Outcome) || slices.Contains(r.ExcludeTypes, of.ErrorType)
}

// intern returns the opinions as Verdicts. Exchanges with the same opinions share them.
func (e *engine) intern(p *plan, w *scratch) []exchange.Verdict {
	if len(w.opinions) == 0 {
		return nil
	}
	p.mu.RLock()
	known := p.verdicts[string(w.key)]
	p.mu.RUnlock()
	if known != nil {
		return known
	}
	out := make([]exchange.Verdict, len(w.opinions))
	for i, o := range w.opinions {
		out[i] = exchange.Verdict{SLO: o.by.Name, Good: o.missed == 0, Missed: o.missed, Chain: o.by.chain}
	}
	if e.reserve(len(out)) {
		p.mu.Lock()
		p.verdicts[string(w.key)] = out
		p.mu.Unlock()
	}
	return out
}

// reserve reserves room for n more verdicts, and says whether there was any.
func (e *engine) reserve(n int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.verdicts+n > maxVerdicts {
		return false
	}
	e.verdicts += n
	return true
}
