// Package price says what exchanges cost, by a file in which the user writes prices for
// models and kinds of tokens. headway brings no prices of its own: a list that is out of
// date would be worse than none.
package price

import (
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// List is what a price file says. The zero value stands for no file: it prices nothing,
// and misses no price.
type List struct {
	Currency string // ISO 4217
	Prices   []Price
}

// Price is what requests to some models cost.
type Price struct {
	Model    string // pattern of the model's name, see exchange.Match
	Upstream string // pattern of the upstream's host; empty for all
	// From is the first moment of the price, and Until the first one after it. The zero
	// value leaves a side open.
	From, Until time.Time

	// Rates are prices by exchange.CostKind: of a million tokens, and of one request. Those
	// without a price of their own have that of the kind that they are a part of.
	Rates [exchange.CostKinds]float64
	// Has says which Rates hold a price.
	Has [exchange.CostKinds]bool

	line int // in the file
}

// in tells whether p is in force at the moment t.
func (p *Price) in(t time.Time) bool {
	return !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until))
}

// of returns the price of a request to one of the models, or nil without one. The first
// that fits counts.
func (l *List) of(r *exchange.Record) *Price {
	for i := range l.Prices {
		p := &l.Prices[i]
		fits := exchange.Match(p.Model, r.Model.Request) || r.Model.Response != "" && exchange.Match(p.Model, r.Model.Response)
		if fits && p.in(r.Start) && (p.Upstream == "" || exchange.Match(p.Upstream, r.Upstream.Host)) {
			return p
		}
	}
	return nil
}

// Of returns what r cost. An exchange without an answer and without counts cost nothing,
// and has no cost: providers bill no refused request.
func (l *List) Of(r *exchange.Record) exchange.Cost {
	u := &r.Usage
	counted := u.Input.Known || u.Output.Known
	if l.Currency == "" || r.Operation == "" || !counted && r.Outcome != exchange.OK {
		return exchange.Cost{}
	}
	p := l.of(r)
	if p == nil {
		return exchange.Cost{Missing: exchange.NoPrice}
	}
	amounts, known := amountsOf(r)
	if !known {
		return exchange.Cost{Missing: exchange.NoTokens}
	}
	c := exchange.Cost{Currency: l.Currency}
	for kind, n := range amounts {
		switch {
		case n == 0:
		case !p.Has[kind]:
			return exchange.Cost{Missing: exchange.NoPrice}
		default:
			c.Parts[kind] = p.of(exchange.CostKind(kind), n)
		}
	}
	c.Streamed, c.Delivered = p.streamed(r, c.Parts[exchange.CostOutput])
	return c
}

// of is the price of n tokens of a kind, or of n requests.
func (p *Price) of(kind exchange.CostKind, n int64) float64 {
	if kind == exchange.CostRequest {
		return p.Rates[kind] * float64(n)
	}
	return p.Rates[kind] * float64(n) / million
}

// amountsOf counts the tokens of r by kind, each in one of them. The counts of parts come
// from the provider, and some providers count more in a part than in the whole.
func amountsOf(r *exchange.Record) (n [exchange.CostKinds]int64, known bool) {
	u := &r.Usage
	if !u.Input.Known || !u.Output.Known && r.Operation.Generates() {
		return n, false
	}
	input, output := u.Input.N, u.Output.N
	n[exchange.CostCacheRead] = take(&input, u.CacheRead)
	written := take(&input, u.CacheWrite)
	n[exchange.CostCacheWriteHour] = take(&written, u.CacheWriteHour)
	n[exchange.CostCacheWrite] = written
	n[exchange.CostInputAudio] = take(&input, u.InputAudio)
	n[exchange.CostInputImage] = take(&input, u.InputImage)
	n[exchange.CostInput] = input
	n[exchange.CostReasoning] = take(&output, u.Reasoning)
	n[exchange.CostOutputAudio] = take(&output, u.OutputAudio)
	n[exchange.CostOutput] = output
	n[exchange.CostRequest] = 1
	return n, true
}

// take moves part from the count of all, as far as all reaches.
func take(all *int64, part exchange.Count) int64 {
	n := min(part.N, *all)
	*all -= n
	return n
}

// streamed prices the output tokens that came in the stream of r, and those of them that
// reached the client. Whole is the price of the output. Of a response that is no stream, all
// came and all arrived.
func (p *Price) streamed(r *exchange.Record, whole float64) (came, arrived float64) {
	u := &r.Usage
	if !r.Stream || !u.Streamed.Known {
		return whole, whole
	}
	came = p.of(exchange.CostOutput, u.Streamed.N)
	if u.Delivered.Known {
		return came, p.of(exchange.CostOutput, min(u.Delivered.N, u.Streamed.N))
	}
	return came, came
}

// Teller is the stage that writes its cost into every Record, before all observers. The
// prices may change while it works. It is safe for concurrent use.
type Teller struct {
	next exchange.Observer
	list atomic.Pointer[List]
}

// NewTeller returns a Teller that prices by l and hands every Record to next.
func NewTeller(l List, next exchange.Observer) *Teller {
	t := &Teller{next: next}
	t.Replace(l)
	return t
}

// Replace puts other prices into force.
func (t *Teller) Replace(l List) { t.list.Store(&l) }

// Observe implements exchange.Observer.
func (t *Teller) Observe(r exchange.Record) {
	r.Cost = t.list.Load().Of(&r)
	t.next.Observe(r)
}
