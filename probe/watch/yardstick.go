package watch

import (
	"errors"
	"fmt"
	"math"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// yardstick is what one tool found about one model.
type yardstick struct {
	tool  string
	cells []baseline.Cell
	model *drift.Model // nil if there is none
	why   error        // there is none
}

// yardsticks divides the cells by model and tool, in their order.
func yardsticks(b baseline.Baseline) map[string][]*yardstick {
	out := map[string][]*yardstick{}
	for _, c := range b.Cells {
		var of *yardstick
		for _, y := range out[c.Model] {
			if y.tool == c.Source.Tool {
				of = y
			}
		}
		if of == nil {
			of = &yardstick{tool: c.Source.Tool}
			out[c.Model] = append(out[c.Model], of)
		}
		of.cells = append(of.cells, c)
	}
	for _, all := range out {
		for _, y := range all {
			y.model, y.why = drift.NewModel(y.cells)
		}
	}
	return out
}

// widest is the yardstick with most cells among those that can predict, or else the first.
func widest(all []*yardstick) *yardstick {
	best := all[0]
	for _, y := range all[1:] {
		if y.model != nil && (best.model == nil || len(y.cells) > len(best.cells)) {
			best = y
		}
	}
	return best
}

// nearest finds the cell that is least far from a request in its lengths and, where both are
// known, its load.
func nearest(all []*yardstick, r drift.Request) (best *yardstick, cell *baseline.Cell) {
	least := math.Inf(1)
	for _, y := range all {
		for i := range y.cells {
			c := &y.cells[i]
			far := apart(float64(r.Prompt), c.InputTokens.Mean) + apart(float64(r.Output), c.OutputTokens.Mean)
			if load, known := drift.InFlight(c.Load); known && r.Load > 0 {
				far += apart(r.Load, load)
			}
			if far < least {
				least, best, cell = far, y, c
			}
		}
	}
	return best, cell
}

// apart is how far two numbers are from each other, as the logarithm of their ratio.
func apart(a, b float64) float64 { return math.Abs(math.Log(max(a, 1) / max(b, 1))) }

// requestOf is the request for which c has its medians.
func requestOf(c *baseline.Cell) drift.Request {
	load, _ := drift.InFlight(c.Load)
	return drift.Request{Prompt: int(math.Round(c.InputTokens.Mean)), Output: int(math.Round(c.OutputTokens.Mean)), Load: load}
}

// predict is the median that the load test would have measured.
func (y *yardstick) predict(of baseline.Name, r drift.Request) (float64, error) {
	if y.model == nil {
		return 0, y.why
	}
	switch of {
	case baseline.TTFT:
		return y.model.TTFT(r)
	case baseline.TPOT:
		return y.model.TPOT(r)
	case baseline.E2E:
		return y.model.E2E(r)
	}
	return 0, fmt.Errorf("%s: nothing predicts it", of)
}

// scale is the factor that makes the latency of a request comparable with those of a cell:
// the prediction for the cell ÷ that for the request. Without a prediction for the cell, the
// request has to be like it.
func (y *yardstick) scale(of baseline.Name, c *baseline.Cell, r drift.Request) (float64, error) {
	own := requestOf(c)
	if r.Load == 0 {
		r.Load = own.Load
	}
	tested, err := y.predict(of, own)
	if err != nil {
		return 1, alike(of, own, r)
	}
	predicted, err := y.predict(of, r)
	if err != nil {
		return 0, err
	}
	return tested / predicted, nil
}

// alike returns an error unless the lengths and the loads are near each other. The bounds are
// those by which captures are held beside a baseline.
func alike(of baseline.Name, tested, r drift.Request) error {
	const nearLength, nearLoad = 1.25, 1.5
	far := apart(float64(tested.Prompt), float64(r.Prompt)) > math.Log(nearLength) ||
		apart(float64(tested.Output), float64(r.Output)) > math.Log(nearLength) ||
		tested.Load > 0 && r.Load > tested.Load*nearLoad
	if !far {
		return nil
	}
	return fmt.Errorf("%s: %w: %d tokens in, %d out and %.0f requests in flight, and %d, %d and %.0f in the load test",
		of, drift.ErrOutside, r.Prompt, r.Output, r.Load, tested.Prompt, tested.Output, tested.Load)
}

// outside words an error of scale or predict.
func outside(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, drift.ErrOutside) {
		return err.Error()
	}
	return "no comparison: " + err.Error()
}
