package watch

import (
	"fmt"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// habit is a trait of one model, as one source sees it: first what is usual, then a detector
// for more and one for less.
type habit struct {
	trait     *trait
	settings  drift.Settings
	canary    bool
	usual     *usual // until enough is known
	reference saved  // after that
	more      detector
	less      detector
	raised    time.Time // when the alarm began that is on
	told      bool
}

// saved is what a habit compares with: quantiles of values ÷ their median.
type saved struct {
	Median float64             `json:"median"`
	More   *baseline.Indicator `json:"more,omitempty"` // of canaries
	Less   *baseline.Indicator `json:"less,omitempty"`
}

func newHabit(key identityKey, t *trait, s drift.Settings) *habit {
	return &habit{trait: t, settings: s, canary: key.source == Canary, usual: newUsual(key.probe + key.model + t.name)}
}

// observe takes the value of one answer.
func (h *habit) observe(at time.Time, value float64) error {
	if !(value > 0) {
		return nil
	}
	if h.usual == nil {
		h.more.Observe(at, value/h.reference.Median)
		h.less.Observe(at, h.reference.Median/value)
		return nil
	}
	h.usual.add(at, value)
	if !h.usual.done(at, h.settings.Learn) {
		return nil
	}
	return h.begin(h.usual.reference(h.canary))
}

// reference sums up the values.
func (u *usual) reference(canary bool) saved {
	s := saved{Median: u.median()}
	if !canary {
		return s
	}
	var more, less baseline.Sample
	for _, v := range u.Values {
		more.Add(v / s.Median)
		less.Add(s.Median / v)
	}
	definition := baseline.Definition{Over: baseline.Request, Percentiles: baseline.Linear}
	s.More, s.Less = new(more.Indicator(definition)), new(less.Indicator(definition))
	s.More.Values, s.Less.Values = nil, nil
	return s
}

// begin makes the detectors beside a reference.
func (h *habit) begin(s saved) error {
	more, err := h.side(s.More)
	if err != nil {
		return err
	}
	less, err := h.side(s.Less)
	if err != nil {
		return err
	}
	h.usual, h.reference, h.more, h.less = nil, s, more, less
	return nil
}

func (h *habit) side(of *baseline.Indicator) (detector, error) {
	if !h.canary {
		return drift.NewWitness(h.settings)
	}
	if of == nil || of.Count == nil {
		return nil, fmt.Errorf("%s: no quantiles to compare with", h.trait.name)
	}
	reference, err := drift.NewReference(*of, baseline.Requests{OK: *of.Count})
	if err != nil {
		return nil, err
	}
	return drift.NewDetector(reference, h.settings)
}

// elapse ends a block of production whose time is over, and makes what an alarm has said for
// long the new usual.
func (h *habit) elapse(key identityKey, now time.Time) {
	if h.usual != nil {
		return
	}
	for _, side := range []detector{h.more, h.less} {
		if w, ok := side.(*drift.Witness); ok {
			w.Elapse(now)
		}
	}
	switch alarm := h.alarm(); {
	case !alarm:
		h.raised = time.Time{}
	case h.raised.IsZero():
		h.raised = now
	case now.Sub(h.raised) > renewed:
		*h = *newHabit(key, h.trait, h.settings)
	}
}

// renewed is how long a changed trait raises its alarm. Then the model is what it is now.
const renewed = 24 * time.Hour

func (h *habit) alarm() bool { return h.usual == nil && (h.more.Alarm() || h.less.Alarm()) }

// verdict is that of the side with more evidence, as a ratio to what was usual.
func (h *habit) verdict() drift.Verdict {
	if h.usual != nil {
		return drift.Verdict{Learning: true}
	}
	more, less := h.more.Verdict(), h.less.Verdict()
	if more.ReturnPeriod >= less.ReturnPeriod {
		return more
	}
	r := &less.Ratio
	r.Value, r.Low, r.High = 1/r.Value, 1/r.High, 1/r.Low
	return less
}

// words says what changed by a verdict.
func (h *habit) words(v drift.Verdict) string {
	shown := func(ratio float64) float64 { return h.trait.shown(ratio * h.reference.Median) }
	return h.trait.words + " " + h.trait.form(shown(1), shown(v.Ratio.Value), shown(v.Ratio.Low), shown(v.Ratio.High))
}
