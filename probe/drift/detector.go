package drift

import (
	"fmt"
	"math"
	"time"
)

// Detector compares canaries with a Reference: it looks at the bin of each latency, and
// knows how much likelier that bin is after each of a few slowdowns.
type Detector struct {
	training
	evidence  evidence
	reference *Reference
	weights   [][]float64 // by bin, then by slowdown; tempered
	shift     float64     // ln(1 + margin)
	ratios    window
}

// NewDetector returns a Detector that has seen nothing.
func NewDetector(r *Reference, s Settings) (*Detector, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("comparing canaries: %w", err)
	}
	d := &Detector{
		training: newTraining(s), evidence: newEvidence(len(slowdowns), s.level()),
		reference: r, ratios: newWindow(),
	}
	d.weigh()
	return d, nil
}

// weigh computes the weights for the settings.
func (d *Detector) weigh() {
	d.shift = math.Log1p(d.settings.Margin)
	d.weights = make([][]float64, len(d.reference.shares))
	for bin := range d.weights {
		d.weights[bin] = make([]float64, len(slowdowns))
	}
	for i, slowdown := range slowdowns {
		for bin, w := range d.reference.weights(slowdown) {
			d.weights[bin][i] = math.Pow(w, d.settings.Temper)
		}
	}
}

// Observe takes the latency of one canary, in seconds, and its time. It allocates nothing
// but once, when the Detector has learnt. It skips a latency that is no time: NaN, infinite
// or below 0.
func (d *Detector) Observe(at time.Time, latency float64) {
	if !(latency >= 0 && latency <= math.MaxFloat64) {
		return
	}
	y := math.Log(latency)
	lnRatio := y - d.reference.middle().y
	d.ratios.add(float32(lnRatio))
	d.evidence.update(at, d.weights[d.reference.bin(y-d.shift)], !d.Learning())
	if d.learn(at, lnRatio) {
		d.weigh()
		d.evidence.forget()
	}
}

// Fail takes the failure of one canary. Failures count as slowest of all, if the load test
// says how many of its own requests failed. Else Fail does nothing and returns false.
func (d *Detector) Fail(at time.Time) bool {
	if d.reference.failures == 0 {
		return false
	}
	d.ratios.add(float32(math.Inf(1)))
	d.evidence.update(at, d.weights[len(d.reference.points)], !d.Learning())
	return true
}

// Alarm says what Verdict says of the alarm, at no cost.
func (d *Detector) Alarm() bool { return d.evidence.alarm }

// Verdict returns the present finding. It allocates: call it to show it, not for each
// observation.
func (d *Detector) Verdict() Verdict {
	return verdict(&d.training, &d.evidence, &d.ratios, d.reference.middle().p)
}
