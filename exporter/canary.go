package exporter

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ProbeRuns is how many runs of a probe ended in one way.
type ProbeRuns struct {
	Probe     string
	Via       string // sidecar or direct
	Outcome   string
	Operation exchange.Operation
	Model     string
	Upstream  exchange.Upstream
	Runs      uint64
}

// ProbeSuccess is when a probe last had an answer.
type ProbeSuccess struct {
	Probe string
	Via   string
	At    time.Time
}

// canaries lists the instruments about canaries. Those about time draw from canaries that
// were answered: what failed after a millisecond was not fast.
func canaries() []Instrument {
	return slices.Concat(members(Canaries, []Instrument{
		{
			Name: "headway.probe.time_to_first_token", Kind: Histogram, Unit: "s", Buckets: ttftBuckets(), Labels: []string{"probe", "via"}, Draw: ofCanary((*exchange.Record).TTFT),
			Help: "TTFT of canaries that were answered.",
		},
		{
			Name: "headway.probe.time_per_output_token", Kind: Histogram, Unit: "s", Buckets: gapBuckets(), Labels: []string{"probe", "via"}, Draw: ofCanary((*exchange.Record).TPOT),
			Help: "TPOT of canaries that were answered.",
		},
		{
			Name: "headway.probe.duration", Kind: Histogram, Unit: "s", Buckets: durationBuckets(), Labels: []string{"probe", "via"}, Draw: ofCanary((*exchange.Record).E2E),
			Help: "E2E of canaries that were answered.",
		},
	}), members(Traffic, []Instrument{{
		Name: "headway.probe.runs", Kind: Counter, Unit: "{run}", Labels: []string{"probe", "via", "outcome"}, Read: probeRuns,
		Help: "Canaries by how they ended, those included that were not sent (skipped, over_budget, and no_key when the key is missing).",
	}}), members(Process, []Instrument{{
		Name: "headway.probe.last_success_timestamp", Kind: Gauge, Unit: "s", Labels: []string{"probe", "via"}, Read: probeSuccesses,
		Help: "When a canary of the probe was last answered as asked, in Unix time.",
	}}))
}

// ofCanary draws a time of a canary that was answered, by its probe and its way.
func ofCanary(of func(*exchange.Record) time.Duration) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Outcome != exchange.OK {
			return
		}
		via := "sidecar"
		if r.Mode == exchange.Direct {
			via = "direct"
		}
		s.seconds(of(&r.Record), r.Probe, via)
	}
}

// probeRuns adds up what has the same labels, once names of models are folded.
func probeRuns(l *Live, names *Names, level Level) {
	if l.ProbeRuns == nil {
		return
	}
	type labels struct{ operation, model, upstream, probe, via, outcome string }
	sums := map[labels]uint64{}
	for _, of := range l.ProbeRuns() {
		key := labels{string(of.Operation), names.Model(of.Model), address(names.Upstream(of.Upstream)), of.Probe, of.Via, of.Outcome}
		sums[key] += of.Runs
	}
	for k, n := range sums {
		level(float64(n), k.operation, k.model, k.upstream, k.probe, k.via, k.outcome)
	}
}

func probeSuccesses(l *Live, _ *Names, level Level) {
	if l.ProbeSuccesses == nil {
		return
	}
	for _, of := range l.ProbeSuccesses() {
		level(seconds(time.Duration(of.At.UnixNano())), of.Probe, of.Via)
	}
}
