package importer

import (
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// The sums that JMeter makes of its samples: the dashboard's statistics.json, and the table
// of the listeners Aggregate Report and Summary Report. Failed samples are in the times.
var (
	jmeterStatistics = Importer{
		Tool: "jmeter", Form: "statistics of the dashboard (statistics.json)",
		match: func(h head) bool { return h.json("transaction", "sampleCount", "meanResTime") },
		read: func(in *input) error {
			n, err := in.document(nil)
			if err != nil {
				return err
			}
			return in.jmeterStatistics(n)
		},
	}
	jmeterAggregate = Importer{
		Tool: "jmeter", Form: "table of a listener (CSV)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Label,# Samples,Average,") },
		read:  (*input).jmeterAggregate,
	}
)

// jmeterStatistics reads the object of each label. pct1, pct2 and pct3 are 90, 95 and 99 %
// unless aggregate_rpt_pct1 and so on say otherwise, which the file does not tell.
func (in *input) jmeterStatistics(n node) error {
	var rows []node
	for _, one := range n.items {
		if one.at("transaction").text != "Total" {
			rows = append(rows, one)
		}
	}
	one, err := in.oneLabel(rows, "transaction")
	if err != nil {
		return err
	}
	d := draft{line: one.line}
	total, failed := in.count(one.at("sampleCount")), in.count(one.at("errorCount"))
	if !in.jmeterCounts(&d, one.at("sampleCount"), total, failed) {
		return nil
	}
	if rate := in.number(one.at("throughput"), "requests a second"); rate != nil {
		d.cell.Throughput.Requests = new(*rate * float64(d.cell.Requests.OK) / float64(*total))
	}
	quantiles := []figure{{.9, one.at("pct1ResTime")}, {.95, one.at("pct2ResTime")}, {.99, one.at("pct3ResTime")}}
	in.jmeterTimes(&d, figures{mean: one.at("meanResTime"), median: one.at("medianResTime"), min: one.at("minResTime"), max: one.at("maxResTime"), quantiles: quantiles}, total)
	return nil
}

// jmeterAggregate reads the rows of the labels.
func (in *input) jmeterAggregate() error {
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	var rows []node
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		row := node{kind: objectKind, line: t.first}
		for i, name := range t.names {
			field := string(t.bytes(column(i)))
			cell := word(strings.TrimSuffix(field, "%"), t.first, name)
			if name == "Label" {
				cell = node{kind: textKind, line: t.first, path: name, text: field}
			}
			row.set(name, cell)
		}
		if label := row.at("Label").text; label != "TOTAL" && label != "Total" {
			rows = append(rows, row)
		}
	}
	one, err := in.oneLabel(rows, "Label")
	if err != nil {
		return err
	}
	d := draft{line: one.line}
	total := in.count(one.at("# Samples"))
	var failed *int
	if share := in.number(one.at("Error %"), "a percentage"); share != nil && total != nil {
		failed = new(int(*share/100*float64(*total) + .5))
	}
	if !in.jmeterCounts(&d, one.at("# Samples"), total, failed) {
		return nil
	}
	in.jmeterTimes(&d, figures{
		mean: one.at("Average"), median: one.at("Median"), stddev: one.at("Std. Dev."), min: one.at("Min"), max: one.at("Max"), quantiles: percentLines(one),
	}, total)
	return nil
}

// percentLines finds the columns "90% Line", whose number is configured.
func percentLines(row node) (out []figure) {
	for i, name := range row.keys {
		digits, is := strings.CutSuffix(name, "% Line")
		if p, err := strconv.ParseFloat(digits, 64); is && err == nil && p > 0 && p < 100 {
			out = append(out, figure{p / 100, row.items[i]})
		}
	}
	return out
}

// oneLabel finds the row that the caller chose, or the only one.
func (in *input) oneLabel(rows []node, key string) (node, error) {
	kinds := map[string]int{}
	var own node
	for _, row := range rows {
		if label := row.at(key).text; in.row == "" || label == in.row {
			kinds[label]++
			own = row
		}
	}
	if len(rows) == 0 {
		return own, &Problem{Line: 1, Field: key, Got: "there is no row of a label", Want: "1 or more"}
	}
	return own, in.oneKind(kinds)
}

// jmeterCounts sets the counts, and says whether a sample succeeded.
func (in *input) jmeterCounts(d *draft, at node, total, failed *int) bool {
	if total == nil || failed == nil || *total-*failed < 1 {
		in.refuse(at, "1 sample or more that succeeded, beside the number of those that failed")
		return false
	}
	d.cell.Requests = baseline.Requests{OK: *total - *failed, Failed: failed}
	if *failed > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	return true
}

func (in *input) jmeterTimes(d *draft, f figures, total *int) {
	one, ok := in.indicator(http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, baseline.Unstated), 1e-3, f)
	one.Count = total
	d.put(baseline.E2E, one, ok)
	if len(one.Quantiles) == 0 {
		d.cell.Flag(baseline.NoMedian)
	}
	in.drafts = append(in.drafts, *d)
}
