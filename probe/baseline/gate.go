package baseline

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Condition is something that a comparison must not show. Its text is slower:10% or
// faster:10% (of any indicator), ttft.slower:10% (of one), or a word: missing,
// incomparable, unsure.
type Condition struct {
	indicator Name // "" is any
	verdict   Verdict
	share     float64
	text      string
}

// missing is the condition that a cell of the earlier baseline has no partner.
const missing Verdict = "missing"

// ParseCondition reads the text of a condition. An error does not repeat the text.
func ParseCondition(text string) (Condition, error) {
	c := Condition{text: text}
	rest := text
	if name, more, cut := strings.Cut(text, "."); cut && !strings.Contains(name, ":") {
		if c.indicator, rest = Name(name), more; !slices.Contains(Names(), c.indicator) {
			return c, fmt.Errorf("%q is no indicator; want one of %v: ttft.slower:10%%", name, Names())
		}
	}
	word, share, shared := strings.Cut(rest, ":")
	c.verdict = Verdict(word)
	switch c.verdict {
	case Slower, Faster:
		percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
		if err != nil || !strings.HasSuffix(share, "%") || !(percent >= 0 && percent < 1e6) {
			return c, fmt.Errorf("want a colon and a percentage behind %s: %s:10%%", word, strings.TrimSuffix(text, ":"+share))
		}
		if c.verdict == Faster && percent >= 100 {
			return c, errors.New("nothing is faster by all of its time; want less than 100%: faster:10%")
		}
		c.share = percent / 100
		return c, nil
	case missing, Incomparable, Unsure:
		if shared || c.verdict == missing && c.indicator != "" {
			return c, fmt.Errorf("want %s alone", word)
		}
		return c, nil
	}
	return c, errors.New("want slower or faster with a percentage, missing, incomparable or unsure: slower:10%")
}

// String is the text of the condition.
func (c Condition) String() string { return c.text }

// covers says whether the condition is about a change.
func (c Condition) covers(one Change) bool { return c.indicator == "" || c.indicator == one.Indicator }

// met says whether a change has what the condition names.
func (c Condition) met(one Change) bool {
	if !c.covers(one) || one.Verdict != c.verdict {
		return false
	}
	switch c.verdict {
	case Slower:
		return one.Ratio >= 1+c.share
	case Faster:
		return one.Ratio <= 1-c.share
	}
	return true
}

// Judgement is what conditions found in a comparison.
type Judgement struct {
	// Bad are the changes that meet a condition, the worst first.
	Bad []Change
	// Missing are the cells without a partner, if a condition asks for them.
	Missing []string
	// Empty are the conditions of slower or faster without a single ratio to judge.
	Empty []Condition
}

// Judge holds a comparison against conditions.
func (c *Comparison) Judge(conditions ...Condition) (j Judgement) {
	for _, one := range c.Changes {
		if slices.ContainsFunc(conditions, func(c Condition) bool { return c.met(one) }) {
			j.Bad = append(j.Bad, one)
		}
	}
	slices.SortStableFunc(j.Bad, func(a, b Change) int { return cmp.Compare(b.off(), a.off()) })
	for _, condition := range conditions {
		judged := func(one Change) bool { return condition.covers(one) && one.Low != nil }
		switch {
		case condition.verdict == missing:
			j.Missing = c.OnlyBefore
		case (condition.verdict == Slower || condition.verdict == Faster) && !slices.ContainsFunc(c.Changes, judged):
			j.Empty = append(j.Empty, condition)
		}
	}
	return j
}

// off is how far the ratio is off 1, either way; 0 without a ratio.
func (c Change) off() float64 {
	if c.Ratio <= 0 {
		return 0
	}
	return math.Abs(math.Log(c.Ratio))
}

// failed says whether a change is among the bad ones.
func (j Judgement) failed(one Change) bool {
	return slices.ContainsFunc(j.Bad, func(bad Change) bool {
		return bad.Cell == one.Cell && bad.Indicator == one.Indicator && bad.Quantile == one.Quantile
	})
}

// Err says what failed, or nil.
func (j Judgement) Err(c *Comparison) error {
	var wrong []error
	if len(j.Bad) > 0 {
		worst := j.Bad[0]
		what := string(worst.Verdict)
		if worst.Ratio > 0 {
			what = fmt.Sprintf("%s, ratio %.2f", worst.Verdict, worst.Ratio)
		}
		wrong = append(wrong, fmt.Errorf("%d of %d comparisons fail, %s of %s first (%s)", len(j.Bad), len(c.Changes), worst.what(), visible(worst.Cell), what))
	}
	if len(j.Missing) > 0 {
		wrong = append(wrong, fmt.Errorf("missing in the later baseline: %s", visible(strings.Join(j.Missing, ", "))))
	}
	for _, empty := range j.Empty {
		wrong = append(wrong, fmt.Errorf("%s had nothing to judge: no ratio has an interval", empty))
	}
	return errors.Join(wrong...)
}
