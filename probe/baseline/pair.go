package baseline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"sort"
)

// partners are two cells of one workload under one load.
type partners struct{ before, after Cell }

// pair finds for each cell the nearest one of the other baseline, each once: of the same
// tool if there is one, and then with the nearest lengths. Cells that differ in neither are
// runs of one test, and pair by when they began. The order of the cells makes no difference.
func pair(before, after []Cell) (pairs []partners, onlyBefore, onlyAfter []Cell) {
	before, after = ordered(before), ordered(after)
	type candidate struct {
		i, j  int
		far   float64
		other int // 1 is another tool
	}
	var all []candidate
	for i := range before {
		a := &before[i]
		from, to := nearTo(a, after)
		for j := from; j < to; j++ {
			b := &after[j]
			if !a.partner(b) {
				continue
			}
			one := candidate{i: i, j: j, far: a.distance(b)}
			if a.Source.Tool != b.Source.Tool {
				one.other = 1
			}
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int { return cmp.Or(x.other-y.other, cmp.Compare(x.far, y.far)) })
	partner, taken := make([]int, len(before)), make([]bool, len(after))
	for _, c := range all {
		if partner[c.i] == 0 && !taken[c.j] {
			partner[c.i], taken[c.j] = c.j+1, true
		}
	}
	for i, j := range partner {
		if j == 0 {
			onlyBefore = append(onlyBefore, before[i])
			continue
		}
		pairs = append(pairs, partners{before[i], after[j-1]})
	}
	for j, is := range taken {
		if !is {
			onlyAfter = append(onlyAfter, after[j])
		}
	}
	return pairs, onlyBefore, onlyAfter
}

// nearTo is where cells in order have those of the model of c with about as many tokens of
// input: no other can be its partner.
func nearTo(c *Cell, cells []Cell) (from, to int) {
	const wider = .06 // than the 5 % of sameWorkload
	at := func(model string, tokens float64) func(*Cell) int {
		return func(one *Cell) int {
			return cmp.Or(cmp.Compare(one.Model, model), cmp.Compare(one.InputTokens.Mean, tokens))
		}
	}
	least, most := at(c.Model, c.InputTokens.Mean*(1-wider)), at(c.Model, c.InputTokens.Mean/(1-wider))
	from = sort.Search(len(cells), func(i int) bool { return least(&cells[i]) >= 0 })
	return from, from + sort.Search(len(cells)-from, func(i int) bool { return most(&cells[from+i]) > 0 })
}

// partner says whether two cells have the same workload and load. What only one of them
// knows does not part them.
func (c *Cell) partner(other *Cell) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(a, b) }
	differ := func(a, b *float64) bool { return a != nil && b != nil && !near(*a, *b) }
	x, y := c.Load, other.Load
	switch {
	case x.Kind != y.Kind || !near(x.Value, y.Value) || differ(x.MaxConcurrency, y.MaxConcurrency):
		return false
	case x.Kind == Rate && differ(x.Burstiness, y.Burstiness):
		return false
	case c.Stream != nil && other.Stream != nil && *c.Stream != *other.Stream:
		return false
	}
	return c.sameWorkload(*other)
}

// distance is how far the lengths are apart.
func (c *Cell) distance(other *Cell) float64 {
	apart := func(a, b float64) float64 { return math.Abs(a-b) / max(a, b, 1) }
	return apart(c.InputTokens.Mean, other.InputTokens.Mean) + apart(c.OutputTokens.Mean, other.OutputTokens.Mean)
}

// ordered is the cells by all that they hold but their IDs, in which their place in the
// file may be.
func ordered(cells []Cell) []Cell {
	out := slices.Clone(cells)
	slices.SortStableFunc(out, func(a, b Cell) int {
		first := cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.InputTokens.Mean, b.InputTokens.Mean), cmp.Compare(a.OutputTokens.Mean, b.OutputTokens.Mean),
			cmp.Compare(a.Load.Kind, b.Load.Kind), cmp.Compare(a.Load.Value, b.Load.Value))
		if first == 0 {
			first = cmp.Or(cmp.Compare(a.Source.Started, b.Source.Started), cmp.Compare(a.Source.File, b.Source.File))
		}
		if first != 0 {
			return first
		}
		return bytes.Compare(a.text(), b.text())
	})
	return out
}

// text is all that a cell holds but its ID. A cell that Check accepts has one.
func (c Cell) text() []byte {
	c.ID = ""
	text, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	return text
}
