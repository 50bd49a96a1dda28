package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// promptCaches lists the instruments about the prompt caches of providers and engines.
func promptCaches() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.prompt_cache.tokens", Kind: Counter, PerTenant: true, Unit: "{token}", Labels: []string{"kind"}, Draw: promptCache,
			Help: "Input tokens of the exchanges whose provider reported how many came from its prompt cache: those that did (hit), and all of them (reported).",
		},
		{
			Name: "headway.prompt_cache.misses", Kind: Counter, Unit: "{request}", Labels: []string{"cause", "changed"}, Draw: cacheMisses,
			Help: "Requests that read less from the prompt cache than the last one of their conversation had left there: the client changed a part that it had sent before (prefix_changed: tools, system, message, breakpoints), or it changed nothing (same_prefix).",
		},
		{
			Name: "headway.prompt_cache.lost_tokens", Kind: Counter, Unit: "{token}", Labels: []string{"cause"}, Draw: lostTokens,
			Help: "Input tokens that the last request of the conversation had left in the prompt cache, and that such requests did not read from there.",
		},
	})
}

// promptCache leaves out the exchanges that report no cached tokens: nobody knows whether
// their prompt met a cache. One that reports 0 missed it.
func promptCache(r *Reading, s *Samples) {
	u := &r.Usage
	if !u.CacheRead.Known || !u.Input.Known {
		return
	}
	s.Add(float64(min(u.CacheRead.N, u.Input.N)), "hit")
	s.Add(float64(u.Input.N), "reported")
}

func cacheMisses(r *Reading, s *Samples) {
	if p := &r.Prefix; p.Missed != exchange.NoMiss {
		s.Add(1, p.Missed.String(), p.Changed.String())
	}
}

func lostTokens(r *Reading, s *Samples) {
	if p := &r.Prefix; p.Missed != exchange.NoMiss {
		s.Add(float64(p.Lost), p.Missed.String())
	}
}
