package hindsight

import (
	"time"

	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Limits is the goodput of a capture, had its limits been others.
type Limits struct {
	Start time.Time `json:"start,omitzero"` // of the first exchange
	End   time.Time `json:"end,omitzero"`   // of the last one
	report.LeftOut
	Further int           `json:"further_groups"` // exchanges of more groups than a report has
	Open    int           `json:"open_calls"`     // calls that were not over at the end, and count nowhere
	Drained int           `json:"drained"`        // exchanges that headway's own stop cut; they count as failed
	Groups  []GroupLimits `json:"groups"`         // most events first
}

// GroupLimits are the curves of one group.
type GroupLimits struct {
	Key
	Calls    Events  `json:"calls"`
	Attempts Events  `json:"attempts"`
	Curves   []Curve `json:"curves"`
	// Unjudged names the indicators of which nothing in the group has a value: any limit on
	// them would be kept.
	Unjudged []string `json:"unjudged,omitempty"`
}

// Events counts the calls or attempts of a group by how they ended. A failed one is bad
// whatever the limit is. One whose client left counts only for limits that had passed then.
type Events struct {
	Answered int `json:"answered"`
	Failed   int `json:"failed"`
	Left     int `json:"client_gone"`
}

// Curve is the goodput over each limit of one indicator, as if it were the only limit.
type Curve struct {
	Indicator string  `json:"indicator"`
	Points    []Point `json:"points"` // shortest limit first
	Met       []Met   `json:"met"`
}

// Point is the share of good events at a limit in seconds; nil for a share of nothing.
type Point struct {
	Limit    float64  `json:"limit_s"`
	Calls    *float64 `json:"calls"`
	Attempts *float64 `json:"attempts"`
}

// Met is the least limit that so many percent of all events would have met.
type Met struct {
	Percent  float64 `json:"percent"`
	Calls    *Least  `json:"calls"` // nil if no limit has so many: too many failed
	Attempts *Least  `json:"attempts"`
}

// Least is a limit in seconds with its interval of 95 % confidence: the captured events are
// a sample of the traffic. Low is nil if they are too few to bound it from below, High if
// from above.
type Least struct {
	Limit float64  `json:"limit_s"`
	Low   *float64 `json:"low_s"`
	High  *float64 `json:"high_s"`
}

// percents are those of which Limits tells the limit.
func percents() []float64 { return []float64{50, 90, 95, 99, 99.9} }

// Limits returns the curves of all lines so far.
func (g *Gatherer) Limits() Limits {
	out := Limits{Start: g.first, End: g.last, LeftOut: g.leftOut, Further: g.further, Drained: g.drained}
	out.Open, _ = g.open.Count()
	for _, key := range g.keys() {
		out.Groups = append(out.Groups, g.groups[key].limits(key))
	}
	return out
}

func (e *events) limits(key Key) GroupLimits {
	out := GroupLimits{Key: key}
	for _, i := range limitable() {
		calls, attempts := e.of(aCall, i), e.of(anAttempt, i)
		out.Calls, out.Attempts = calls.events(), attempts.events()
		if !calls.judges() && !attempts.judges() {
			out.Unjudged = append(out.Unjudged, i.String())
			continue
		}
		out.Curves = append(out.Curves, curve(i, &calls, &attempts))
	}
	return out
}

func (s *sample) events() Events {
	return Events{Answered: len(s.answered), Failed: s.failed, Left: len(s.left)}
}

// judges says whether an answered event has a value of the indicator.
func (s *sample) judges() bool {
	return len(s.answered) > 0 && s.answered[len(s.answered)-1] > 0
}

// curve has the limits of the ladder from the first that a tenth of the events meets to the
// first that as many meet as ever.
func curve(i exchange.Indicator, calls, attempts *sample) Curve {
	out := Curve{Indicator: i.String()}
	for _, limit := range ladder(i) {
		goodCalls, goodAttempts := upTo(calls.answered, limit), upTo(attempts.answered, limit)
		if 10*goodCalls < len(calls.answered) && 10*goodAttempts < len(attempts.answered) {
			continue
		}
		out.Points = append(out.Points, Point{Limit: inSeconds(limit), Calls: calls.share(limit), Attempts: attempts.share(limit)})
		if goodCalls == upTo(calls.answered, never-1) && goodAttempts == upTo(attempts.answered, never-1) {
			break
		}
	}
	for _, percent := range percents() {
		out.Met = append(out.Met, Met{Percent: percent, Calls: calls.least(percent / 100), Attempts: attempts.least(percent / 100)})
	}
	return out
}

// share is the goodput at a limit.
func (s *sample) share(limit micros) *float64 {
	good, counted := s.good(limit)
	if counted == 0 {
		return nil
	}
	return new(float64(good) / float64(counted))
}

// least returns the least limit with such a share of good events, and its interval.
func (s *sample) least(share float64) *Least {
	limit, ok := s.met(share)
	if !ok {
		return nil
	}
	out := &Least{Limit: inSeconds(limit)}
	_, counted := s.good(limit)
	low, high := ranks(counted, share)
	ranked := func(rank int) *float64 {
		if rank < 1 || rank > len(s.answered) || s.answered[rank-1] == never {
			return nil // the others counted are bad, whatever the limit is
		}
		return new(inSeconds(s.answered[rank-1]))
	}
	out.Low, out.High = ranked(low), ranked(high)
	return out
}

func inSeconds(v micros) float64 { return float64(v) / 1e6 }
