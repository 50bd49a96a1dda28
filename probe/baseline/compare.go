package baseline

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// Verdict says how an indicator of one cell stands to that of another.
type Verdict string

// The verdicts.
const (
	Slower       Verdict = "slower"
	Faster       Verdict = "faster"
	Same         Verdict = "same"         // the interval holds 1
	Unsure       Verdict = "unsure"       // there is no interval: Why says what lacks
	Incomparable Verdict = "incomparable" // Why says what differs
)

// Method says how a ratio and its interval were found.
type Method string

// The methods, the best first.
const (
	// HodgesLehmann is the median of later ÷ earlier value over all pairs of requests. It
	// needs the single values of both.
	HodgesLehmann Method = "hodges_lehmann"
	// QuantileRatio is the ratio of one quantile. It needs the quantiles around it.
	QuantileRatio Method = "quantiles"
	// MeanRatio is the ratio of the means. It needs the standard deviations.
	MeanRatio Method = "means"
)

// Change is what became of one indicator of one cell.
type Change struct {
	Cell string `json:"cell"` // of the older baseline
	// Partner is the cell of the later baseline, if its ID is another one.
	Partner   string `json:"partner,omitempty"`
	Indicator Name   `json:"indicator"`
	Method    Method `json:"method,omitempty"`
	// Quantile is 0 of Hodges–Lehmann and of means.
	Quantile float64 `json:"quantile,omitempty"`
	// Before and After are the quantiles or means. Of Hodges–Lehmann they are the medians,
	// and Ratio is not just the one ÷ the other.
	Before float64 `json:"before_s"`
	After  float64 `json:"after_s"`
	Ratio  float64 `json:"ratio"`
	// Low and High hold the true ratio with 95 %; nil if unknown.
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Verdict Verdict  `json:"verdict"`
	// Why explains a verdict of unsure or incomparable.
	Why string `json:"why,omitempty"`
}

// Comparison holds all changes, and the cells that have no partner.
type Comparison struct {
	Changes []Change `json:"changes"`
	// OnlyBefore and OnlyAfter name cells that the other baseline lacks.
	OnlyBefore []string `json:"only_before,omitempty"`
	OnlyAfter  []string `json:"only_after,omitempty"`
	// OtherTools names the cells, of the older baseline, that another tool measured than
	// their partners. Some of each time is the client's own, and so the tool's.
	OtherTools []string `json:"other_tools,omitempty"`
}

// Compare holds the cells of a later baseline against those of an earlier one. The order of
// the cells in either makes no difference. Of each indicator it compares the whole, by the
// best method that both cells allow, and the highest of the percentiles 99 and 95 that both
// have. The intervals take the requests of a cell for independent of each other.
func Compare(before, after Baseline) (out Comparison) {
	out.Changes = []Change{}
	pairs, onlyBefore, onlyAfter := pair(before.Cells, after.Cells)
	for i, changes := range changesOf(pairs) {
		p := &pairs[i]
		out.Changes = append(out.Changes, changes...)
		if p.before.Source.Tool != p.after.Source.Tool {
			out.OtherTools = append(out.OtherTools, p.before.ID)
		}
	}
	for _, c := range onlyBefore {
		out.OnlyBefore = append(out.OnlyBefore, c.ID)
	}
	for _, c := range onlyAfter {
		out.OnlyAfter = append(out.OnlyAfter, c.ID)
	}
	return out
}

// changesOf compares all pairs, on every core.
func changesOf(pairs []partners) [][]Change {
	out := make([][]Change, len(pairs))
	var next atomic.Int64
	var cores sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pairs)) {
		cores.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(pairs); i = int(next.Add(1)) - 1 {
				out[i] = pairs[i].changes()
			}
		})
	}
	cores.Wait()
	return out
}

// changes compares every indicator that either cell has.
func (p *partners) changes() (out []Change) {
	one := Change{Cell: p.before.ID}
	if p.after.ID != p.before.ID {
		one.Partner = p.after.ID
	}
	for _, name := range Names() {
		x, had := p.before.Indicators[name]
		y, has := p.after.Indicators[name]
		one.Indicator = name
		switch {
		case !had && !has:
		case !has:
			out = append(out, one.unjudged(Incomparable, "only the earlier baseline has it"))
		case !had:
			out = append(out, one.unjudged(Incomparable, "only the later baseline has it"))
		case x.Definition.differs(y.Definition) != "":
			out = append(out, one.unjudged(Incomparable, x.Definition.differs(y.Definition)))
		default:
			a, b := p.before.distribution(name), p.after.distribution(name)
			out = append(out, one.whole(a, b))
			for _, q := range []float64{.99, .95} {
				if tail, both := one.quantile(q, a, b); both {
					out = append(out, tail)
					break
				}
			}
		}
	}
	return out
}

// differs names the first thing that keeps two indicators from being compared.
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

// whole compares distributions as wholes.
func (c Change) whole(a, b distribution) Change {
	if s, ok := shiftOf(a.Indicator, b.Indicator); ok {
		return c.shift(s, a, b)
	}
	if median, both := c.quantile(.5, a, b); both {
		return median
	}
	if a.Mean == nil || b.Mean == nil {
		return c.unjudged(Unsure, "neither a median nor a mean stands in both baselines")
	}
	c.Method = MeanRatio
	return c.between(a.mean(), b.mean(), "too few requests, or no standard deviation")
}

// shift compares by all pairs of values.
func (c Change) shift(s *shift, a, b distribution) Change {
	c.Method = HodgesLehmann
	c.Before, _ = a.center()
	c.After, _ = b.center()
	at := s.estimate()
	c.Ratio = math.Exp(at)
	low, high, ok := s.within(at)
	if !ok {
		return c.unjudged(Unsure, "too few requests")
	}
	return c.judged(low-a.rounding-b.rounding, high+a.rounding+b.rounding)
}

// quantile compares a quantile. It is false unless both have it.
func (c Change) quantile(p float64, a, b distribution) (Change, bool) {
	_, had := a.Quantiles.At(p)
	_, has := b.Quantiles.At(p)
	if !had || !has {
		return c, false
	}
	c.Method, c.Quantile = QuantileRatio, p
	return c.between(a.quantile(p), b.quantile(p), "too few requests, or too few percentiles, for this one"), true
}

// between finds the ratio of two estimates, and its interval from theirs, on the scale of
// logarithms (the method of variance estimates recovery, Zou and Donner 2008).
func (c Change) between(a, b estimate, lacks string) Change {
	c.Before, c.After = a.value, b.value
	if !(a.value > 0) || !(b.value > 0) {
		return c.unjudged(Unsure, "a time of 0 has no ratio")
	}
	c.Ratio = b.value / a.value
	if !a.known() || !b.known() {
		return c.unjudged(Unsure, lacks)
	}
	at := math.Log(c.Ratio)
	low := at - math.Hypot(math.Log(a.high/a.value), math.Log(b.value/b.low))
	high := at + math.Hypot(math.Log(a.value/a.low), math.Log(b.high/b.value))
	return c.judged(low, high)
}

// judged has an interval of logarithms and the verdict that follows.
func (c Change) judged(low, high float64) Change {
	c.Low, c.High, c.Verdict = new(math.Exp(low)), new(math.Exp(high)), Same
	switch {
	case *c.Low > 1:
		c.Verdict = Slower
	case *c.High < 1:
		c.Verdict = Faster
	}
	return c
}

func (c Change) unjudged(v Verdict, why string) Change {
	c.Verdict, c.Why = v, why
	return c
}
