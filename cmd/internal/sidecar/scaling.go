package sidecar

import (
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/slo/scaling"
)

// scalingSignal returns the function that reads the number to scale on, or nil beside an
// application: there headway sees one part of the load of all replicas, and that part does
// not fall when a replica joins them.
func (s *Sidecar) scalingSignal() func() []exporter.Scaling {
	if s.scaling == nil {
		return nil
	}
	return after(s.wired, func() []exporter.Scaling {
		now, set := time.Now(), s.slos.judge.Set()
		promised := make([]scaling.Promise, len(set.SLOs))
		for i := range set.SLOs {
			promised[i] = scaling.Promise{SLO: set.SLOs[i].Name, Share: set.SLOs[i].Objective / 100}
		}
		var out []exporter.Scaling
		for _, r := range s.scaling.Ratios(now, promised, s.judging.carried(now)) {
			out = append(out, exporter.Scaling{Model: r.Model, Ratio: r.Ratio})
		}
		return out
	})
}
