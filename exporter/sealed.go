package exporter

func sealedRequests(r *Reading, s *Samples) { s.Add(1, string(r.Outcome)) }

func sealedDuration(r *Reading, s *Samples) { s.seconds(r.E2E()) }
