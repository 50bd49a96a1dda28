package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// tokenParts lists headway's own instruments about a part of the tokens.
func tokenParts() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.prompt_cache.tokens", Kind: Counter, Unit: "{token}", Labels: []string{"kind"}, Draw: promptCache,
			Help: "Input tokens of the exchanges whose provider reported how many came from its prompt cache: those that did (hit), and all of them (reported).",
		},
		{
			Name: "headway.tokens.delivered", Kind: Counter, Unit: "{token}", Labels: []string{"state"}, Draw: tokensDelivered,
			Help: "Output tokens of streams: those that reached the client (delivered), and those that it left before its kernel had acknowledged them (undelivered).",
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

// tokensDelivered draws from streams: an answer in one piece that broke off brings no count.
// A client that stayed got all that came.
func tokensDelivered(r *Reading, s *Samples) {
	streamed, delivered := r.Usage.Streamed, r.Usage.Delivered
	if r.Outcome != exchange.ClientGone {
		delivered = streamed
	}
	if !r.Stream || !streamed.Known || !delivered.Known {
		return
	}
	s.Add(float64(delivered.N), "delivered")
	s.Add(float64(max(0, streamed.N-delivered.N)), "undelivered")
}
