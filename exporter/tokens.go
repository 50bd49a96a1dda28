package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// tokenParts lists headway's own instruments about a part of the tokens.
func tokenParts() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.output_tokens", Kind: Counter, Unit: "{token}", Draw: outputTokens, DrawInterim: outputTokensSoFar,
			Help: "Output tokens as they come, for rates: those of a stream count every 10 s while it runs, and the rest at its end. Its sum is that of headway_tokens of kind output, whatever the source.",
		},
		{
			Name: "headway.tokens.delivered", Kind: Counter, Unit: "{token}", Labels: []string{"state"}, Draw: tokensDelivered,
			Help: "Output tokens of streams: those that reached the client (delivered), and those that it left before its kernel had acknowledged them (undelivered).",
		},
	})
}

// outputTokens is the part of the output that no Interim has told.
func outputTokens(r *Reading, s *Samples) {
	if u := &r.Usage; u.Source != exchange.Absent && u.Output.Known {
		s.Add(float64(max(0, u.Output.N-r.Early.Tokens)))
	}
}

func outputTokensSoFar(i *InterimReading, s *Samples) {
	if i.Tokens > 0 {
		s.Add(float64(i.Tokens))
	}
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
