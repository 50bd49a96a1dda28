package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// genAI lists the instruments of the semantic conventions for times, and the older one
// for tokens.
func genAI(s SemConv) []Instrument {
	const (
		operationDuration = "gen_ai.client.operation.duration"
		requestDuration   = "gen_ai.server.request.duration"
		serverTTFT        = "gen_ai.server.time_to_first_token"
		serverTPOT        = "gen_ai.server.time_per_output_token"
	)
	return named(s, []convention{
		{older: operationDuration, Instrument: e2e(GenAIClient, "an exchange", duration)},
		{newer: operationDuration, Instrument: e2e(GenAIClient, "an exchange that is no inference", noInference(duration))},
		{newer: "gen_ai.client.inference.duration", Instrument: e2e(GenAIClient, "an inference", duration)},
		{older: requestDuration, newer: requestDuration, Instrument: e2e(GenAIServer, "an exchange", duration)},
		{
			older: "gen_ai.client.operation.time_to_first_chunk",
			newer: "gen_ai.client.inference.time_to_first_chunk",
			Instrument: Instrument{
				Kind: Histogram, Unit: "s", Family: GenAIClient, Buckets: ttftBuckets(exchange.TTFT), Draw: ttft,
				Help: "TTFT of a stream: from the head of the request to the first chunk with generated content.",
			},
		},
		{older: serverTTFT, newer: serverTTFT, Instrument: Instrument{
			Kind: Histogram, Unit: "s", Family: GenAIServer, Buckets: ttftBuckets(exchange.TTFT), Draw: ok(ttft),
			Help: "TTFT of a successful stream: from the head of the request to the first chunk with generated content.",
		}},
		{
			older: "gen_ai.client.operation.time_per_output_chunk",
			newer: "gen_ai.client.inference.time_per_output_chunk",
			Instrument: Instrument{
				Kind: Histogram, Unit: "s", Family: GenAIClient, Buckets: gapBuckets(), Draw: chunkGaps,
				Help: "Gap between two content chunks of a stream, one sample a gap.",
			},
		},
		{older: serverTPOT, newer: serverTPOT, Instrument: Instrument{
			Kind: Histogram, Unit: "s", Family: GenAIServer, Buckets: gapBuckets(exchange.TPOT), Draw: ok(tpot),
			Help: "TPOT of a successful stream: time per output token after the first, one sample an exchange.",
		}},
		{older: "gen_ai.client.token.usage", Instrument: Instrument{
			Kind: Histogram, Unit: "{token}", Family: GenAIClient, Buckets: tokenBuckets(), Labels: []string{"gen_ai.token.type"}, Draw: tokenUsage,
			Help: "Tokens of an exchange as the provider reported them at its end.",
		}},
	})
}

// e2e is an instrument for the duration of exchanges. Noun says which ones.
func e2e(f Family, noun string, draw func(*Reading, *Samples)) Instrument {
	return Instrument{
		Kind: Histogram, Unit: "s", Family: f, Buckets: durationBuckets(exchange.E2E), Labels: []string{"error.type"}, Draw: draw,
		Help: "E2E of " + noun + ", from the head of its request to the last byte of its response.",
	}
}

func duration(r *Reading, s *Samples) { s.seconds(r.E2E(), failure(r.ErrorType)) }

func ttft(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.TTFT())
	}
}

func tpot(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.TPOT())
	}
}

// ok restricts draw to exchanges that ended well, as the conventions ask for the
// server's token timings.
func ok(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Outcome == exchange.OK {
			draw(r, s)
		}
	}
}

func chunkGaps(r *Reading, s *Samples) {
	for _, gap := range r.Gaps {
		s.AddN(seconds(gap.Wait), 1)
	}
}

// tokenUsage draws from the provider's own final count only: the conventions have no
// label that would tell that count from a guess.
func tokenUsage(r *Reading, s *Samples) {
	if r.Usage.Source == exchange.Reported {
		s.count(r.Usage.Input, "input")
		s.count(r.Usage.Output, "output")
	}
}
