package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// tidyCSV reads a table that somebody wrote: a row for each cell. Times are columns such as
// ttft_p50_ms and tpot_mean_s. docs/baselines.md lists the columns.
var tidyCSV = Importer{
	Tool: "csv", Form: "table of cells (CSV)",
	match: func(h head) bool {
		columns := strings.Split(h.line(), ",")
		return slices.ContainsFunc(columns, func(name string) bool { return tidyTime.MatchString(strings.TrimSpace(name)) })
	},
	read: (*input).tidyTable,
}

// tidyTime names a figure: indicator, figure and unit.
var tidyTime = regexp.MustCompile(`^(ttft|ttfb|tpot|ntpot|itl|e2e)_(mean|median|min|max|stddev|p[0-9]+(?:\.[0-9]+)?)_(ms|s)$`)

// tidyClock names a word of an indicator's definition: what starts and stops its clock, say.
var tidyClock = regexp.MustCompile(`^(ttft|ttfb|tpot|ntpot|itl|e2e)_(start|stop|over|connect|tokens)$`)

// tidyColumns are the others.
func tidyColumns() []string {
	return []string{
		"tool", "model", "input_tokens", "output_tokens", "concurrency", "rate", "requests", "failed", "duration_s", "requests_per_s", "output_tokens_per_s", "goodput_per_s",
	}
}

// tidyTable reads the rows.
func (in *input) tidyTable() error {
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	if err := tidyHeader(t); err != nil {
		return err
	}
	for {
		more, err := t.next()
		if err != nil || !more {
			return err
		}
		d, err := tidyRow(t)
		if err != nil {
			return err
		}
		in.drafts = append(in.drafts, d)
	}
}

// tidyHeader refuses a column that headway does not know, one that stands there twice, and a
// clock that times nothing.
func tidyHeader(t *table) error {
	timed, columns := map[string]bool{}, map[string]string{}
	for _, name := range t.names {
		what := name
		if m := tidyTime.FindStringSubmatch(name); m != nil {
			timed[m[1]] = true
			what = strings.Replace(m[1]+"_"+m[2], "_median", "_p50", 1) // in whatever unit
		}
		if other, twice := columns[what]; twice {
			return &Problem{Line: 1, Field: name, Got: "there is " + strconv.Quote(other) + " already", Want: "a column once"}
		}
		columns[what] = name
	}
	for _, name := range t.names {
		m := tidyClock.FindStringSubmatch(name)
		switch {
		case m != nil && !timed[m[1]]:
			return &Problem{Line: 1, Field: name, Got: "a clock without a time", Want: "a column with a time beside it: " + m[1] + "_p50_ms"}
		case m == nil && !slices.Contains(tidyColumns(), name) && !tidyTime.MatchString(name):
			return &Problem{
				Line: 1, Field: name, Got: "no column that headway knows",
				Want: strings.Join(tidyColumns(), ", ") + ", a time such as ttft_p50_ms, tpot_mean_s, e2e_p99_ms, or what its clock is: ttft_start, ttft_stop, ttft_over, ttft_connect, tpot_tokens",
			}
		}
	}
	return t.has("requests")
}

// tidyRow reads the row that t is at. An empty field is unknown.
func tidyRow(t *table) (d draft, err error) {
	d.line = t.first
	number := func(column string) *float64 {
		if err != nil || strings.TrimSpace(t.text(column)) == "" {
			return nil
		}
		var v float64
		v, err = t.number(t.find(column), "a number")
		return &v
	}
	value := func(column string) float64 {
		if v := number(column); v != nil {
			return *v
		}
		return 0
	}
	d.facts = Facts{
		Model: strings.TrimSpace(t.text("model")), InputTokens: value("input_tokens"), OutputTokens: value("output_tokens"),
		Concurrency: value("concurrency"), Rate: value("rate"),
	}
	d.cell.Requests.OK = int(value("requests"))
	if failed := number("failed"); failed != nil {
		d.cell.Requests.Failed = new(int(*failed))
	}
	d.cell.Duration = number("duration_s")
	d.cell.Throughput = baseline.Throughput{Requests: number("requests_per_s"), OutputTokens: number("output_tokens_per_s")}
	if good := number("goodput_per_s"); good != nil {
		d.cell.Goodput = &baseline.Goodput{PerSecond: *good}
	}
	d.tool = strings.TrimSpace(t.text("tool"))
	for _, column := range t.names {
		if m := tidyTime.FindStringSubmatch(column); m != nil {
			if v := number(column); v != nil {
				d.tidy(baseline.Name(m[1]), m[2], scaled(*v, textUnit(m[3])))
			}
		}
	}
	for _, column := range t.names {
		if m := tidyClock.FindStringSubmatch(column); m != nil {
			d.clock(baseline.Name(m[1]), m[2], strings.TrimSpace(t.text(column)))
		}
	}
	return d, err
}

// clock sets a word of the definition of an indicator, if the row has both. Import refuses
// words that mean nothing.
func (d *draft) clock(name baseline.Name, part, word string) {
	one, there := d.cell.Indicators[name]
	if !there || word == "" {
		return
	}
	switch part {
	case "start":
		one.Definition.Start = baseline.Edge(word)
	case "stop":
		one.Definition.Stop = baseline.Edge(word)
	case "over":
		one.Definition.Over = baseline.Over(word)
	case "connect":
		one.Definition.Connect = baseline.Connect(word)
	case "tokens":
		one.Definition.Tokens = baseline.Tokens(word)
	}
	d.cell.Indicators[name] = one
}

// tidy adds a figure to an indicator, whose definition nobody told.
func (d *draft) tidy(name baseline.Name, figure string, seconds float64) {
	one, there := d.cell.Indicators[name]
	if !there {
		one.Definition = http(baseline.Unsaid, baseline.Unsaid, baseline.ConnectUnknown, baseline.Unstated)
		if name == baseline.TPOT || name == baseline.NTPOT {
			one.Definition.Tokens = baseline.Unknown
		}
	}
	switch figure {
	case "mean":
		one.Mean = &seconds
	case "min":
		one.Min = &seconds
	case "max":
		one.Max = &seconds
	case "stddev":
		one.StdDev = &seconds
	case "median":
		one.Quantiles.Set(.5, seconds)
	default:
		if p, err := strconv.ParseFloat(figure[1:], 64); err == nil && p > 0 && p < 100 {
			one.Quantiles.Set(p/100, seconds)
		}
	}
	if d.cell.Indicators == nil {
		d.cell.Indicators = map[baseline.Name]baseline.Indicator{}
	}
	d.cell.Indicators[name] = one
}
