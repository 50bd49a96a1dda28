package capture

import "github.com/headway-sidecar/headway/proxy/exchange"

// Verdict is the verdict of an SLO on an exchange or a call.
type Verdict struct {
	Verdict string   `json:"verdict"`          // good, bad
	Missed  []string `json:"missed,omitempty"` // indicators
}

func verdicts(of []exchange.Verdict) map[string]Verdict {
	if len(of) == 0 {
		return nil
	}
	out := make(map[string]Verdict, len(of))
	for _, v := range of {
		line := Verdict{Verdict: "good"}
		if !v.Good {
			line.Verdict = "bad"
		}
		for _, i := range exchange.Indicators() {
			if v.Missed.Has(i) {
				line.Missed = append(line.Missed, i.String())
			}
		}
		out[v.SLO] = line
	}
	return out
}
