package baseline

import (
	"cmp"
	"math"
	"slices"
)

// Verdict says how an indicator of one cell stands to that of another.
type Verdict string

// The verdicts.
const (
	Slower       Verdict = "slower"
	Faster       Verdict = "faster"
	Same         Verdict = "same"         // the interval holds 1
	Unsure       Verdict = "unsure"       // too few requests, or too few quantiles, for an interval
	Incomparable Verdict = "incomparable" // the definitions differ
)

// Change is what became of one indicator of one cell.
type Change struct {
	Cell      string  `json:"cell"` // of the older baseline
	Indicator Name    `json:"indicator"`
	Quantile  float64 `json:"quantile,omitempty"` // 0: of the means
	Before    float64 `json:"before_s"`
	After     float64 `json:"after_s"`
	Ratio     float64 `json:"ratio"`
	// Low and High hold the true ratio with 95 % or more; nil without counts.
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Verdict Verdict  `json:"verdict"`
	// Why says what differs of the definitions.
	Why string `json:"why,omitempty"`
}

// Comparison holds all changes, and the cells that have no partner.
type Comparison struct {
	Changes []Change `json:"changes"`
	// OnlyBefore and OnlyAfter name cells that the other baseline lacks.
	OnlyBefore []string `json:"only_before,omitempty"`
	OnlyAfter  []string `json:"only_after,omitempty"`
}

// Compare holds the cells of a later baseline against those of an earlier one. Partners have
// the same model and load, and lengths within 5 %. It compares medians and 99th
// percentiles, or means where a file has no median. The interval of a ratio comes from the
// order statistics of both samples: of n values, the true quantile p lies between the
// empirical ones of p ± 1.96·√(p(1−p)/n), at 95 %; both ends together hold the ratio with
// 95 % at least.
func Compare(before, after Baseline) (out Comparison) {
	used := make([]bool, len(after.Cells))
	for _, a := range sorted(before.Cells) {
		i := -1
		for j, b := range after.Cells {
			if !used[j] && a.partner(b) {
				i = j
				break
			}
		}
		if i < 0 {
			out.OnlyBefore = append(out.OnlyBefore, a.ID)
			continue
		}
		used[i] = true
		out.Changes = append(out.Changes, changes(a, after.Cells[i])...)
	}
	for j, b := range after.Cells {
		if !used[j] {
			out.OnlyAfter = append(out.OnlyAfter, b.ID)
		}
	}
	return out
}

func (c Cell) partner(other Cell) bool {
	return c.sameWorkload(other) && c.Load.Kind == other.Load.Kind && c.Load.Value == other.Load.Value
}

// changes compares every indicator that both cells have.
func changes(a, b Cell) (out []Change) {
	for _, name := range Names() {
		x, had := a.Indicators[name]
		y, has := b.Indicators[name]
		if !had || !has {
			continue
		}
		if why := x.Definition.differs(y.Definition); why != "" {
			out = append(out, Change{Cell: a.ID, Indicator: name, Verdict: Incomparable, Why: why})
			continue
		}
		m, n := x.values(a), y.values(b)
		for _, p := range []float64{.5, .99} {
			before, had := x.Quantiles.At(p)
			after, has := y.Quantiles.At(p)
			if had && has && before > 0 {
				one := Change{Cell: a.ID, Indicator: name, Quantile: p, Before: before, After: after, Ratio: after / before}
				one.judge(x.within(p, m), y.within(p, n))
				out = append(out, one)
			}
		}
		if _, median := x.Quantiles.At(.5); !median && x.Mean != nil && y.Mean != nil && *x.Mean > 0 {
			out = append(out, Change{Cell: a.ID, Indicator: name, Before: *x.Mean, After: *y.Mean, Ratio: *y.Mean / *x.Mean, Verdict: Unsure})
		}
	}
	return out
}

// differs names what keeps two indicators from being compared.
func (d Definition) differs(other Definition) string {
	for _, one := range []struct{ name, a, b string }{
		{"start", string(d.Start), string(other.Start)}, {"stop", string(d.Stop), string(other.Stop)}, {"over", string(d.Over), string(other.Over)},
		{"connect", string(d.Connect), string(other.Connect)}, {"tokens", string(d.Tokens), string(other.Tokens)},
	} {
		if one.a != one.b {
			return one.name + " is " + one.a + ", and then " + one.b
		}
	}
	return ""
}

// values is how many values the distribution rests on. Gaps of one request depend on each
// other, so that a distribution of gaps rests on its requests.
func (in Indicator) values(c Cell) int {
	if in.Count != nil && in.Definition.Over == Request {
		return *in.Count
	}
	return c.Requests.OK
}

// interval is where a quantile lies; the zero interval is unknown.
type interval struct{ low, high float64 }

// within is where the true quantile p lies. It is unknown if the sample is too small for p.
func (in Indicator) within(p float64, n int) interval {
	off := 1.96 * math.Sqrt(p*(1-p)/float64(max(n, 1)))
	low, lowKnown := in.between(p - off)
	high, highKnown := in.between(p + off)
	if !lowKnown || !highKnown {
		return interval{}
	}
	return interval{low, high}
}

// between is the quantile p between those that are known: linear in the logarithm of the
// value over the normal score of p, which suits latencies. It knows nothing outside of
// them.
func (in Indicator) between(p float64) (float64, bool) {
	q := in.Quantiles
	if v, ok := q.At(p); ok {
		return v, true
	}
	i := slices.IndexFunc(q, func(one Quantile) bool { return one.P > p })
	if i <= 0 || q[i-1].Value <= 0 {
		return 0, false
	}
	lower, upper := q[i-1], q[i]
	share := (score(p) - score(lower.P)) / (score(upper.P) - score(lower.P))
	return math.Exp(math.Log(lower.Value) + share*(math.Log(upper.Value)-math.Log(lower.Value))), true
}

// score is the normal score of p.
func score(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// judge fills in the interval and the verdict.
func (c *Change) judge(before, after interval) {
	c.Verdict = Unsure
	if before.low <= 0 || after.low <= 0 {
		return
	}
	c.Low, c.High = new(after.low/before.high), new(after.high/before.low)
	switch {
	case *c.Low > 1:
		c.Verdict = Slower
	case *c.High < 1:
		c.Verdict = Faster
	default:
		c.Verdict = Same
	}
}

// Beyond returns the changes with the verdict whose ratio is off 1 by share or more: .1 for
// 10 % slower. The worst comes first.
func (c *Comparison) Beyond(v Verdict, share float64) (out []Change) {
	for _, one := range c.Changes {
		if one.Verdict == v && (v == Slower && one.Ratio >= 1+share || v == Faster && one.Ratio <= 1-share) {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(math.Abs(math.Log(b.Ratio)), math.Abs(math.Log(a.Ratio))) })
	return out
}
