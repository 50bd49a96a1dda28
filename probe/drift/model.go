package drift

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Model predicts the median latency that the load test would have measured for a request:
// between the tested lengths linear in tokens, between the tested loads linear in the
// logarithm of the latency.
type Model struct {
	ttft, tpot []level // by load
}

// level has the cells of one load.
type level struct {
	load  float64 // requests in flight
	cells []tested
}

// tested is a cell's median.
type tested struct{ tokens, seconds float64 }

// Request is what the latency of a request depends on.
type Request struct {
	Prompt int // tokens, cached ones included
	Cached int // of them, found in a prompt cache
	Output int
	Load   float64 // requests in flight at the server, this one included
}

// ErrOutside says that the load test had no request like this. There is no prediction then:
// nobody has promised anything.
var ErrOutside = errors.New("outside the tested range")

// NewModel reads the cells of one model. It skips cells whose requests in flight are
// unknown. It refuses cells that measured an indicator by different definitions.
func NewModel(cells []baseline.Cell) (*Model, error) {
	m := &Model{}
	for _, lines := range []struct {
		of     baseline.Name
		levels *[]level
		length func(baseline.Cell) float64
	}{
		{baseline.TTFT, &m.ttft, func(c baseline.Cell) float64 { return c.InputTokens.Mean }},
		{baseline.TPOT, &m.tpot, func(c baseline.Cell) float64 { return context(c.InputTokens.Mean, c.OutputTokens.Mean) }},
	} {
		var err error
		if *lines.levels, err = levels(cells, lines.of, lines.length); err != nil {
			return nil, err
		}
	}
	if m.ttft == nil && m.tpot == nil {
		return nil, errors.New("no cell has a median TTFT or TPOT and a number of requests in flight")
	}
	return m, nil
}

// context is the mean number of tokens that the server attends to while it generates.
func context(input, output float64) float64 { return input + output/2 }

func levels(cells []baseline.Cell, of baseline.Name, length func(baseline.Cell) float64) ([]level, error) {
	var levels []level
	var definition *baseline.Definition
	for _, c := range cells {
		indicator, has := c.Indicators[of]
		median, hasMedian := indicator.Quantiles.At(0.5)
		load, hasLoad := InFlight(c.Load)
		if !has || !hasMedian || !hasLoad || !(median > 0) || !(length(c) > 0) {
			continue
		}
		defined := indicator.Definition
		defined.Percentiles = ""
		if definition != nil && *definition != defined {
			return nil, fmt.Errorf("cell %s measured %s by another definition than the cells before it", c.ID, of)
		}
		definition = &defined
		levels = insert(levels, load, tested{length(c), median})
	}
	return levels, nil
}

// InFlight returns the requests in flight under a load, and false if nobody knows them.
func InFlight(l baseline.Load) (float64, bool) {
	switch {
	case l.Kind == baseline.Concurrency:
		return l.Value, l.Value > 0
	case l.MeanConcurrency != nil:
		return *l.MeanConcurrency, *l.MeanConcurrency > 0
	}
	return 0, false
}

// insert keeps levels and their cells in order. Two medians of one cell become their
// geometric mean.
func insert(levels []level, load float64, cell tested) []level {
	i, found := slices.BinarySearchFunc(levels, load, func(l level, load float64) int { return cmp(l.load, load) })
	if !found {
		levels = slices.Insert(levels, i, level{load: load})
	}
	at := &levels[i].cells
	switch j, found := slices.BinarySearchFunc(*at, cell.tokens, func(c tested, n float64) int { return cmp(c.tokens, n) }); {
	case found:
		(*at)[j].seconds = math.Sqrt((*at)[j].seconds * cell.seconds)
	default:
		*at = slices.Insert(*at, j, cell)
	}
	return levels
}

// cmp takes lengths and loads that differ by less than 1 % for one.
func cmp(a, b float64) int {
	switch {
	case a < b*0.99:
		return -1
	case a > b*1.01:
		return 1
	}
	return 0
}

// TTFT returns the predicted median, in seconds. Only tokens that the server has to read
// count: those in a prompt cache cost it next to nothing.
func (m *Model) TTFT(r Request) (float64, error) {
	return predict(m.ttft, baseline.TTFT, float64(max(0, r.Prompt-r.Cached)), r.Load)
}

// TPOT returns the predicted median, in seconds.
func (m *Model) TPOT(r Request) (float64, error) {
	return predict(m.tpot, baseline.TPOT, context(float64(r.Prompt), float64(r.Output)), r.Load)
}

// E2E returns the predicted TTFT, and the predicted TPOT for every token after the first.
func (m *Model) E2E(r Request) (float64, error) {
	ttft, err := m.TTFT(r)
	if err != nil || r.Output <= 1 {
		return ttft, err
	}
	tpot, err := m.TPOT(r)
	return ttft + tpot*float64(r.Output-1), err
}

func predict(levels []level, of baseline.Name, tokens, load float64) (float64, error) {
	if len(levels) == 0 {
		return 0, fmt.Errorf("%s: %w: no cell has a median", of, ErrOutside)
	}
	if most := levels[len(levels)-1].load; !(load <= most) {
		return 0, fmt.Errorf("%s: %w: %.0f requests in flight, and at most %.0f in the load test", of, ErrOutside, load, most)
	}
	above := 0
	for levels[above].load < load {
		above++
	}
	high, err := levels[above].at(of, tokens)
	if err != nil || above == 0 {
		return high, err // under less load than the least that was tested, a service is no slower
	}
	low, err := levels[above-1].at(of, tokens)
	if err != nil {
		return 0, err
	}
	share := (load - levels[above-1].load) / (levels[above].load - levels[above-1].load)
	return math.Exp(math.Log(low)*(1-share) + math.Log(high)*share), nil
}

// at interpolates between the lengths of a level. Below the shortest it extends the line
// through the two shortest. A level of one length speaks of lengths within 10 % alone.
func (l level) at(of baseline.Name, tokens float64) (float64, error) {
	const near = 0.10
	first, last := l.cells[0], l.cells[len(l.cells)-1]
	alone := len(l.cells) == 1
	if tokens > last.tokens*(1+near) || alone && tokens < first.tokens*(1-near) || !(tokens >= 0) {
		return 0, fmt.Errorf("%s: %w: %.0f tokens, and %.0f to %.0f in the load test with %.0f requests in flight",
			of, ErrOutside, tokens, first.tokens, last.tokens, l.load)
	}
	if alone {
		return first.seconds, nil
	}
	above := 1
	for above < len(l.cells)-1 && l.cells[above].tokens < tokens {
		above++
	}
	a, b := l.cells[above-1], l.cells[above]
	line := a.seconds + (b.seconds-a.seconds)*(tokens-a.tokens)/(b.tokens-a.tokens)
	if tokens < a.tokens {
		// Noise in the two cells may lead the line to 0 or below. A share of the shortest
		// cell's time cannot.
		line = max(line, a.seconds*tokens/a.tokens)
	}
	if line <= 0 {
		return 0, fmt.Errorf("%s: %w: no tokens to read", of, ErrOutside)
	}
	return line, nil
}
