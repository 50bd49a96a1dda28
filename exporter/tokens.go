package exporter

// tokenParts lists headway's own instruments about a part of the tokens.
func tokenParts() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.prompt_cache.tokens", Kind: Counter, Unit: "{token}", Labels: []string{"kind"}, Draw: promptCache,
			Help: "Input tokens of the exchanges whose provider reported how many came from its prompt cache: those that did (hit), and all of them (reported).",
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
