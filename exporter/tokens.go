package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// tokenParts lists headway's own instruments about a part of the tokens.
func tokenParts() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.tokens.delivered", Kind: Counter, Unit: "{token}", Labels: []string{"state"}, Draw: tokensDelivered,
			Help: "Output tokens of streams: those that reached the client (delivered), and those that it left before its kernel had acknowledged them (undelivered).",
		},
	})
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
