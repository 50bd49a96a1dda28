package capture

import "github.com/headway-sidecar/headway/proxy/exchange"

// RequestLimit is a limit that a request set itself, and how the exchange went by it.
type RequestLimit struct {
	Limit   float64 `json:"limit_s"`
	Verdict string  `json:"verdict,omitempty"` // kept, missed, failed, unjudged
}

func requestLimits(of []exchange.RequestLimit) map[string]RequestLimit {
	if len(of) == 0 {
		return nil
	}
	out := make(map[string]RequestLimit, len(of))
	for _, l := range of {
		out[l.Indicator.String()] = RequestLimit{Limit: seconds(l.Limit), Verdict: string(l.Verdict)}
	}
	return out
}
