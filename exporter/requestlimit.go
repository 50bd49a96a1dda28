package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// requestLimits lists the instruments about limits that requests set themselves. The limits
// are no labels: clients choose them.
func requestLimits() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.request.limits", Kind: Counter, Unit: "{limit}", Labels: []string{"indicator", "verdict"}, Draw: countLimits,
			Help: "Limits that requests set in a field of their head, such as x-llm-d-slo-ttft-ms, by how the exchange went.",
		},
		{
			Name: "headway.limited.requests", Kind: Counter, Unit: "{request}", PerTenant: true, Labels: []string{"verdict"}, Draw: countLimited,
			Help: "Exchanges whose requests set limits that could be judged: good ones kept all of them and did not fail.",
		},
	})
}

func countLimits(r *Reading, s *Samples) {
	for i := range r.Limits {
		if l := &r.Limits[i]; l.Verdict != "" {
			s.Add(1, l.Indicator.String(), string(l.Verdict))
		}
	}
}

func countLimited(r *Reading, s *Samples) {
	switch good, counts := exchange.KeptLimits(r.Limits); {
	case good:
		s.Add(1, verdictGood)
	case counts:
		s.Add(1, verdictBad)
	}
}
