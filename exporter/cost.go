package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// costs lists the instruments about money. They draw where the user wrote prices.
func costs() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.cost", Kind: Counter, PerTenant: true, Unit: "{currency}", Labels: []string{"currency", "kind", "source"}, Draw: cost,
			Help: "Cost of exchanges by the prices of HEADWAY_PRICE_FILE, by what was paid for, and by how sure the count of tokens is.",
		},
		{
			Name: "headway.output_cost", Kind: Counter, Unit: "{currency}", Labels: []string{"currency", "tokens"}, Draw: outputCost,
			Help: "Cost of output tokens three times over: of those that the provider counts (reported), of those that came in the response (generated), and of those that reached the client (delivered).",
		},
		{
			Name: "headway.unpriced", Kind: Counter, Unit: "{request}", Labels: []string{"reason"}, Draw: unpriced,
			Help: "Exchanges with a price file in force whose cost is not known: it has no price (no_price), or nobody knows the tokens (no_tokens).",
		},
		{
			Name: "headway.chain.wasted_cost", Kind: Counter, PerTenant: true, Unit: "{currency}", Labels: []string{"cause", "currency"}, DrawChain: wastedCost,
			Help: "Cost of attempts that did not end well, by their error_type.",
		},
	})
}

func cost(r *Reading, s *Samples) {
	for kind, part := range r.Cost.Parts {
		if part > 0 {
			s.Add(part, r.Cost.Currency, exchange.CostKind(kind).String(), string(sourceOf(exchange.CostKind(kind), &r.Usage)))
		}
	}
}

// sourceOf says how headway knows the tokens of a kind.
func sourceOf(kind exchange.CostKind, u *exchange.Usage) exchange.Source {
	switch kind {
	case exchange.CostOutput, exchange.CostReasoning, exchange.CostOutputAudio:
		return u.Source
	case exchange.CostRequest:
		return exchange.Counted
	}
	return u.SourceOfInput()
}

func outputCost(r *Reading, s *Samples) {
	if !r.Cost.Known() {
		return
	}
	parts := &r.Cost.Parts
	for _, of := range []struct {
		tokens string
		cost   float64
	}{
		{"reported", parts[exchange.CostOutput] + parts[exchange.CostReasoning] + parts[exchange.CostOutputAudio]},
		{"generated", r.Cost.Streamed},
		{"delivered", r.Cost.Delivered},
	} {
		if of.cost > 0 {
			s.Add(of.cost, r.Cost.Currency, of.tokens)
		}
	}
}

func unpriced(r *Reading, s *Samples) {
	if r.Cost.Missing != "" {
		s.Add(1, string(r.Cost.Missing))
	}
}

func wastedCost(r *ChainReading, s *Samples) {
	for _, w := range r.Waste {
		if w.Cost > 0 {
			s.Add(w.Cost, failure(exchange.ErrorType(w.Cause)), w.Currency)
		}
	}
}
