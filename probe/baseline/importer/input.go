package importer

import (
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// input is one file while an importer reads it. The importer adds drafts or facts; it
// gathers problems with single fields in wrong and goes on, and returns an error for what
// ends the reading.
type input struct {
	name    string
	tool    string
	form    string
	body    io.Reader
	metrics map[baseline.Name]string
	row     string // the kind of request to read, of several

	drafts []draft
	facts  Facts
	flags  []baseline.Flag    // of every draft of the tool, beside facts
	finer  baseline.Quantiles // of the E2E of a draft of the tool, with more digits
	wrong  []error
}

// alone is the problem of a file that needs the result of a run beside it.
func (in *input) alone() *Problem {
	if len(in.finer) > 0 {
		return &Problem{File: in.name, Got: "this has percentiles alone, and no number of requests", Want: "the report of " + in.tool + " beside it"}
	}
	return &Problem{File: in.name, Got: "this only tells how a test was run", Want: "the result of the run beside it"}
}

// documents reads a file of JSON values, one behind the other: results that a shell
// appended.
func (in *input) documents(read func(node)) error {
	s := newScanner(in.body)
	for s.more() {
		n, err := s.node(nil)
		if err != nil {
			return err
		}
		read(n)
	}
	return nil
}

// document reads a file that is one JSON value.
func (in *input) document(drop func(key string) bool) (node, error) {
	s := newScanner(in.body)
	n, err := s.node(drop)
	if err == nil && s.more() {
		err = s.unexpected("the end of the file: a result is one document")
	}
	return n, err
}

// refuse adds a problem with n.
func (in *input) refuse(n node, want string) {
	in.wrong = append(in.wrong, &Problem{Line: n.line, Field: n.path, Got: n.quoted(), Want: want})
}

// number returns a finite number that is not negative, or nil if n is not there or null.
func (in *input) number(n node, want string) *float64 {
	if !n.known() {
		return nil
	}
	if n.kind != numberKind || math.IsNaN(n.number) || math.IsInf(n.number, 0) || n.number < 0 {
		in.refuse(n, want)
		return nil
	}
	return new(n.number)
}

// need is number for a field that must be there.
func (in *input) need(n node, want string) float64 {
	if !n.known() {
		in.refuse(n, want)
		return 0
	}
	if v := in.number(n, want); v != nil {
		return *v
	}
	return 0
}

// count returns a whole number, or nil if n is not there.
func (in *input) count(n node) *int {
	const want = "a whole number of requests, 120 for example"
	v := in.number(n, want)
	if v == nil {
		return nil
	}
	if *v != math.Trunc(*v) || *v > 1<<53 {
		in.refuse(n, want)
		return nil
	}
	return new(int(*v))
}

// string returns a text, or "" if n is not there.
func (in *input) string(n node, want string) string {
	if !n.known() {
		return ""
	}
	if n.kind != textKind {
		in.refuse(n, want)
		return ""
	}
	return n.text
}

// completed returns the number of successful requests, and refuses 0.
func (in *input) completed(n node) int {
	const want = "1 request or more that succeeded: the zeros beside it are no latencies"
	done := in.count(n)
	if !n.known() || done != nil && *done == 0 {
		in.refuse(n, want)
	}
	if done == nil {
		return 0
	}
	return *done
}

// figures are where a summary has the numbers of one distribution.
type figures struct {
	count, mean, median, stddev, min, max node
	quantiles                             []figure
}

type figure struct {
	p     float64
	value node
}

// units are the words for a scale in errors.
func units(scale float64) string {
	switch scale {
	case 1:
		return "seconds, 0.0954 for example"
	case 1e-3:
		return "milliseconds, 95.4 for example"
	}
	return "nanoseconds, 95400000 for example"
}

// scaled is v of a unit, which is scale seconds, in seconds. 830 ms are 0.83 s, and not
// 0.8300000000000001 s: a power of ten above 1 is exact, and one below is not.
func scaled(v, scale float64) float64 {
	if scale >= 1 {
		return v * scale
	}
	return v / math.Round(1/scale)
}

// indicator reads figures; scale is the unit in seconds. It is false if there is no figure.
func (in *input) indicator(d baseline.Definition, scale float64, f figures) (out baseline.Indicator, ok bool) {
	want := "a number of " + units(scale)
	read := func(n node) *float64 {
		v := in.number(n, want)
		if v != nil {
			*v = scaled(*v, scale)
		}
		return v
	}
	in.ordered(f)
	in.unmeasured(d, f)
	out = baseline.Indicator{Definition: d, Count: in.count(f.count), Mean: read(f.mean), StdDev: read(f.stddev), Min: read(f.min), Max: read(f.max)}
	if v := read(f.median); v != nil {
		out.Quantiles.Set(.5, *v)
	}
	for _, q := range f.quantiles {
		if v := read(q.value); v != nil {
			out.Quantiles.Set(q.p, *v)
		}
	}
	return out, out.Mean != nil || len(out.Quantiles) > 0
}

// percentiles finds the keys prefix + number + suffix of n, such as p99_ttft_ms.
func percentiles(n node, prefix, suffix string) (out []figure) {
	for i, key := range n.keys {
		digits, ok := strings.CutPrefix(key, prefix)
		if digits, ok = cutSuffix(digits, suffix, ok); !ok {
			continue
		}
		if p, err := strconv.ParseFloat(digits, 64); err == nil && p > 0 && p < 100 {
			out = append(out, figure{p / 100, n.items[i]})
		}
	}
	return out
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	cut, there := strings.CutSuffix(s, suffix)
	return cut, ok && there
}

// put adds an indicator of a cell. One without a positive value is a latency that the tool
// did not measure and wrote as 0, and is left out.
func (d *draft) put(name baseline.Name, in baseline.Indicator, ok bool) {
	if !ok || !positive(in) {
		return
	}
	if d.cell.Indicators == nil {
		d.cell.Indicators = map[baseline.Name]baseline.Indicator{}
	}
	d.cell.Indicators[name] = in
}

func positive(in baseline.Indicator) bool {
	if in.Mean != nil && *in.Mean > 0 {
		return true
	}
	return len(in.Quantiles) > 0 && in.Quantiles[len(in.Quantiles)-1].Value > 0
}

// combine adds to an indicator of the cell what rows of the same requests give beyond it.
// The tool's own figures stay. If the rows do not give the tool's mean and median, the
// cell is flagged and the rows are left out.
func (d *draft) combine(name baseline.Name, rows *baseline.Sample, def baseline.Definition) {
	if rows.Count() == 0 || rows.Sum() == 0 {
		return
	}
	if rows.Approximate() {
		d.cell.Flag(baseline.Approximate)
	}
	own, there := d.cell.Indicators[name]
	var shares []float64
	for _, q := range own.Quantiles {
		shares = append(shares, q.P)
	}
	all := rows.Indicator(def, shares...)
	if !there {
		d.put(name, all, true)
		return
	}
	if differs(own.Mean, all.Mean) || own.Count != nil && *own.Count != *all.Count {
		d.cell.Flag(baseline.Disagrees)
		return
	}
	for _, q := range own.Quantiles {
		if v, _ := all.Quantiles.At(q.P); differs(&q.Value, &v) {
			d.cell.Flag(baseline.Disagrees)
			return
		}
		all.Quantiles.Set(q.P, q.Value)
	}
	keep(&all.Mean, own.Mean)
	keep(&all.StdDev, own.StdDev)
	keep(&all.Min, own.Min)
	keep(&all.Max, own.Max)
	d.cell.Indicators[name] = all
}

func keep(to **float64, own *float64) {
	if own != nil {
		*to = own
	}
}

// differs allows for rounding: 10 µs, or a thousandth.
func differs(own, other *float64) bool {
	if own == nil || other == nil {
		return false
	}
	off := math.Abs(*own - *other)
	return off > 1e-5 && off > 1e-3**own
}
