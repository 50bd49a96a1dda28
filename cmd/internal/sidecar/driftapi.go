package sidecar

import (
	"math"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/probe/watch"
)

// changed is a watch.Change as the API tells it.
type changed struct {
	Source   watch.Source `json:"source"`
	Probe    string       `json:"probe,omitempty"`
	Model    string       `json:"model"`
	Since    time.Time    `json:"since"`
	Sentence string       `json:"sentence"`
}

// serveDrift serves GET /api/v1/drift: what the detectors find, and which models seem to
// have changed.
func (s *Sidecar) serveDrift(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Findings []live.Finding `json:"findings"`
		Changes  []changed      `json:"changes"`
	}{[]live.Finding{}, []changed{}}
	if s.judging != nil {
		now := time.Now()
		out.Findings = append(out.Findings, s.judging.told(now)...)
		for _, c := range s.judging.Changes(now) {
			out.Changes = append(out.Changes, changed{c.Source, c.Probe, c.Model, c.Since.UTC(), c.Sentence})
		}
	}
	answer(w, out)
}

// told returns the findings as the API and a screen tell them.
func (j *judging) told(now time.Time) []live.Finding {
	if j == nil {
		return nil
	}
	findings := j.Findings(now)
	out := make([]live.Finding, len(findings))
	for i := range findings {
		out[i] = tell(&findings[i])
	}
	return out
}

func tell(f *watch.Finding) live.Finding {
	v := &f.Verdict
	out := live.Finding{
		Source: string(f.Source), Probe: f.Probe, Model: f.Model, Indicator: f.Indicator, Cell: f.Cell, Of: v.Ratio.Of,
		Period: v.ReturnPeriod.Seconds(), Alarm: v.Alarm, Learning: v.Learning, Outside: f.Outside, Sentence: f.Sentence,
	}
	if !v.Since.IsZero() {
		out.Since = v.Since.UTC()
	}
	if f.Compared() {
		out.Ratio, out.Low, out.High = known(v.Ratio.Value), known(v.Ratio.Low), known(v.Ratio.High)
	}
	return out
}

// known returns nil for a bound that is none, and for the ratio of a failure.
func known(x float64) *float64 {
	if x == 0 || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
