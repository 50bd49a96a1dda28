package pause

import "github.com/headway-sidecar/headway/proxy/exchange"

// Stage is an exchange.Observer that gives every Record the Pauses of its engine, and hands
// it on.
type Stage struct {
	*Detector

	Next exchange.Observer
}

// Observe hands r on.
func (s Stage) Observe(r exchange.Record) {
	r.Pauses = s.Of(&r)
	s.Next.Observe(r)
}
