package importer

import (
	"bufio"
	"regexp"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// The tables that hey, oha, wrk and wrk2 print for people.
var (
	heyText = Importer{
		Tool: "hey", Form: "summary (text)",
		match: func(h head) bool { return h.has("Latency distribution:", "secs", "Fastest:") },
		read:  func(in *input) error { return in.textReports(baseline.Unstated) },
	}
	ohaText = Importer{
		Tool: "oha", Form: "summary (text)",
		match: func(h head) bool { return h.has("Success rate:", "Fastest:") },
		read:  func(in *input) error { return in.textReports(baseline.FloorRank) },
	}
	wrkText = Importer{
		Tool: "wrk", Form: "summary (--latency)",
		match: func(h head) bool {
			return strings.HasPrefix(h.line(), "Running ") && h.has("threads and") && !h.has(wrkCorrected)
		},
		read: func(in *input) error {
			return in.textRuns("Running ", func(lines []textLine) { in.wrkReport(lines, false) })
		},
	}
	wrk2Text = Importer{
		Tool: "wrk2", Form: "summary (--latency)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Running ") && h.has(wrkCorrected) },
		read: func(in *input) error {
			return in.textRuns("Running ", func(lines []textLine) { in.wrkReport(lines, true) })
		},
	}
)

// wrk2 alone has these words in its report: over the distribution from when a request was
// due, and with --u_latency over another one, from when it was sent.
const (
	wrkCorrected   = "HdrHistogram - Recorded Latency"
	wrkUncorrected = "HdrHistogram - Uncorrected Latency"
)

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

// textRuns cuts a report into the runs that a shell appended to it: each begins with the
// words. The lines before the first of them belong to the first run.
func (in *input) textRuns(words string, read func([]textLine)) error {
	all, err := in.textLines()
	if err != nil {
		return err
	}
	begin, begun := 0, false
	for i, l := range all {
		if !strings.HasPrefix(strings.TrimSpace(l.text), words) {
			continue
		}
		if begun {
			read(all[begin:i])
			begin = i
		}
		begun = true
	}
	read(all[begin:])
	return nil
}

var (
	summaryRow  = regexp.MustCompile(`^\s*(Total|Slowest|Fastest|Average|Requests/sec):\s+(\S+)(?: (secs?|ms))?`)
	summaryCell = regexp.MustCompile(`^\s*([0-9.]+)%%? in ([0-9.]+) (secs?|ms)`)
	summaryCode = regexp.MustCompile(`^\s*\[(\d{3})\]\s+(\d+) responses`)
	summaryFail = regexp.MustCompile(`^\s*\[(\d+)\]\s+\S`)
)

// textReports reads the summaries of hey or oha.
func (in *input) textReports(rule baseline.Rule) error {
	return in.textRuns("Summary:", func(lines []textLine) { in.textReport(lines, rule) })
}

// textReport reads one summary. Each time has its unit beside it.
func (in *input) textReport(lines []textLine, rule baseline.Rule) {
	one := baseline.Indicator{Definition: http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, rule)}
	d := draft{line: lines[0].number}
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
		in.wrong = append(in.wrong, &Problem{Line: d.line, Field: "Status code distribution", Got: "no response with a status from 200 to 299", Want: "1 or more"})
		return
	}
	if r := d.cell.Throughput.Requests; r != nil {
		*r *= float64(ok) / float64(ok+failed)
	}
	d.put(baseline.E2E, one, one.Mean != nil)
	in.drafts = append(in.drafts, d)
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
func (in *input) wrkReport(lines []textLine, corrected bool) {
	w := wrkRun{one: baseline.Indicator{Definition: http(baseline.Sending, baseline.EndOfBody, baseline.ConnectOut, baseline.Unstated)}}
	for _, l := range lines {
		w.line(l.text)
	}
	begin, end := lines[0].number, lines[len(lines)-1].number
	ok := w.total - w.failed
	switch {
	case !w.ended:
		in.wrong = append(in.wrong, &Problem{Line: end, Got: "no line such as \"120 requests in 25.09s\"", Want: "the whole report of wrk"})
		return
	case ok <= 0:
		in.wrong = append(in.wrong, &Problem{
			Line: begin, Field: "Non-2xx or 3xx responses", Got: strconv.Itoa(w.failed) + " of " + strconv.Itoa(w.total), Want: "1 request or more that succeeded",
		})
		return
	case len(w.one.Quantiles) == 0:
		in.wrong = append(in.wrong, &Problem{Line: end, Field: "Latency Distribution", Got: "not there", Want: "a report of wrk --latency"})
		return
	}
	d := draft{line: begin}
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
}

// wrkRun is a report in the reading.
type wrkRun struct {
	one                       baseline.Indicator
	connections, seconds      float64
	total, failed, unanswered int
	ended                     bool
	uncorrected               bool // in the second distribution of wrk2 --u_latency
}

// line reads one line.
func (w *wrkRun) line(text string) {
	number := func(s string) float64 {
		v, _ := strconv.ParseFloat(s, 64)
		return v
	}
	w.uncorrected = (w.uncorrected || strings.Contains(text, wrkUncorrected)) && !wrkTotal.MatchString(text)
	if w.uncorrected {
		return
	}
	if m := wrkThreads.FindStringSubmatch(text); m != nil {
		w.connections = number(m[2])
	} else if m := wrkLatency.FindStringSubmatch(text); m != nil {
		w.one.Mean, w.one.StdDev, w.one.Max = new(wrkTime(m[1], m[2])), new(wrkTime(m[3], m[4])), new(wrkTime(m[5], m[6]))
	} else if m := wrkCell.FindStringSubmatch(text); m != nil {
		if p := number(m[1]); p > 0 && p < 100 {
			w.one.Quantiles.Set(p/100, wrkTime(m[2], m[3]))
		}
	} else if m := wrkTotal.FindStringSubmatch(text); m != nil {
		w.total, w.seconds, w.ended = int(number(m[1])), wrkTime(m[2], m[3]), true
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
