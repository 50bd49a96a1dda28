package exporter

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// slos lists the instruments about SLOs: Verdicts, and the promises and counts of Live.
func slos() []Instrument {
	return slices.Concat(members(Traffic, []Instrument{
		ofVerdicts(countVerdicts, Instrument{
			Name: "headway.slo.requests", Kind: Counter, PerTenant: true, Unit: "{request}", Labels: []string{"slo", "verdict", "missed"}, Together: verdictSeries,
			Help: "Calls, or attempts where the SLO says so, that an SLO judged; missed is the first objective in a fixed order that did not hold.",
		}),
		ofVerdicts(countMisses, Instrument{
			Name: "headway.slo.missed", Kind: Counter, Unit: "{request}", Labels: []string{"slo", "indicator"}, Together: missSeries,
			Help: "Bad ones of headway_slo_requests, for every objective that did not hold: one may miss several.",
		}),
		ofVerdicts(countTokens, Instrument{
			Name: "headway.slo.tokens", Kind: Counter, PerTenant: true, Unit: "{token}", Labels: []string{"slo", "verdict"}, Together: tokenSeries,
			Help: "Output tokens of what an SLO judged, where they are known.",
		}),
	}), members(Process, []Instrument{
		{
			Name: "headway.slo.tokens_timed", Kind: Counter, Unit: "{token}", Labels: []string{"slo"}, Read: eachSLO(timedTokens),
			Help: "Streamed tokens that had a deadline by an SLO that limits both TTFT and TPOT: the n-th after the first is due at the limit of TTFT + n times that of TPOT.",
		},
		{
			Name: "headway.slo.tokens_on_time", Kind: Counter, Unit: "{token}", Labels: []string{"slo"}, Read: eachSLO(tokensOnTime),
			Help: "Of headway_slo_tokens_timed, those that came by their deadline: smooth token goodput.",
		},
		{
			Name: "headway.slo.objective", Kind: Gauge, Unit: "1", Labels: []string{"slo"}, Read: eachSLO(objective),
			Help: "Share of good requests that an SLO promises.",
		},
		{
			Name: "headway.slo.threshold", Kind: Gauge, Unit: "s", Labels: []string{"slo", "indicator"}, Read: eachSLO(thresholds),
			Help: "What an SLO allows an indicator, for each token where its name says so.",
		},
	}))
}

// ofVerdicts makes in draw from the Verdicts of exchanges, of turns, and of chains that were
// closed late. The Verdicts of any other chain are those of the exchange that ended it.
func ofVerdicts(draw func(*Samples, []exchange.Verdict, exchange.Count), in Instrument) Instrument {
	in.Draw = func(r *Reading, s *Samples) { draw(s, r.Verdicts, r.Usage.Output) }
	in.DrawChain = func(r *ChainReading, s *Samples) { draw(s, r.Verdicts, r.Last.Usage.Output) }
	in.DrawTurn = func(r *TurnReading, s *Samples) { draw(s, r.Verdicts, exchange.Count{}) }
	return in
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

func countVerdicts(s *Samples, verdicts []exchange.Verdict, _ exchange.Count) {
	for i := range verdicts {
		v := &verdicts[i]
		s.Add(1, v.SLO, verdict(v), v.Missed.First())
	}
}

func countMisses(s *Samples, verdicts []exchange.Verdict, _ exchange.Count) {
	for i := range verdicts {
		if verdicts[i].Good {
			continue
		}
		for _, by := range exchange.Indicators() {
			if verdicts[i].Missed.Has(by) {
				s.Add(1, verdicts[i].SLO, by.String())
			}
		}
	}
}

func countTokens(s *Samples, verdicts []exchange.Verdict, output exchange.Count) {
	for i := range verdicts {
		s.count(output, verdicts[i].SLO, verdict(&verdicts[i]))
	}
}

func verdictSeries(l *Live, of Extra) []Extra {
	out := []Extra{{of[0], verdictGood, "none"}}
	for _, i := range l.indicators(of[0]) {
		out = append(out, Extra{of[0], verdictBad, i.String()})
	}
	return out
}

func missSeries(l *Live, of Extra) []Extra {
	var out []Extra
	for _, i := range l.indicators(of[0]) {
		out = append(out, Extra{of[0], i.String()})
	}
	return out
}

func tokenSeries(_ *Live, of Extra) []Extra {
	return []Extra{{of[0], verdictGood}, {of[0], verdictBad}}
}

// indicators lists the indicators that exchanges can miss by that SLO's objectives, an
// error included.
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

// eachSLO makes a Read that calls tell for every SLO there is.
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

func timedTokens(s *SLO, level Level)  { level(float64(s.Timed), s.Name) }
func tokensOnTime(s *SLO, level Level) { level(float64(s.OnTime), s.Name) }
func objective(s *SLO, level Level)    { level(s.Objective, s.Name) }

func thresholds(s *SLO, level Level) {
	for _, limit := range s.Limits {
		level(seconds(limit.Limit), s.Name, limit.Indicator.String())
	}
}
