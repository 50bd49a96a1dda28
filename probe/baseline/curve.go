package baseline

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Curve is one workload under two or more loads, in the order of the load.
type Curve struct {
	Cells []Cell
	// Of names the latency that the curve shows: the median of TTFT, or else of E2E.
	Of Name
	// Tokens says that the throughput is output tokens a second, and not requests.
	Tokens bool
	points []point
}

// point is one cell of a curve.
type point struct{ throughput, latency float64 }

// Curves finds the workloads with two or more loads whose cells have a throughput and a
// latency. Cells of one curve come from one tool, and their loads are of one kind.
func Curves(b Baseline) (out []Curve) {
	cells := sorted(b.Cells)
	for len(cells) > 0 {
		one := cells[0]
		same := func(c Cell) bool {
			return one.sameWorkload(c) && c.Source.Tool == one.Source.Tool && c.Load.Kind == one.Load.Kind
		}
		var own, rest []Cell
		for _, c := range cells {
			if same(c) {
				own = append(own, c)
			} else {
				rest = append(rest, c)
			}
		}
		cells = rest
		if c := (Curve{Cells: own}); len(own) > 1 && c.plot() {
			out = append(out, c)
		}
	}
	return out
}

// sameWorkload says whether two cells have the same model and lengths within 5 %.
func (c Cell) sameWorkload(other Cell) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) <= .05*max(a, b) }
	return c.Model == other.Model && near(c.InputTokens.Mean, other.InputTokens.Mean) && near(c.OutputTokens.Mean, other.OutputTokens.Mean)
}

// plot chooses what the axes show. It is false if there is nothing that all cells have.
func (c *Curve) plot() bool {
	all := func(has func(Cell) bool) bool {
		return !slices.ContainsFunc(c.Cells, func(one Cell) bool { return !has(one) })
	}
	c.Tokens = all(func(one Cell) bool { return one.Throughput.OutputTokens != nil })
	if !c.Tokens && !all(func(one Cell) bool { return one.Throughput.Requests != nil }) {
		return false
	}
	for _, c.Of = range []Name{TTFT, E2E, TPOT, TTFB} {
		if all(func(one Cell) bool { _, known := one.Indicators[c.Of].center(); return known }) {
			break
		}
	}
	for _, one := range c.Cells {
		at := one.Throughput.OutputTokens
		if !c.Tokens {
			at = one.Throughput.Requests
		}
		latency, known := one.Indicators[c.Of].center()
		if !known {
			return false
		}
		c.points = append(c.points, point{*at, latency})
	}
	return true
}

// center is the median, or else the mean.
func (in Indicator) center() (float64, bool) {
	if v, ok := in.Quantiles.At(.5); ok {
		return v, true
	}
	if in.Mean != nil {
		return *in.Mean, true
	}
	return 0, false
}

// Knee is the cell after which latency grows faster than throughput: the one farthest below
// the line from the first cell to the last, both axes scaled to 1. It is false with fewer
// than three cells, and for a curve that does not bend so.
func (c *Curve) Knee() (Cell, bool) {
	last := len(c.points) - 1
	dx, dy := c.points[last].throughput-c.points[0].throughput, c.points[last].latency-c.points[0].latency
	if last < 2 || dx <= 0 || dy <= 0 {
		return Cell{}, false
	}
	best, far := 0, 0.
	for i, p := range c.points {
		if d := (p.throughput-c.points[0].throughput)/dx - (p.latency-c.points[0].latency)/dy; d > far {
			best, far = i, d
		}
	}
	return c.Cells[best], far > .05
}

// Limits are upper bounds in seconds, each for the quantile At of its indicator.
type Limits struct {
	At     float64
	Bounds map[Name]float64
}

// Meets says whether c keeps every limit; known is false if c lacks a quantile for that.
func (c *Cell) Meets(l Limits) (ok, known bool) {
	ok = true
	for name, bound := range l.Bounds {
		v, has := c.Indicators[name].Quantiles.At(l.At)
		if !has {
			return false, false
		}
		ok = ok && v <= bound
	}
	return ok, true
}

// Highest is the cell of the highest load up to which every cell meets l.
func (c *Curve) Highest(l Limits) (best Cell, found bool) {
	for _, one := range c.Cells {
		if ok, _ := one.Meets(l); !ok {
			break
		}
		best, found = one, true
	}
	return best, found
}

// Size of a plot, in characters.
const (
	plotWidth  = 60
	plotHeight = 12
)

// Write draws the curve for a terminal, a letter for each cell.
func (c *Curve) Write(w io.Writer) error {
	var canvas [plotHeight][]rune
	for i := range canvas {
		canvas[i] = []rune(strings.Repeat(" ", plotWidth))
	}
	topX, topY := 0., 0.
	for _, p := range c.points {
		topX, topY = max(topX, p.throughput), max(topY, p.latency)
	}
	for i, p := range c.points {
		x, y := int(p.throughput/max(topX, 1e-12)*(plotWidth-1)), int(p.latency/max(topY, 1e-12)*(plotHeight-1))
		canvas[plotHeight-1-y][x] = letter(i)
	}
	unit := "requests/s"
	if c.Tokens {
		unit = "output tokens/s"
	}
	one := c.Cells[0]
	fmt.Fprintf(w, "\n%s, %.0f tokens in, %.0f out (%s): %s over %s\n", one.Model, one.InputTokens.Mean, one.OutputTokens.Mean, one.Source.Tool, strings.ToUpper(string(c.Of)), unit)
	for i, row := range canvas {
		mark := strings.Repeat(" ", 10)
		if i == 0 {
			mark = fmt.Sprintf("%7.0f ms", topY*1e3)
		}
		fmt.Fprintf(w, "%s │%s\n", mark, strings.TrimRight(string(row), " "))
	}
	fmt.Fprintf(w, "%10s └%s\n%12s%*.1f\n", "0", strings.Repeat("─", plotWidth), "0", plotWidth, topX)
	var legend []string
	for i, cell := range c.Cells {
		legend = append(legend, fmt.Sprintf("%c %s", letter(i), cell.Load.words()))
	}
	_, err := fmt.Fprintf(w, "  %s\n", strings.Join(legend, " · "))
	return err
}

func letter(i int) rune {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	if i < len(letters) {
		return rune(letters[i])
	}
	return '*'
}

// words is the load as people say it.
func (l Load) words() string {
	switch l.Kind {
	case Concurrency:
		return fmt.Sprintf("%g in flight", l.Value)
	case Rate:
		return fmt.Sprintf("%g/s", l.Value)
	}
	return "all at once"
}
