package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

// Source says which requests a finding is about.
type Source string

// The sources.
const (
	Canary     Source = "canary"
	Production Source = "production"
)

// Finding is what one detector finds now.
type Finding struct {
	Source Source
	Probe  string // empty for production
	Model  string
	// Indicator is one of the latencies of a baseline, or a trait of the model.
	Indicator string
	Cell      string // of the load test; empty for production and for traits
	Verdict   drift.Verdict
	Sentence  string
	// Outside says why the latest observation was not compared: "outside the tested range",
	// say. It is empty if it was.
	Outside string
}

// Compared says that the Verdict has a ratio that holds now.
func (f *Finding) Compared() bool { return f.Outside == "" && f.Verdict.Ratio.Of > 0 }

// Findings returns what all detectors find, in the order of source, probe, model and
// indicator. It computes them once a second at most. The caller must not change them.
func (w *Watch) Findings(now time.Time) []Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.told.IsZero() && now.Sub(w.told).Abs() < time.Second {
		return w.findings
	}
	w.findings, w.told = w.book.findings(now), now
	return w.findings
}

func (k *book) findings(now time.Time) []Finding {
	var out []Finding
	for _, c := range k.canaries {
		for _, t := range c.tracks {
			out = append(out, t.finding(now))
		}
	}
	for _, t := range k.production {
		for _, one := range t.tracks {
			out = append(out, one.finding(now))
		}
	}
	for _, i := range k.identities {
		out = append(out, i.findings(now)...)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Indicator, b.Indicator))
	})
	return out
}

func (t *track) finding(now time.Time) Finding {
	f := Finding{Source: t.source, Probe: t.probe, Model: t.model, Indicator: string(t.indicator), Cell: t.cell, Outside: t.outside}
	if t.detector == nil {
		f.Sentence = f.label() + ": " + t.outside + "."
		return f
	}
	f.Verdict = t.detector.Verdict()
	switch {
	case t.outside != "" && f.Verdict.Ratio.Of == 0:
		f.Sentence = f.label() + ": " + t.outside + "."
	case t.outside != "":
		f.Sentence = f.Verdict.Sentence(f.label(), now) + " The latest was not compared: " + t.outside + "."
	default:
		f.Sentence = f.Verdict.Sentence(f.label(), now)
	}
	if f.Verdict.Learning && f.Verdict.Ratio.Of > 0 {
		f.Sentence += " headway still learns how the service varies, and raises no alarm yet."
	}
	return f
}

// label is the indicator as people write it.
func (f *Finding) label() string { return strings.ToUpper(f.Indicator) }
