package importer

import (
	"regexp"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// ApacheBench prints a report in whole milliseconds. Beside it, -g writes a row for each
// request and -e the percentiles in microseconds.
var (
	abText = Importer{
		Tool: "ab", Form: "summary (text)",
		match: func(h head) bool { return h.has("ApacheBench") },
		read:  func(in *input) error { return in.textRuns("This is ApacheBench", in.abReport) },
	}
	abRows = Importer{
		Tool: "ab", Form: "requests (-g)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "starttime\tseconds\tctime") },
		read: func(in *input) error {
			return in.httpRows('\t', httpColumns{
				e2e: "ttime", ttfb: "wait", scale: 1e-3,
				firstByte: http(baseline.Sent, baseline.FirstByte, baseline.ConnectOut, baseline.Linear),
				whole:     http(baseline.Sending, baseline.EndOfBody, baseline.ConnectIn, baseline.Linear),
			})
		},
	}
	abPercentiles = Importer{
		Tool: "ab", Form: "percentiles (-e)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Percentage served,Time in ms") },
		read:  (*input).abTable,
	}
)

var (
	abRow   = regexp.MustCompile(`^([A-Z][^:]+):\s+([0-9.]+)(?: |$)`)
	abTimes = regexp.MustCompile(`^(Waiting|Total):\s+(\d+)\s+(\d+)\s+([0-9.]+)\s+(\d+)\s+(\d+)$`)
	abCell  = regexp.MustCompile(`^\s*(\d+)%\s+(\d+)`)
	abFails = regexp.MustCompile(`\(Connect: (\d+), Receive: (\d+), Length: (\d+), Exceptions: (\d+)\)`)
)

// abReport reads ApacheBench's report, in whole milliseconds. Answers of unequal length are
// no failures here, though the tool counts them so. Without -k each request connects.
func (in *input) abReport(lines []textLine) {
	rows := map[string]node{}
	whole := baseline.Indicator{Definition: http(baseline.Sending, baseline.EndOfBody, baseline.ConnectIn, baseline.Unstated)}
	first := baseline.Indicator{Definition: http(baseline.Sent, baseline.FirstByte, baseline.ConnectOut, baseline.Unstated)}
	failed := 0
	for _, l := range lines {
		if m := abTimes.FindStringSubmatch(l.text); m != nil {
			to := &whole
			if m[1] == "Waiting" {
				to = &first
			}
			v := func(i int) *float64 { return new(word(m[i], l.number, m[1]).number / 1e3) }
			to.Min, to.Mean, to.StdDev, to.Max = v(2), v(3), v(4), v(6)
			to.Quantiles.Set(.5, *v(5))
		} else if m := abCell.FindStringSubmatch(l.text); m != nil {
			if p := word(m[1], l.number, "").number; p > 0 && p < 100 {
				whole.Quantiles.Set(p/100, word(m[2], l.number, "").number/1e3)
			}
		} else if m := abFails.FindStringSubmatch(l.text); m != nil {
			for _, i := range []int{1, 2, 4} {
				failed += int(word(m[i], l.number, "").number)
			}
		} else if m := abRow.FindStringSubmatch(l.text); m != nil {
			if _, there := rows[m[1]]; !there {
				rows[m[1]] = word(m[2], l.number, m[1])
			}
		}
	}
	in.abDraft(rows, whole, first, failed, lines)
}

// abDraft makes a draft of the parts of a report.
func (in *input) abDraft(rows map[string]node, whole, first baseline.Indicator, failed int, lines []textLine) {
	complete, there := rows["Complete requests"]
	if !there || len(whole.Quantiles) == 0 {
		in.wrong = append(in.wrong, &Problem{Line: lines[len(lines)-1].number, Field: "Complete requests", Got: "the report is not whole", Want: "all of what ab prints"})
		return
	}
	bad := int(rows["Non-2xx responses"].number)
	d := draft{line: lines[0].number}
	d.cell.Requests = baseline.Requests{OK: int(complete.number) - bad, Failed: new(failed + bad)}
	if d.cell.Requests.OK < 1 {
		in.refuse(complete, "1 request or more with a status from 200 to 299")
		return
	}
	if bad > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	d.facts.Concurrency = rows["Concurrency Level"].number
	if taken := rows["Time taken for tests"].number; taken > 0 {
		d.cell.Duration = &taken
		d.cell.Throughput.Requests = new(float64(d.cell.Requests.OK) / taken)
	}
	if rows["Keep-Alive requests"].number > 0 {
		whole.Definition.Connect = baseline.ConnectSome
	}
	d.put(baseline.E2E, whole, true)
	d.put(baseline.TTFB, first, first.Mean != nil)
	d.cell.Flag(baseline.FirstByteOnly)
	in.drafts = append(in.drafts, d)
}

// abTable reads the percentiles of -e, 0 to 100, which have neither a number of requests
// nor one of failures: the report beside it has.
func (in *input) abTable() error {
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	last := 0.
	for {
		more, err := t.next()
		if err != nil || !more {
			return err
		}
		p, err := t.number(0, "a percentage, 99 for example")
		if err != nil {
			return err
		}
		v, err := t.number(1, "milliseconds, 830.124 for example")
		if err != nil {
			return err
		}
		if v < last {
			return &Problem{Line: t.first, Field: "Time in ms", Got: string(t.bytes(1)), Want: "no less than the line before it"}
		}
		last = v
		if p > 0 && p < 100 {
			in.finer.Set(p/100, scaled(v, 1e-3))
		}
	}
}
