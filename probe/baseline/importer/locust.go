package importer

import (
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Locust writes statistics by type and name of a request, in milliseconds. It rounds times
// to two digits before it counts them, and failures are in. A script may fire rows of its
// own: one of type TTFT is a time to the first token. Read at locustio/locust 407343d.
var (
	locustStats = Importer{
		Tool: "locust", Form: "statistics (…_stats.csv)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Type,Name,Request Count,") },
		read:  (*input).locustTable,
	}
	locustJSON = Importer{
		Tool: "locust", Form: "statistics (--json)",
		match: func(h head) bool { return h.json("num_requests", "num_failures", "response_times") },
		read:  (*input).locustEntries,
	}
)

// locustRow is one row.
type locustRow struct {
	kind, name string
	ok, failed int
	rate       float64
	indicator  baseline.Indicator
	line       int
}

// locustTable reads the CSV.
func (in *input) locustTable() error {
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	var rows []locustRow
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			return in.locustRows(rows)
		}
		if t.text("Name") == "Aggregated" {
			continue
		}
		row, err := locustCSVRow(t)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
}

// locustCSVRow reads the row that t is at.
func locustCSVRow(t *table) (row locustRow, err error) {
	row.kind, row.name = t.text("Type"), t.text("Name")
	row.line = t.first
	number := func(column string) (v float64) {
		if err == nil {
			v, err = t.number(t.find(column), "a number, 830 for example")
		}
		return v
	}
	count := number("Request Count")
	row.failed = int(number("Failure Count"))
	row.ok = int(count) - row.failed
	row.rate = number("Requests/s")
	if count == 0 {
		return row, err
	}
	in := baseline.Indicator{Count: new(int(count)), Mean: new(number("Average Response Time") / 1e3)}
	in.Min, in.Max = new(number("Min Response Time")/1e3), new(number("Max Response Time")/1e3)
	for _, column := range []string{"50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%"} {
		if t.text(column) == "" || t.text(column) == "N/A" {
			continue
		}
		p, _ := strconv.ParseFloat(strings.TrimSuffix(column, "%"), 64)
		in.Quantiles.Set(p/100, number(column)/1e3)
	}
	row.indicator = in
	return row, err
}

// locustEntries reads the JSON, whose response times are a histogram.
func (in *input) locustEntries() error {
	n, err := in.document(func(key string) bool { return key == "num_reqs_per_sec" || key == "num_fail_per_sec" })
	if err != nil {
		return err
	}
	var rows []locustRow
	for _, one := range n.items {
		row := locustRow{kind: one.at("method").text, name: one.at("name").text, line: one.line}
		total, failed := in.count(one.at("num_requests")), in.count(one.at("num_failures"))
		sum := in.number(one.at("total_response_time"), units(1e-3))
		start, last := in.number(one.at("start_time"), "seconds since 1970"), in.number(one.at("last_request_timestamp"), "seconds since 1970")
		if total == nil || failed == nil || sum == nil || *total == 0 {
			in.refuse(one.at("num_requests"), "a number of requests, beside num_failures and total_response_time")
			return nil
		}
		row.failed, row.ok = *failed, *total-*failed
		if start != nil && last != nil && *last > *start {
			row.rate = float64(*total) / (*last - *start)
		}
		var sample baseline.Sample
		times := one.at("response_times")
		for i, key := range times.keys {
			ms, isTime := decimal([]byte(key))
			many := in.count(times.items[i])
			if !isTime || many == nil || *many > *total {
				in.refuse(node{kind: textKind, line: one.line, path: times.path, text: key}, "milliseconds, and how many requests took so long")
				return nil
			}
			sample.AddTimes(ms/1e3, *many)
		}
		if sample.Count() == 0 {
			continue
		}
		row.indicator = sample.Indicator(baseline.Definition{Percentiles: baseline.NearestRank})
		row.indicator.Mean, row.indicator.Count, row.indicator.StdDev = new(*sum/1e3/float64(*total)), total, nil
		row.indicator.Min = in.inMilliseconds(one.at("min_response_time"))
		row.indicator.Max = in.inMilliseconds(one.at("max_response_time"))
		rows = append(rows, row)
	}
	return in.locustRows(rows)
}

func (in *input) inMilliseconds(n node) *float64 {
	v := in.number(n, units(1e-3))
	if v != nil {
		*v /= 1e3
	}
	return v
}

// locustRows makes a draft of the rows of one name.
func (in *input) locustRows(rows []locustRow) error {
	names := map[string]int{}
	var own []locustRow
	for _, row := range rows {
		if in.row == "" || row.name == in.row {
			names[row.name]++
			own = append(own, row)
		}
	}
	if err := in.oneKind(names); err != nil {
		return err
	}
	d := draft{line: 1}
	var first *baseline.Indicator
	for _, row := range own {
		if row.kind == "TTFT" && row.indicator.Mean != nil {
			row.indicator.Definition = http(baseline.Unsaid, baseline.Unsaid, baseline.ConnectUnknown, baseline.Rounded)
			first = &row.indicator
			d.put(baseline.TTFT, row.indicator, true)
		}
	}
	for _, row := range own {
		if row.kind == "TTFT" || row.ok <= 0 {
			continue
		}
		d.line = row.line
		d.cell.Requests = baseline.Requests{OK: row.ok, Failed: new(row.failed)}
		if row.failed > 0 {
			d.cell.Flag(baseline.FailuresIn)
		}
		if row.rate > 0 {
			d.cell.Throughput.Requests = new(row.rate * float64(row.ok) / float64(row.ok+row.failed))
		}
		d.locustTimes(row.indicator, first)
	}
	if d.cell.Requests.OK == 0 {
		return &Problem{Line: 1, Got: "no request of a protocol succeeded", Want: "a row such as POST with 1 request or more"}
	}
	d.cell.Flag(baseline.TwoDigits)
	in.drafts = append(in.drafts, d)
	return nil
}

// locustTimes places the response times of a row. With stream=True they stop at the head
// of the response, and so they are less than the time to the first token.
func (d *draft) locustTimes(in baseline.Indicator, first *baseline.Indicator) {
	if first != nil && *in.Mean < *first.Mean {
		in.Definition = http(baseline.Sending, baseline.FirstByte, baseline.ConnectUnknown, baseline.Rounded)
		d.put(baseline.TTFB, in, true)
		d.cell.Flag(baseline.FirstByteOnly)
		return
	}
	in.Definition = http(baseline.Sending, baseline.EndOfBody, baseline.ConnectUnknown, baseline.Rounded)
	d.put(baseline.E2E, in, true)
}
