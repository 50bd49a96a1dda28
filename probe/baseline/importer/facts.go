package importer

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Facts say under which workload and load a cell was measured. Zero fields are unknown.
type Facts struct {
	Model        string
	InputTokens  float64 // mean
	OutputTokens float64 // mean
	Concurrency  float64 // requests in flight, asked for
	Rate         float64 // requests a second, asked for
	Unlimited    bool    // every request at once
}

// draft is a cell in the making, with what its own file says of the workload.
type draft struct {
	cell          baseline.Cell
	facts         Facts
	likely        Facts    // what holds unless somebody says otherwise: threads, say, are a closed loop by habit
	input, output *float64 // medians of the lengths
	line          int      // where it begins
	tool          string   // if the file itself names it
	idle          bool     // the throughput counts time in which no request was in flight
}

// settle makes cells of all drafts. What a draft lacks comes from another file of the same
// run, or else from told.
func settle(inputs []*input, told Facts) (cells []baseline.Cell, wrong []error) {
	inputs = joined(inputs)
	for _, in := range inputs {
		for _, d := range in.drafts {
			own := d.facts
			d.beside(in, inputs)
			problems := d.facts.contradictions(told)
			d.facts = d.facts.or(told).or(d.likely)
			problems = append(problems, d.facts.missing()...)
			for _, p := range problems {
				p.File, p.Line = in.name, d.line
				wrong = append(wrong, p)
			}
			if own.InputTokens == 0 || own.OutputTokens == 0 {
				d.cell.Flag(baseline.AskedLengths)
			}
			c := d.settled(in)
			if len(problems) == 0 {
				wrong = append(wrong, d.unsound(in, &c)...)
			}
			cells = append(cells, c)
		}
	}
	return cells, wrong
}

// unsound lists what no cell may be.
func (d *draft) unsound(in *input, c *baseline.Cell) (wrong []error) {
	if len(c.Indicators) == 0 {
		return []error{&Problem{File: in.name, Line: d.line, Field: "indicators", Got: "there is no latency above 0 in the file", Want: "a mean or a percentile: to the first token, between tokens, or of a request"}}
	}
	if p := parts(c); p != nil {
		p.File, p.Line = in.name, d.line
		wrong = append(wrong, p)
	}
	for _, err := range c.Problems() {
		wrong = append(wrong, &Problem{File: in.name, Line: d.line, Got: err.Error()})
	}
	return wrong
}

// beside takes facts from the files of the same tool that have facts alone: a log of
// arguments, a configuration.
func (d *draft) beside(in *input, inputs []*input) {
	for _, other := range inputs {
		if other.tool == in.tool && len(other.drafts) == 0 {
			d.facts = d.facts.or(other.facts)
			d.cell.Flag(other.flags...)
			d.refine(other.finer)
		}
	}
}

// refine takes quantiles with more digits for the draft's own. They are those of another
// run if the medians are more than a millisecond apart, which is what rounding explains.
func (d *draft) refine(finer baseline.Quantiles) {
	one := d.cell.Indicators[baseline.E2E]
	own, has := one.Quantiles.At(.5)
	other, both := finer.At(.5)
	if !has || !both {
		return
	}
	if math.Abs(own-other) > 1e-3 {
		d.cell.Flag(baseline.Disagrees)
		return
	}
	one.Quantiles = slices.Clone(finer)
	d.cell.Indicators[baseline.E2E] = one
}

// joined makes one of two files of one run: a summary, and the requests that it sums up.
// They are of one tool, have one draft each, as many successful requests, and nothing that
// contradicts.
func joined(inputs []*input) (out []*input) {
	for _, in := range inputs {
		at := slices.IndexFunc(out, func(other *input) bool { return other.sameRun(in) })
		if at < 0 {
			out = append(out, in)
			continue
		}
		d, more := &out[at].drafts[0], &in.drafts[0]
		d.facts = d.facts.or(more.facts)
		d.cell.Flag(more.cell.Flags...)
		complete(&d.cell, more.cell)
		d.idle = d.idle || more.idle
		for name, one := range more.cell.Indicators {
			own, there := d.cell.Indicators[name]
			if !there {
				d.put(name, one, true)
			} else {
				d.cell.Indicators[name] = own.WithValues(one)
			}
		}
	}
	return out
}

// complete fills what c has not from another file of its run.
func complete(c *baseline.Cell, more baseline.Cell) {
	if c.Throughput == (baseline.Throughput{}) {
		c.Throughput = more.Throughput
	}
	c.Duration, c.Stream = cmp.Or(c.Duration, more.Duration), cmp.Or(c.Stream, more.Stream)
	c.Goodput, c.Requests.Failed = cmp.Or(c.Goodput, more.Goodput), cmp.Or(c.Requests.Failed, more.Requests.Failed)
	c.Load.MeanConcurrency = cmp.Or(c.Load.MeanConcurrency, more.Load.MeanConcurrency)
	c.Load.Burstiness = cmp.Or(c.Load.Burstiness, more.Load.Burstiness)
	c.Source.Version, c.Source.Started = cmp.Or(c.Source.Version, more.Source.Version), cmp.Or(c.Source.Started, more.Source.Started)
}

func (in *input) sameRun(other *input) bool {
	if in.tool != other.tool || len(in.drafts) != 1 || len(other.drafts) != 1 {
		return false
	}
	a, b := in.drafts[0], other.drafts[0]
	return a.cell.Requests.OK == b.cell.Requests.OK && a.facts.fits(b.facts) && in.form != other.form && a.agrees(b)
}

// agrees says whether the indicators that both have are the same, rounding apart.
func (d *draft) agrees(other draft) bool {
	for name, one := range d.cell.Indicators {
		more, both := other.cell.Indicators[name]
		if !both {
			continue
		}
		x, hasX := one.Quantiles.At(.5)
		y, hasY := more.Quantiles.At(.5)
		if differs(one.Mean, more.Mean) || hasX && hasY && differs(&x, &y) {
			return false
		}
	}
	return true
}

// fits says whether nothing in f contradicts others, rounding apart.
func (f Facts) fits(others Facts) bool {
	near := func(a, b float64) bool { return a == 0 || b == 0 || math.Abs(a-b) < .01*a }
	return (f.Model == "" || others.Model == "" || f.Model == others.Model) && near(f.InputTokens, others.InputTokens) &&
		near(f.OutputTokens, others.OutputTokens) && (!f.loaded() || !others.loaded() || f.load() == others.load())
}

// or fills the unknown fields of f from others. The load is one fact: a concurrency from
// one and a rate from the other would be a load that nobody made.
func (f Facts) or(others Facts) Facts {
	if f.Model == "" {
		f.Model = others.Model
	}
	if f.InputTokens == 0 {
		f.InputTokens = others.InputTokens
	}
	if f.OutputTokens == 0 {
		f.OutputTokens = others.OutputTokens
	}
	if !f.loaded() {
		f.Concurrency, f.Rate, f.Unlimited = others.Concurrency, others.Rate, others.Unlimited
	}
	return f
}

func (f Facts) loaded() bool { return f.Concurrency > 0 || f.Rate > 0 || f.Unlimited }

// contradictions lists what told says against f.
func (f Facts) contradictions(told Facts) (wrong []*Problem) {
	differ := func(field, flag string, own, other any, is bool) {
		if is {
			wrong = append(wrong, &Problem{Field: field, Got: fmt.Sprintf("the file says %v, and %s says %v", own, flag, other), Want: "one of the two: leave " + flag + " away"})
		}
	}
	// Prompts rarely have just the length that somebody asked for: the file's stands.
	other := func(own, told float64) bool { return own > 0 && told > 0 && math.Abs(own-told) > .25*own }
	differ("model", "--model", f.Model, told.Model, f.Model != "" && told.Model != "" && f.Model != told.Model)
	differ("input tokens", "--input-tokens", f.InputTokens, told.InputTokens, other(f.InputTokens, told.InputTokens))
	differ("output tokens", "--output-tokens", f.OutputTokens, told.OutputTokens, other(f.OutputTokens, told.OutputTokens))
	if f.loaded() && told.loaded() && (f.Concurrency != told.Concurrency || f.Rate != told.Rate) {
		wrong = append(wrong, &Problem{
			Field: "load", Got: "the file says " + f.load() + ", and the command line says " + told.load(),
			Want: "one of the two: leave --concurrency and --rate away",
		})
	}
	return wrong
}

// missing lists what nobody has said.
func (f Facts) missing() (wrong []*Problem) {
	lacks := func(is bool, field, want string) {
		if is {
			wrong = append(wrong, &Problem{Field: field, Got: "the file does not say", Want: want})
		}
	}
	lacks(f.Model == "", "model", "--model, for example --model llama-3.1-8b")
	lacks(f.InputTokens == 0, "input tokens", "--input-tokens, the mean length of a prompt, for example --input-tokens 1024")
	lacks(f.OutputTokens == 0, "output tokens", "--output-tokens, the mean length of an answer, for example --output-tokens 128")
	lacks(!f.loaded(), "load", "--concurrency, for example --concurrency 16, or --rate in requests a second, for example --rate 4")
	return wrong
}

// load is the load in words.
func (f Facts) load() string {
	switch {
	case f.Rate > 0 && f.Concurrency > 0:
		return fmt.Sprintf("%v requests a second, at most %v in flight", f.Rate, f.Concurrency)
	case f.Rate > 0:
		return fmt.Sprintf("%v requests a second", f.Rate)
	case f.Concurrency > 0:
		return fmt.Sprintf("%v requests in flight", f.Concurrency)
	}
	return "all requests at once"
}

// settled is the cell with its workload.
func (d *draft) settled(in *input) baseline.Cell {
	c := d.cell
	c.Model = d.facts.Model
	c.InputTokens = baseline.Length{Mean: d.facts.InputTokens, P50: d.input}
	c.OutputTokens = baseline.Length{Mean: d.facts.OutputTokens, P50: d.output}
	switch f := d.facts; {
	case f.Rate > 0:
		c.Load.Kind, c.Load.Value = baseline.Rate, f.Rate
		if f.Concurrency > 0 {
			c.Load.MaxConcurrency = new(f.Concurrency)
		}
	case f.Concurrency > 0:
		c.Load.Kind, c.Load.Value = baseline.Concurrency, f.Concurrency
	default:
		c.Load.Kind = baseline.Unlimited
	}
	c.Source.Tool, c.Source.File = cmp.Or(d.tool, in.tool), in.name
	if e, known := c.Indicators[baseline.E2E]; known && !d.idle && c.Load.MeanConcurrency == nil && e.Mean != nil && c.Throughput.Requests != nil {
		c.Load.MeanConcurrency = new(*e.Mean * *c.Throughput.Requests)
	}
	if !slices.Contains(c.Flags, baseline.MeanAndP95) && !hasMedian(&c) {
		c.Flag(baseline.NoMedian)
	}
	c.Settle()
	return c
}

// hasMedian says whether an indicator has one.
func hasMedian(c *baseline.Cell) bool {
	for _, one := range c.Indicators {
		if _, has := one.Quantiles.At(.5); has {
			return true
		}
	}
	return len(c.Indicators) == 0
}
