package baseline

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Check returns every problem of b, each with the cell and the field.
func (b *Baseline) Check() error {
	var wrong []error
	if b.Schema != Schema {
		wrong = append(wrong, fmt.Errorf("schema: %q; want %q", b.Schema, Schema))
	}
	if len(b.Cells) == 0 {
		wrong = append(wrong, errors.New("cells: there is none"))
	}
	seen := map[string]bool{}
	for i := range b.Cells {
		c := &b.Cells[i]
		if c.ID == "" || seen[c.ID] {
			wrong = append(wrong, fmt.Errorf("cells[%d] (%s), id: %q; want a name that no other cell has", i, c.ID, c.ID))
		}
		seen[c.ID] = true
		for _, err := range c.Problems() {
			wrong = append(wrong, fmt.Errorf("cells[%d] (%s), %w", i, c.ID, err))
		}
	}
	return errors.Join(wrong...)
}

// Problems lists what is wrong with c, its ID apart.
func (c *Cell) Problems() (wrong []error) {
	refuse := func(format string, a ...any) { wrong = append(wrong, fmt.Errorf(format, a...)) }
	if c.Model == "" {
		refuse("model: empty")
	}
	if c.Source.Tool == "" || c.Source.File == "" {
		refuse("source: want the tool and the file")
	}
	if !(c.InputTokens.Mean >= 0) || math.IsInf(c.InputTokens.Mean, 0) {
		refuse("input_tokens.mean: %v; want a number of tokens", c.InputTokens.Mean)
	}
	if !(c.OutputTokens.Mean >= 1) || math.IsInf(c.OutputTokens.Mean, 0) {
		refuse("output_tokens.mean: %v; want 1 token or more", c.OutputTokens.Mean)
	}
	switch c.Load.Kind {
	case Concurrency, Rate:
		if !(c.Load.Value > 0) || math.IsInf(c.Load.Value, 0) {
			refuse("load.value: %v; want more than 0", c.Load.Value)
		}
	case Unlimited:
		if c.Load.Value != 0 {
			refuse("load.value: %v; unlimited load has none", c.Load.Value)
		}
	default:
		refuse("load.kind: %q; want concurrency, rate or unlimited", c.Load.Kind)
	}
	if c.Requests.OK < 1 {
		refuse("requests.ok: %d; want 1 or more", c.Requests.OK)
	}
	wrong = append(wrong, c.badAmounts()...)
	if len(c.Flags) > 0 {
		known := Flags()
		for _, f := range c.Flags {
			if !slices.Contains(known, f) {
				refuse("flags: %q is none", f)
			}
		}
	}
	if len(c.Indicators) == 0 {
		refuse("indicators: there is none")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Indicators)) {
		wrong = append(wrong, c.Indicators[name].problems(name)...)
	}
	return wrong
}

// badAmounts lists the amounts that are none: less than 0, or beyond what a machine does.
func (c *Cell) badAmounts() (wrong []error) {
	refuse := func(field string, v *float64) {
		if v != nil && !(*v >= 0 && *v <= 1e15) {
			wrong = append(wrong, fmt.Errorf("%s: %v; want 0 or more, and 1e15 at most", field, *v))
		}
	}
	if c.Requests.Failed != nil && *c.Requests.Failed < 0 {
		wrong = append(wrong, fmt.Errorf("requests.failed: %d; want 0 or more", *c.Requests.Failed))
	}
	refuse("duration_s", c.Duration)
	refuse("throughput.requests_per_s", c.Throughput.Requests)
	refuse("throughput.output_tokens_per_s", c.Throughput.OutputTokens)
	refuse("throughput.total_tokens_per_s", c.Throughput.TotalTokens)
	if c.Goodput != nil {
		refuse("goodput.requests_per_s", &c.Goodput.PerSecond)
	}
	return wrong
}

// problems lists what is wrong with the indicator of that name.
func (in Indicator) problems(name Name) (wrong []error) {
	refuse := func(format string, a ...any) {
		wrong = append(wrong, fmt.Errorf("indicators.%s.%w", name, fmt.Errorf(format, a...)))
	}
	if !slices.Contains(Names(), name) {
		refuse("name: want one of %v", Names())
	}
	wrong = append(wrong, in.Definition.problems(name)...)
	if in.Mean == nil && len(in.Quantiles) == 0 {
		refuse("mean: neither a mean nor a quantile")
	}
	for _, one := range [...]struct {
		field string
		v     *float64
	}{{"mean", in.Mean}, {"stddev", in.StdDev}, {"min", in.Min}, {"max", in.Max}} {
		if one.v != nil && !seconds(*one.v) {
			refuse("%s: %v; want seconds", one.field, *one.v)
		}
	}
	for i, q := range in.Quantiles {
		if !seconds(q.Value) {
			refuse("quantiles: %s is %v; want seconds", Share(q.P), q.Value)
		}
		// Rounding alone may make a quantile smaller than the one below.
		if i > 0 && q.Value < in.Quantiles[i-1].Value*(1-1e-9) {
			refuse("quantiles: %s is %v, which is less than %v at %s", Share(q.P), q.Value, in.Quantiles[i-1].Value, Share(in.Quantiles[i-1].P))
		}
	}
	for _, err := range in.Values.problems(in) {
		refuse("%w", err)
	}
	return wrong
}

func seconds(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

// problems lists the words of d that are none.
func (d Definition) problems(name Name) (wrong []error) {
	return errorsOf(
		oneOf(name, "start", d.Start, Scheduled, Sending, Sent, FirstByte, FirstEvent, FirstContent, LastContent, EndOfBody, Unsaid),
		oneOf(name, "stop", d.Stop, Scheduled, Sending, Sent, FirstByte, FirstEvent, FirstContent, LastContent, EndOfBody, Unsaid),
		oneOf(name, "over", d.Over, Request, ChunkGap, TokenGap, PerToken, WindowAvg),
		oneOf(name, "connect", d.Connect, ConnectIn, ConnectSome, ConnectOut, ConnectUnknown),
		oneOf(name, "tokens", d.Tokens, "", Usage, Tokenizer, Asked, DataLines, Chunks, Unknown),
		oneOf(name, "percentiles", d.Percentiles, Linear, NearestRank, FloorRank, Buckets, Rounded, Unstated),
	)
}

// oneOf is the problem of a word of a definition that is none of those it may be.
func oneOf[T ~string](name Name, field string, got T, want ...T) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("indicators.%s.definition.%s: %q; want one of %v", name, field, got, slices.Clone(want))
}

// errorsOf is all that is not nil.
func errorsOf(all ...error) (wrong []error) {
	for _, err := range all {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}
