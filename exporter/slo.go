package exporter

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// SLO is what one SLO promises, and what is counted for it beside Verdicts.
type SLO struct {
	Name      string
	Objective float64 // share of good exchanges, from 0 to 1
	Limits    []Limit
	Timed     uint64 // output tokens that had a deadline
	OnTime    uint64 // of Timed, those that came by it
}

// Limit is what one indicator must not exceed.
type Limit struct {
	Indicator exchange.Indicator
	Limit     time.Duration
}

// Edges are limits that bucket bounds have to lie on, in any order and as often as
// they come.
type Edges []Limit

// EdgesOf lists the limits of SLOs.
func EdgesOf(slos []SLO) Edges {
	var out Edges
	for _, s := range slos {
		out = append(out, s.Limits...)
	}
	return out
}

const (
	verdictGood = "good"
	verdictBad  = "bad"
)

func verdict(v *exchange.Verdict) string {
	if v.Good {
		return verdictGood
	}
	return verdictBad
}

func sloRequests(r *Reading, s *Samples) { s.verdicts(r.Verdicts) }

func sloChainRequests(r *ChainReading, s *Samples) { s.verdicts(r.Verdicts) }

func (s *Samples) verdicts(of []exchange.Verdict) {
	for i := range of {
		s.Add(1, of[i].SLO, verdict(&of[i]), of[i].Missed.First())
	}
}

func sloMissed(r *Reading, s *Samples) { s.missed(r.Verdicts) }

func sloChainMissed(r *ChainReading, s *Samples) { s.missed(r.Verdicts) }

func (s *Samples) missed(of []exchange.Verdict) {
	for i := range of {
		if of[i].Good {
			continue
		}
		for _, by := range exchange.Indicators() {
			if of[i].Missed.Has(by) {
				s.Add(1, of[i].SLO, by.String())
			}
		}
	}
}

func sloTokens(r *Reading, s *Samples) { s.verdictTokens(r.Verdicts, r.Usage.Output) }

func sloChainTokens(r *ChainReading, s *Samples) { s.verdictTokens(r.Verdicts, r.Last.Usage.Output) }

func (s *Samples) verdictTokens(of []exchange.Verdict, output exchange.Count) {
	for i := range of {
		s.count(output, of[i].SLO, verdict(&of[i]))
	}
}

// indicators are what an SLO can miss, an error included.
func (l *Live) indicators(slo string) []exchange.Indicator {
	out := []exchange.Indicator{exchange.Error}
	if l.SLOs == nil {
		return out
	}
	for _, s := range l.SLOs() {
		if s.Name != slo {
			continue
		}
		for _, limit := range s.Limits {
			out = append(out, limit.Indicator)
		}
	}
	return out
}

func sloRequestSeries(l *Live, of Extra) []Extra {
	out := []Extra{{of[0], verdictGood, "none"}}
	for _, i := range l.indicators(of[0]) {
		out = append(out, Extra{of[0], verdictBad, i.String()})
	}
	return out
}

func sloMissedSeries(l *Live, of Extra) []Extra {
	var out []Extra
	for _, i := range l.indicators(of[0]) {
		out = append(out, Extra{of[0], i.String()})
	}
	return out
}

func sloTokenSeries(_ *Live, of Extra) []Extra {
	return []Extra{{of[0], verdictGood}, {of[0], verdictBad}}
}

// eachSLO calls tell for every SLO there is.
func eachSLO(tell func(*SLO, Level)) func(*Live, *Names, Level) {
	return func(l *Live, _ *Names, level Level) {
		if l.SLOs == nil {
			return
		}
		for _, s := range l.SLOs() {
			tell(&s, level)
		}
	}
}

func sloTokensTimed(s *SLO, level Level)  { level(float64(s.Timed), s.Name) }
func sloTokensOnTime(s *SLO, level Level) { level(float64(s.OnTime), s.Name) }
func sloObjective(s *SLO, level Level)    { level(s.Objective, s.Name) }

func sloThreshold(s *SLO, level Level) {
	for _, limit := range s.Limits {
		level(seconds(limit.Limit), s.Name, limit.Indicator.String())
	}
}
