package drift

import (
	"fmt"
	"math"
	"time"
)

// Witness compares production with the load test. Requests of one burst share their fate,
// so it judges blocks of five minutes: more than half of the requests slower than predicted
// + the margin, or not. Under a service as tested that is no more than a coin's toss. A
// Witness is slow: about 16 bad blocks in a row raise its alarm.
type Witness struct {
	training
	evidence evidence
	good     []float64 // the factors of a block as fast as tested, tempered
	bad      []float64 // and of one that is not
	block    block
	ratios   window // of the blocks' medians
}

// stakes are the shares of its wealth that each bet puts on a bad block.
var stakes = [...]float64{0.2, 0.5, 0.8}

const blockLength = 5 * time.Minute

// NewWitness returns a Witness that has seen nothing. An observation is a block, so it sets
// Every itself.
func NewWitness(s Settings) (*Witness, error) {
	s.Every = blockLength
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("comparing production: %w", err)
	}
	w := &Witness{
		training: newTraining(s), evidence: newEvidence(len(stakes), s.level()),
		ratios: newWindow(), block: newBlock(),
	}
	w.weigh()
	return w, nil
}

func (w *Witness) weigh() {
	w.good, w.bad = make([]float64, len(stakes)), make([]float64, len(stakes))
	for i, stake := range stakes {
		w.good[i] = math.Pow(1-stake, w.settings.Temper)
		w.bad[i] = math.Pow(1+stake, w.settings.Temper)
	}
}

// Observe takes the time at which a request ended, and its latency ÷ the prediction of the
// Model. It allocates only at the end of a block. It skips a ratio that is none: NaN,
// infinite, 0 or below.
func (w *Witness) Observe(at time.Time, ratio float64) {
	if !(ratio > 0 && ratio <= math.MaxFloat64) {
		return
	}
	w.Elapse(at)
	w.block.add(at, math.Log(ratio))
}

// Elapse judges the block if its time is over. Observe calls it; a caller without requests
// may call it too.
func (w *Witness) Elapse(now time.Time) {
	if !w.block.over(now) {
		return
	}
	if w.block.enough() {
		w.judge(w.block.start, median(w.block.ratios))
	}
	w.block.clear()
}

func (w *Witness) judge(at time.Time, lnRatio float64) {
	factors := w.good
	if lnRatio > math.Log1p(w.settings.Margin) {
		factors = w.bad
	}
	w.ratios.add(float32(lnRatio))
	w.evidence.update(at, factors, !w.Learning())
	if w.learn(at, lnRatio) {
		w.weigh()
		w.evidence.forget()
	}
}

// Alarm says what Verdict says of the alarm, at no cost.
func (w *Witness) Alarm() bool { return w.evidence.alarm }

// Verdict returns the present finding. Its Ratio is over the medians of blocks.
func (w *Witness) Verdict() Verdict {
	return verdict(&w.training, &w.evidence, &w.ratios, 0.5)
}
