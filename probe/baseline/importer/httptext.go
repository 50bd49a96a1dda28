package importer

import (
	"bufio"
	"regexp"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// The tables that hey, oha, wrk, wrk2 and ApacheBench print for people.
var (
	heyText = Importer{
		Tool: "hey", Form: "summary (text)",
		match: func(h head) bool { return h.has("Latency distribution:", "secs", "Fastest:") },
		read:  func(in *input) error { return in.textReport(baseline.Unstated) },
	}
	ohaText = Importer{
		Tool: "oha", Form: "summary (text)",
		match: func(h head) bool { return h.has("Success rate:", "Fastest:") },
		read:  func(in *input) error { return in.textReport(baseline.FloorRank) },
	}
	wrkText = Importer{
		Tool: "wrk", Form: "summary (--latency)",
		match: func(h head) bool {
			return strings.HasPrefix(h.line(), "Running ") && h.has("threads and") && !h.has(wrkCorrected)
		},
		read: func(in *input) error { return in.wrkReport(false) },
	}
	wrk2Text = Importer{
		Tool: "wrk2", Form: "summary (--latency)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Running ") && h.has(wrkCorrected) },
		read:  func(in *input) error { return in.wrkReport(true) },
	}
	abText = Importer{
		Tool: "ab", Form: "summary (text)",
		match: func(h head) bool { return h.has("ApacheBench") },
		read:  (*input).abReport,
	}
)

// wrkCorrected is in wrk2's report alone.
const wrkCorrected = "HdrHistogram - Recorded Latency"

// textLine is a line of a report for people.
type textLine struct {
	number int
	text   string
}

// textLines reads all lines of such a report, which is short.
func (in *input) textLines() (out []textLine, err error) {
	lines := bufio.NewScanner(in.body)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan() && number < 100_000; number++ {
		out = append(out, textLine{number, strings.TrimRight(lines.Text(), " \r")})
	}
	return out, lines.Err()
}

var (
	summaryRow  = regexp.MustCompile(`^\s*(Total|Slowest|Fastest|Average|Requests/sec):\s+(\S+)(?: (secs?|ms))?`)
	summaryCell = regexp.MustCompile(`^\s*([0-9.]+)% in ([0-9.]+) (secs?|ms)`)
	summaryCode = regexp.MustCompile(`^\s*\[(\d{3})\]\s+(\d+) responses`)
	summaryFail = regexp.MustCompile(`^\s*\[(\d+)\]\s+\S`)
)

// textReport reads the summary of hey or oha. Each time has its unit beside it.
func (in *input) textReport(rule baseline.Rule) error {
	lines, err := in.textLines()
	if err != nil {
		return err
	}
	one := baseline.Indicator{Definition: http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, rule)}
	d := draft{line: 1}
	ok, failed, errorsPart := 0, 0, false
	for _, l := range lines {
		errorsPart = errorsPart || strings.HasPrefix(strings.TrimSpace(l.text), "Error distribution")
		if m := summaryRow.FindStringSubmatch(l.text); m != nil {
			in.summaryRow(&d, &one, l, m)
		} else if m := summaryCell.FindStringSubmatch(l.text); m != nil {
			p, v := word(m[1], l.number, "percentage"), word(m[2], l.number, m[1]+"%")
			// A distribution of too few requests has 0 where it has no value.
			if v.number > 0 && p.number > 0 && p.number < 100 {
				one.Quantiles.Set(p.number/100, scaled(v.number, textUnit(m[3])))
			}
		} else if m := summaryCode.FindStringSubmatch(l.text); m != nil && !errorsPart {
			n := int(word(m[2], l.number, "").number)
			if success(m[1]) {
				ok += n
			} else {
				failed += n
				d.cell.Flag(baseline.FailuresIn)
			}
		} else if m := summaryFail.FindStringSubmatch(l.text); m != nil && errorsPart {
			failed += int(word(m[1], l.number, "").number)
		}
	}
	d.cell.Requests = baseline.Requests{OK: ok, Failed: &failed}
	if ok == 0 {
		in.wrong = append(in.wrong, &Problem{Field: "Status code distribution", Got: "no response with a status from 200 to 299", Want: "1 or more"})
		return nil
	}
	if r := d.cell.Throughput.Requests; r != nil {
		*r *= float64(ok) / float64(ok+failed)
	}
	d.put(baseline.E2E, one, one.Mean != nil)
	in.drafts = append(in.drafts, d)
	return nil
}

// textUnit is ms, or seconds as hey and oha write them.
func textUnit(unit string) float64 {
	if unit == "ms" {
		return 1e-3
	}
	return 1
}

// summaryRow reads a row of the head of a summary.
func (in *input) summaryRow(d *draft, one *baseline.Indicator, l textLine, m []string) {
	v := in.number(word(m[2], l.number, m[1]), "a number")
	if v == nil {
		return
	}
	seconds := scaled(*v, textUnit(m[3]))
	switch m[1] {
	case "Total":
		d.cell.Duration = &seconds
	case "Slowest":
		one.Max = &seconds
	case "Fastest":
		one.Min = &seconds
	case "Average":
		one.Mean = &seconds
	case "Requests/sec":
		d.cell.Throughput.Requests = v
	}
}

var (
	wrkThreads  = regexp.MustCompile(`^\s*(\d+) threads? and (\d+) connections?`)
	wrkLatency  = regexp.MustCompile(`^\s*Latency\s+([0-9.]+)(us|ms|s|m|h)\s+([0-9.]+)(us|ms|s|m|h)\s+([0-9.]+)(us|ms|s|m|h)`)
	wrkCell     = regexp.MustCompile(`^\s*([0-9.]+)%\s+([0-9.]+)(us|ms|s|m|h)$`)
	wrkTotal    = regexp.MustCompile(`^\s*(\d+) requests in ([0-9.]+)(us|ms|s|m|h)`)
	wrkFailed   = regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`)
	wrkErrors   = regexp.MustCompile(`Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)`)
	wrkSpectrum = regexp.MustCompile(`^\s*([0-9.]+)\s+([01]\.[0-9]+)\s+(\d+)\s+(?:[0-9.]+|inf)$`)
	wrkCount    = regexp.MustCompile(`Total count\s+=\s+(\d+)`)
)

// wrkReport reads wrk's and wrk2's report. wrk2 measures from when a request was due, and
// prints the whole distribution; its first ten seconds only calibrate.
func (in *input) wrkReport(corrected bool) error {
	lines, err := in.textLines()
	if err != nil {
		return err
	}
	w := wrkRun{one: baseline.Indicator{Definition: http(baseline.Sending, baseline.EndOfBody, baseline.ConnectOut, baseline.Unstated)}}
	for _, l := range lines {
		w.line(l.text)
	}
	if w.total == 0 {
		in.wrong = append(in.wrong, &Problem{Line: len(lines), Got: "no line such as \"120 requests in 25.09s\"", Want: "the whole report of wrk"})
		return nil
	}
	if len(w.one.Quantiles) == 0 {
		in.wrong = append(in.wrong, &Problem{Line: len(lines), Field: "Latency Distribution", Got: "not there", Want: "a report of wrk --latency"})
		return nil
	}
	ok := w.total - w.failed
	if ok <= 0 {
		in.wrong = append(in.wrong, &Problem{Field: "Non-2xx or 3xx responses", Got: strconv.Itoa(w.failed), Want: "1 request or more that succeeded"})
		return nil
	}
	d := draft{line: 1}
	d.cell.Requests = baseline.Requests{OK: ok, Failed: new(w.failed + w.unanswered)}
	if w.failed > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	if w.seconds > 0 {
		d.cell.Duration = &w.seconds
		d.cell.Throughput.Requests = new(float64(ok) / w.seconds)
	}
	if corrected {
		w.one.Definition.Start, w.one.Definition.Percentiles = baseline.Scheduled, baseline.Buckets
		d.cell.Load.MaxConcurrency = &w.connections
	} else {
		d.facts.Concurrency = w.connections
	}
	d.put(baseline.E2E, w.one, true)
	in.drafts = append(in.drafts, d)
	return nil
}

// wrkRun is a report in the reading.
type wrkRun struct {
	one                       baseline.Indicator
	connections, seconds      float64
	total, failed, unanswered int
}

// line reads one line.
func (w *wrkRun) line(text string) {
	number := func(s string) float64 {
		v, _ := strconv.ParseFloat(s, 64)
		return v
	}
	if m := wrkThreads.FindStringSubmatch(text); m != nil {
		w.connections = number(m[2])
	} else if m := wrkLatency.FindStringSubmatch(text); m != nil {
		w.one.Mean, w.one.StdDev, w.one.Max = new(wrkTime(m[1], m[2])), new(wrkTime(m[3], m[4])), new(wrkTime(m[5], m[6]))
	} else if m := wrkCell.FindStringSubmatch(text); m != nil {
		if p := number(m[1]); p < 100 {
			w.one.Quantiles.Set(p/100, wrkTime(m[2], m[3]))
		}
	} else if m := wrkTotal.FindStringSubmatch(text); m != nil {
		w.total, w.seconds = int(number(m[1])), wrkTime(m[2], m[3])
	} else if m := wrkFailed.FindStringSubmatch(text); m != nil {
		w.failed = int(number(m[1]))
	} else if m := wrkErrors.FindStringSubmatch(text); m != nil {
		for _, n := range m[1:] {
			w.unanswered += int(number(n))
		}
	} else if m := wrkSpectrum.FindStringSubmatch(text); m != nil {
		if p := number(m[2]); p > 0 && p < 1 {
			w.spectrum(p, number(m[1])/1e3)
		}
	} else if m := wrkCount.FindStringSubmatch(text); m != nil {
		w.one.Count = new(int(number(m[1])))
	}
}

// spectrum adds a line of the whole distribution between those of the short table, which
// has other digits: a line that rounding puts out of order is left out.
func (w *wrkRun) spectrum(p, seconds float64) {
	for _, q := range w.one.Quantiles {
		if q.P < p+1e-9 && q.Value > seconds || q.P > p-1e-9 && q.Value < seconds {
			return
		}
	}
	w.one.Quantiles.Set(p, seconds)
}

func wrkTime(value, unit string) float64 {
	v, _ := strconv.ParseFloat(value, 64)
	return scaled(v, map[string]float64{"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}[unit])
}

var (
	abRow   = regexp.MustCompile(`^([A-Z][^:]+):\s+([0-9.]+)(?: |$)`)
	abTimes = regexp.MustCompile(`^(Waiting|Total):\s+(\d+)\s+(\d+)\s+([0-9.]+)\s+(\d+)\s+(\d+)$`)
	abCell  = regexp.MustCompile(`^\s*(\d+)%\s+(\d+)`)
	abFails = regexp.MustCompile(`\(Connect: (\d+), Receive: (\d+), Length: (\d+), Exceptions: (\d+)\)`)
)

// abReport reads ApacheBench's report, in whole milliseconds. Answers of unequal length are
// no failures here, though the tool counts them so. Without -k each request connects.
func (in *input) abReport() error {
	lines, err := in.textLines()
	if err != nil {
		return err
	}
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
	in.abDraft(rows, whole, first, failed, len(lines))
	return nil
}

// abDraft makes a draft of the parts of a report.
func (in *input) abDraft(rows map[string]node, whole, first baseline.Indicator, failed, lines int) {
	complete, there := rows["Complete requests"]
	if !there || len(whole.Quantiles) == 0 {
		in.wrong = append(in.wrong, &Problem{Line: lines, Field: "Complete requests", Got: "the report is not whole", Want: "all of what ab prints"})
		return
	}
	bad := int(rows["Non-2xx responses"].number)
	d := draft{line: 1}
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
