package sidecar

import (
	"math"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/probe/watch"
)

// finding is a watch.Finding as the API tells it. Absent numbers are unknown.
type finding struct {
	Source    watch.Source `json:"source"`
	Probe     string       `json:"probe,omitempty"`
	Model     string       `json:"model"`
	Indicator string       `json:"indicator"`
	Cell      string       `json:"cell,omitempty"`
	Ratio     *float64     `json:"ratio,omitempty"`
	Low       *float64     `json:"low,omitempty"` // 95 %, at every moment at once
	High      *float64     `json:"high,omitempty"`
	Of        int          `json:"of"` // observations; of production, blocks of five minutes
	Since     time.Time    `json:"since,omitzero"`
	Period    float64      `json:"return_period_s"`
	Alarm     bool         `json:"alarm"`
	Learning  bool         `json:"learning"`
	Outside   string       `json:"outside,omitempty"`
	Sentence  string       `json:"sentence"`
}

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
		Findings []finding `json:"findings"`
		Changes  []changed `json:"changes"`
	}{[]finding{}, []changed{}}
	if s.judging != nil {
		now := time.Now()
		for _, f := range s.judging.Findings(now) {
			out.Findings = append(out.Findings, tell(&f))
		}
		for _, c := range s.judging.Changes(now) {
			out.Changes = append(out.Changes, changed{c.Source, c.Probe, c.Model, c.Since.UTC(), c.Sentence})
		}
	}
	answer(w, out)
}

func tell(f *watch.Finding) finding {
	v := &f.Verdict
	out := finding{
		Source: f.Source, Probe: f.Probe, Model: f.Model, Indicator: f.Indicator, Cell: f.Cell, Of: v.Ratio.Of,
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
