package slo

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Bounds on the plans of an engine, and on the verdicts in all of them, whatever models
// clients ask for.
const (
	maxPlans    = 1024
	maxVerdicts = 100_000
)

// engine judges by one Set. Only its plans and verdicts change, which it remembers.
type engine struct {
	set        Set
	rules      []rule
	conditions exchange.Conditions

	mu       sync.RWMutex
	plans    map[identity]*plan
	verdicts int // in all plans
}

// rule is an SLO that is ready to judge.
type rule struct {
	*SLO
	chain bool // it judges chains
	turn  bool // it judges turns
	// content says that the rule asks about the content of a response, or about its tokens.
	content bool
	header  []exchange.Condition
	bits    uint64 // header as conditions of the engine, by index
	ledger  *ledger
}

func newEngine(set Set, role exchange.Role) *engine {
	e := &engine{set: set, rules: make([]rule, len(set.SLOs)), plans: map[identity]*plan{}}
	for i := range set.SLOs {
		r := &e.rules[i]
		r.SLO = &e.set.SLOs[i]
		r.chain = r.Judge == Chain || r.Judge == "" && role != exchange.Server
		r.turn = r.Judge == Turn
		r.content = r.Good.askOfContent() || r.Match.InputTokens != Range{}
		r.header = r.conditions()
		for _, c := range r.header {
			at := slices.Index(e.conditions, c)
			if at < 0 {
				at = len(e.conditions)
				e.conditions = append(e.conditions, c)
			}
			r.bits |= 1 << at
		}
	}
	return e
}

// identity holds the facts that an SLO's match looks at and that many exchanges share.
type identity struct {
	operation exchange.Operation
	model     string
	upstream  exchange.Upstream
	stream    bool
}

// plan returns how exchanges like r are judged.
func (e *engine) plan(r *exchange.Record) *plan {
	id := identity{r.Operation, r.Model.Request, r.Upstream, r.Stream}
	e.mu.RLock()
	p := e.plans[id]
	e.mu.RUnlock()
	if p != nil {
		return p
	}
	p = e.newPlan(id)
	id.model = strings.Clone(id.model) // a name may be a piece of a request's body
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.plans[id]; known != nil {
		return known
	}
	if len(e.plans) == maxPlans {
		clear(e.plans)
		e.verdicts = 0
	}
	e.plans[id] = p
	return p
}

// plan is the part of an engine that concerns exchanges of one identity.
type plan struct {
	judges []judge
	turns  []*judge        // those of turns
	strict []objective     // the smallest limit of each indicator
	itl    []time.Duration // the different limits, ascending
	paces  []pace          // the different paces
	pace   pace            // a token that keeps this one keeps all of them

	mu       sync.RWMutex
	verdicts map[string][]exchange.Verdict // by the bytes of their opinions
}

// judge is a rule whose objectives know their places in the plan.
type judge struct {
	*rule
	objectives []objective
	pace       int // -1 without
}

type objective struct {
	Objective
	itl     int   // index of the limit
	percent int64 // of tokens that must keep it
}

// pace is the deadline of every token: the time for the first, and the time that each
// later token may add.
type pace struct {
	first, each time.Duration
	chain       bool // from the start of the chain
}

func (e *engine) newPlan(id identity) *plan {
	p := &plan{verdicts: map[string][]exchange.Verdict{}}
	for i := range e.rules {
		if !e.rules[i].Match.concerns(id) {
			continue
		}
		j := judge{rule: &e.rules[i], pace: -1}
		if j.turn { // which no exchange is judged by
			p.turns = append(p.turns, &j)
			continue
		}
		for _, o := range j.Good {
			percent := percentile(o.Indicator)
			if percent > 0 {
				p.itl = append(p.itl, o.Limit)
			}
			j.objectives = append(j.objectives, objective{Objective: o, percent: percent})
		}
		p.judges = append(p.judges, j)
	}
	slices.Sort(p.itl)
	p.itl = slices.Compact(p.itl)
	for i := range p.judges {
		j := &p.judges[i]
		for k := range j.objectives {
			j.objectives[k].itl = slices.Index(p.itl, j.objectives[k].Limit)
			p.tighten(j.objectives[k])
		}
		j.pace = p.addPace(j.rule)
	}
	return p
}

// tighten makes o the strictest objective of its indicator if it is.
func (p *plan) tighten(o objective) {
	at := slices.IndexFunc(p.strict, func(s objective) bool { return s.Indicator == o.Indicator })
	switch {
	case at < 0:
		p.strict = append(p.strict, o)
	case o.Limit < p.strict[at].Limit:
		p.strict[at] = o
	}
}

// addPace returns the index of the rule's pace, -1 when it has none.
func (p *plan) addPace(r *rule) int {
	of := pace{first: r.Limit(exchange.TTFT), each: r.Limit(exchange.TPOT), chain: r.chain}
	if of.first == 0 || of.each == 0 {
		return -1
	}
	at := slices.Index(p.paces, of)
	if at < 0 {
		at = len(p.paces)
		p.paces = append(p.paces, of)
		if at == 0 {
			p.pace = of
		}
		p.pace = pace{min(p.pace.first, of.first), min(p.pace.each, of.each), p.pace.chain || of.chain}
	}
	return at
}

// percentile is the percentile of ITL that the indicator limits, 0 for any other
// indicator.
func percentile(i exchange.Indicator) int64 {
	switch i {
	case exchange.ITLP50:
		return 50
	case exchange.ITLP90:
		return 90
	case exchange.ITLP99:
		return 99
	}
	return 0
}

// concerns tells whether m can match exchanges of that identity.
func (m *Match) concerns(id identity) bool {
	return (m.Operation == "" || m.Operation == id.operation) &&
		(m.Model == "" || exchange.Match(m.Model, id.model)) &&
		m.leadsTo(id.upstream) &&
		(m.Stream == nil || *m.Stream == id.stream)
}

// leadsTo tells whether m can match exchanges with that upstream.
func (m *Match) leadsTo(upstream exchange.Upstream) bool {
	address := upstream.Address()
	if !strings.Contains(m.Upstream, ":") {
		address = upstream.Host
	}
	return m.Upstream == "" || exchange.Match(m.Upstream, address)
}

// matches says whether the rule matches an exchange whose identity it matches.
func (r *rule) matches(e *engine, of *exchange.Record) bool {
	if class := r.Match.InputTokens; class != (Range{}) && !class.Holds(promptSize(of)) {
		return false
	}
	switch {
	case len(r.header) == 0:
		return true
	case of.Conditions.Of == &e.conditions:
		return of.Conditions.Bits&r.bits == r.bits
	}
	// The exchange began when another Set was in force.
	return !slices.ContainsFunc(r.header, func(c exchange.Condition) bool { return !of.Conditions.Has(c) })
}

// bytesPerToken is roughly how many bytes of a request's body stand for a token of its
// prompt. It serves only where the upstream did not count: a request that is turned away
// must still belong to a size class, or its refusal would count in none.
const bytesPerToken = 4

func promptSize(r *exchange.Record) int64 {
	if r.Usage.Input.Known {
		return r.Usage.Input.N
	}
	return max(1, r.Bytes.In/bytesPerToken)
}
