package baseline

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Workload is one workload as one tool tested it under one kind of load: all cells with the
// same model and lengths within 5 %, in the order of the load.
type Workload struct{ Cells []Cell }

// Workloads divides the cells of b, in the order of the model, the lengths, the kind of load
// and the tool.
func Workloads(b Baseline) (out []Workload) {
	cells := slices.Clone(b.Cells)
	slices.SortStableFunc(cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.InputTokens.Mean, b.InputTokens.Mean), cmp.Compare(a.OutputTokens.Mean, b.OutputTokens.Mean),
			cmp.Compare(a.Load.Kind, b.Load.Kind), cmp.Compare(a.Source.Tool, b.Source.Tool))
	})
	taken := make([]bool, len(cells))
	for i := range cells {
		if taken[i] {
			continue
		}
		var w Workload
		for j := i; j < len(cells); j++ {
			if !taken[j] && cells[i].sameTest(&cells[j]) {
				w.Cells, taken[j] = append(w.Cells, cells[j]), true
			}
		}
		slices.SortStableFunc(w.Cells, func(a, b Cell) int { return cmp.Compare(a.Load.Value, b.Load.Value) })
		out = append(out, w)
	}
	return out
}

// sameTest says whether two cells may differ in nothing but the load.
func (c *Cell) sameTest(other *Cell) bool {
	return c.Source.Tool == other.Source.Tool && c.Load.Kind == other.Load.Kind && c.sameWorkload(*other)
}

// sameWorkload says whether two cells have the same model and lengths within 5 %.
func (c Cell) sameWorkload(other Cell) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) <= .05*max(a, b) }
	return c.Model == other.Model && near(c.InputTokens.Mean, other.InputTokens.Mean) && near(c.OutputTokens.Mean, other.OutputTokens.Mean)
}

// sorted is the cells by workload and load.
func sorted(cells []Cell) (out []Cell) {
	for _, w := range Workloads(Baseline{Cells: cells}) {
		out = append(out, w.Cells...)
	}
	return out
}

// Title names the workload and the tool.
func (w Workload) Title() string {
	one := w.Cells[0]
	return fmt.Sprintf("%s, %.0f tokens in, %.0f out (%s)", printable(one.Model), one.InputTokens.Mean, one.OutputTokens.Mean, printable(one.Source.Tool))
}

// printable replaces what a name from a file must not send to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Limits are upper bounds in seconds, each for the quantile At of its indicator.
type Limits struct {
	At     float64
	Bounds map[Name]float64
}

// Words lists the bounds: ttft 500 ms, tpot 50 ms.
func (l Limits) Words() string {
	var out []string
	for _, name := range Names() {
		if bound, limited := l.Bounds[name]; limited {
			out = append(out, string(name)+" "+figure(bound*1e3)+" ms")
		}
	}
	return strings.Join(out, ", ")
}

// Meets says whether c keeps every limit. A request that failed keeps none, so a cell of
// which a greater share than 1 − At failed does not. Known is false if c lacks a quantile
// that has a limit. Why says what c misses, or lacks.
func (c *Cell) Meets(l Limits) (ok, known bool, why string) {
	if failed := c.Requests.Failed; failed != nil && float64(*failed) > (1-l.At)*float64(c.Requests.OK+*failed)+1e-9 {
		return false, true, fmt.Sprintf("%d of %d requests failed", *failed, c.Requests.OK+*failed)
	}
	known = true
	for _, name := range Names() {
		bound, limited := l.Bounds[name]
		if !limited {
			continue
		}
		switch v, has := c.Indicators[name].Quantiles.At(l.At); {
		case has && v > bound:
			return false, true, fmt.Sprintf("%s p%s is %s ms", name, percent(l.At), milliseconds(v))
		case !has && known:
			known, why = false, fmt.Sprintf("the baseline has no %s p%s", name, percent(l.At))
		}
	}
	return known, known, why
}

// percent is p as people write it behind a p: 99, 99.9.
func percent(p float64) string { return Share(p * 100) }

// Reach says up to which load a workload keeps limits.
type Reach struct {
	// Highest is the highest load up to which every cell keeps them, or nil.
	Highest *Cell
	// Stopped is the load above it, and Why says what it misses. Nil if there is none.
	Stopped *Cell
	Why     string
	// Known is false if nobody knows whether Stopped keeps the limits.
	Known bool
}

// Reach finds the highest load that keeps l.
func (w Workload) Reach(l Limits) Reach {
	out := Reach{Known: true}
	for i := range w.Cells {
		one := &w.Cells[i]
		ok, known, why := one.Meets(l)
		if !ok {
			out.Stopped, out.Known, out.Why = one, known, why
			break
		}
		out.Highest = one
	}
	// A load that was tested twice keeps the limits only if both tests do.
	if out.Stopped != nil && out.Highest != nil && out.Highest.Load.Value == out.Stopped.Load.Value {
		out.Highest = nil
		for i := range w.Cells {
			if w.Cells[i].Load.Value < out.Stopped.Load.Value {
				out.Highest = &w.Cells[i]
			}
		}
	}
	return out
}
