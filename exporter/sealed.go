package exporter

// sealed lists the instruments about exchanges inside TLS that headway did not open.
func sealed() []Instrument {
	return members(Sealed, []Instrument{
		{
			Name: "headway.sealed.requests", Kind: Counter, Unit: "{request}", Labels: []string{"outcome"}, Draw: sealedRequests,
			Help: "Exchanges inside TLS that was not opened, as its records tell them, by how they ended.",
		},
		{
			Name: "headway.sealed.time_to_first_burst", Kind: Histogram, Unit: "s", Buckets: ttftBuckets(), Draw: ttft,
			Help: "From the first record of a request inside TLS to the first burst after the response's head: near TTFT, and never mixed with it.",
		},
		{
			Name: "headway.sealed.gap", Kind: Histogram, Unit: "s", Buckets: gapBuckets(), Draw: chunkGaps,
			Help: "Gap between two bursts of a response inside TLS, one sample a gap.",
		},
		{
			Name: "headway.sealed.duration", Kind: Histogram, Unit: "s", Buckets: durationBuckets(), Labels: []string{"outcome"}, Draw: sealedDuration,
			Help: "From the first record of a request inside TLS to the last one of its response.",
		},
	})
}

func sealedRequests(r *Reading, s *Samples) { s.Add(1, string(r.Outcome)) }

func sealedDuration(r *Reading, s *Samples) { s.seconds(r.E2E(), string(r.Outcome)) }
