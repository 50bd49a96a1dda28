package live

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Truth holds what a simulated model server knows of an exchange that it answered whole. A
// time of 0 is one that the exchange does not have.
type Truth struct {
	TTFT, TPOT, E2E time.Duration
	Gaps            []exchange.Gap // between the events with tokens
	Output          exchange.Count // tokens
}

// patience is how much longer than the time between two tables the server may need to book
// the end of an exchange that headway has seen.
const patience = 5 * time.Second

// tellTruth asks the server for the truth about the answered exchanges of recent that lack
// it. The caller holds v.telling.
func (v *View) tellTruth(recent []*seen, now time.Time) {
	if v.Truth == nil {
		return
	}
	for _, s := range recent {
		if !s.wantsTruth(now) {
			continue
		}
		if t, ok := v.Truth(s.Trace.SpanID); ok {
			s.truth = &t
		}
	}
}

// wantsTruth says whether the server may still tell the truth about s.
func (s *seen) wantsTruth(now time.Time) bool {
	return s.truth == nil && s.Outcome == exchange.OK && s.Trace.SpanID != "" && now.Sub(s.at) < patience
}
