package production

import (
	"math"
	"slices"

	"github.com/headway-sidecar/headway/probe/baseline"
)

const (
	// nearLength is how many times longer or shorter than those of a cell the prompt and the
	// answer of a request may be.
	nearLength = 1.25
	// nearLoad is the same for the requests in flight, between the tested loads. A load that
	// doubles from cell to cell leaves no gap.
	nearLoad = 1.5
)

// series are the cells of one tool, one model and one kind of load. A request belongs to one
// of them at most.
type series struct {
	cells  []int // of the baseline
	levels []float64
}

// allSeries divides the cells of a model. Cells without a load that production can have are
// in none.
func allSeries(b *baseline.Baseline, model string) (out []series) {
	type key struct {
		tool string
		kind baseline.LoadKind
	}
	at := map[key]int{}
	for i := range b.Cells {
		c := &b.Cells[i]
		level, known := level(c)
		if c.Model != model || !known {
			continue
		}
		k := key{c.Source.Tool, c.Load.Kind}
		n, there := at[k]
		if !there {
			n = len(out)
			at[k] = n
			out = append(out, series{})
		}
		out[n].cells, out[n].levels = append(out[n].cells, i), append(out[n].levels, level)
	}
	return out
}

// level is how many requests are in flight when one starts, that one among them. Under a
// rate, an arrival finds the mean number of others. Every request at once is a load that
// production has not.
func level(c *baseline.Cell) (float64, bool) {
	switch mean := c.Load.MeanConcurrency; {
	case c.Load.Kind == baseline.Concurrency:
		return c.Load.Value, true
	case c.Load.Kind == baseline.Rate && mean != nil:
		return *mean + 1, true
	}
	return 0, false
}

// place says where a request is.
type place int

const (
	inCell      place = iota
	otherLength       // no cell has such lengths
	lessLoad          // fewer in flight than in any cell with such lengths
	moreLoad          // more in flight
	betweenLoads
)

// find returns the cell of a request with so many in flight.
func (s *series) find(b *baseline.Baseline, r *request, inFlight float64) (cell int, p place) {
	best, lowest, highest := math.Inf(1), math.Inf(1), 0.
	cell, p = -1, otherLength
	for n, i := range s.cells {
		c := &b.Cells[i]
		in, out := apart(float64(r.input), c.InputTokens.Mean), apart(float64(r.Output), c.OutputTokens.Mean)
		if in > math.Log(nearLength) || out > math.Log(nearLength) {
			continue
		}
		load := apart(inFlight, s.levels[n])
		lowest, highest = min(lowest, s.levels[n]), max(highest, s.levels[n])
		if far := in + out + load; far < best {
			best, cell = far, i
			p = inCell
			if load > math.Log(nearLoad) {
				p = betweenLoads
			}
		}
	}
	switch {
	case cell < 0:
	case inFlight > math.Ceil(highest):
		p = moreLoad
	case inFlight < math.Floor(lowest) && p == betweenLoads:
		p = lessLoad
	}
	return cell, p
}

// apart is how far two numbers are from each other, as the logarithm of their ratio. Cells
// without a prompt are as far from a request with none as from one with a token.
func apart(a, b float64) float64 { return math.Abs(math.Log(max(a, 1) / max(b, 1))) }

// sortTimes makes the traffic ready for inFlight.
func (t *traffic) sortTimes() {
	slices.Sort(t.starts)
	slices.Sort(t.ends)
}

// inFlight is how many requests of the model were under way when one started, that one
// among them. One that ends at that moment is not under way.
func (t *traffic) inFlight(start int64) float64 {
	began, _ := slices.BinarySearch(t.starts, start+1)
	ended, _ := slices.BinarySearch(t.ends, start+1)
	return float64(max(1, began-ended))
}
