package watch

import (
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// Sharing says among how many equal parts the detectors of a Watch divide their promise: one
// false alarm in the time of drift.Settings.Promise, of all of them together. A detector that
// gets one of n parts needs n times the evidence. Detectors of latencies get one half of the
// promise and those of traits the other, so that the many traits do not make latencies slow.
type Sharing struct {
	Latencies int // drift.Settings.Sharing of a detector of a latency
	Traits    int // and of a trait
}

// SharingOf returns the Sharing of a Watch with this baseline and these probes. It counts the
// models of production for which there is room, whether they have come or not.
func SharingOf(b baseline.Baseline, probes []probe.Probe) Sharing {
	models, tested, compared := map[string]bool{}, map[string]bool{}, 0
	for i := range b.Cells {
		models[b.Cells[i].Model], tested[b.Cells[i].Model] = true, true
	}
	for i := range probes {
		models[probes[i].Model] = true
		if probes[i].Baseline != "" {
			compared++
		}
	}
	const sides = 2 // a trait has a detector for more and one for less
	s := Sharing{
		Latencies: len(indicators) * (compared + len(tested)),
		Traits:    sides * len(traits) * (len(probes) + len(models) + strangers),
	}
	if s.Latencies == 0 {
		return Sharing{Latencies: 1, Traits: s.Traits}
	}
	return Sharing{Latencies: 2 * s.Latencies, Traits: 2 * s.Traits}
}
