package importer

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// vegeta writes nanoseconds: a report, or a result for each request as encoded by
// `vegeta encode`. Its quantiles come from a t-digest, and failures are in them.
var (
	vegetaReport = Importer{
		Tool: "vegeta", Form: "report (JSON)",
		match: func(h head) bool { return h.json("latencies", "50th", "status_codes") },
		read:  func(in *input) error { return in.documents(in.vegetaSummary) },
	}
	vegetaJSON = Importer{
		Tool: "vegeta", Form: "results (JSON lines)",
		match: func(h head) bool { return h.json("attack", "seq", "latency", "bytes_out") },
		read:  (*input).vegetaResults,
	}
	vegetaCSV = Importer{
		Tool: "vegeta", Form: "results (CSV)",
		match: func(h head) bool { return vegetaRow.MatchString(h.line()) },
		read:  (*input).vegetaRows,
	}
)

// vegetaText reads the report for people.
var vegetaText = Importer{
	Tool: "vegeta", Form: "report (text)",
	match: func(h head) bool { return strings.HasPrefix(h.line(), "Requests      [total, rate, throughput]") },
	read:  func(in *input) error { return in.textRuns("Requests ", in.vegetaPage) },
}

// vegetaSpectrum reads what `vegeta report -type hdrplot` prints. It tells nothing of
// failures, which are among the values.
var vegetaSpectrum = Importer{
	Tool: "vegeta", Form: "distribution (report -type hdrplot)",
	match: func(h head) bool {
		return strings.HasPrefix(h.line(), "Value(ms)  ") && strings.Contains(h.line(), "1/(1-Percentile)")
	},
	read: (*input).vegetaPlot,
}

var (
	vegetaLine = regexp.MustCompile(`^([A-Z][A-Za-z ]+?)\s+\[([^\]]+)\]\s+(.*?)\s*$`)
	vegetaCode = regexp.MustCompile(`(\d+):(\d+)`)
)

// vegetaPage reads the report for people as the report in JSON: each line has the names of
// its values in brackets.
func (in *input) vegetaPage(lines []textLine) {
	n := node{kind: objectKind, line: lines[0].number}
	codes := node{kind: objectKind, line: lines[0].number, path: "Status Codes"}
	for _, l := range lines {
		m := vegetaLine.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		if m[1] == "Status Codes" {
			for _, pair := range vegetaCode.FindAllStringSubmatch(m[3], -1) {
				codes.set(pair[1], word(pair[2], l.number, "Status Codes"))
			}
			continue
		}
		names, values := strings.Split(m[2], ", "), strings.Split(m[3], ", ")
		for i := range min(len(names), len(values)) {
			v := word(values[i], l.number, m[1]+" "+names[i])
			if d, err := time.ParseDuration(values[i]); err == nil && v.kind != numberKind {
				v.kind, v.number = numberKind, float64(d)
			}
			switch {
			case m[1] != "Latencies":
				n.set(names[i], v)
			case names[i] == "50" || names[i] == "90" || names[i] == "95" || names[i] == "99":
				n.nest("latencies", names[i]+"th", v)
			default:
				n.nest("latencies", names[i], v)
			}
		}
	}
	n.set("status_codes", codes)
	// "attack" is the time of the attack, which JSON calls duration.
	for i, key := range n.keys {
		if key == "attack" {
			n.keys[i] = "duration"
		}
	}
	in.vegetaSummary(n)
}

// vegetaPlot reads the lines of a distribution: milliseconds, share, count up to there.
func (in *input) vegetaPlot() error {
	all, err := in.textLines()
	if err != nil {
		return err
	}
	one := baseline.Indicator{Definition: vegetaDefinition(baseline.Buckets)}
	total := 0
	for _, l := range all[1:] {
		fields := strings.Fields(l.text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 4 {
			return &Problem{Line: l.number, Got: strconv.Quote(shortened(l.text)), Want: "milliseconds, share, count and 1/(1-share)"}
		}
		v := in.number(word(fields[0], l.number, "Value(ms)"), "a number of "+units(1e-3))
		p := in.number(word(fields[1], l.number, "Percentile"), "a share, 0.99 for example")
		count := in.count(word(fields[2], l.number, "TotalCount"))
		if v == nil || p == nil || count == nil {
			return nil
		}
		total = max(total, *count)
		switch seconds := scaled(*v, 1e-3); {
		case *p <= 0:
			one.Min = &seconds
		case *p >= 1:
			one.Max = &seconds
		default:
			one.Quantiles.Set(*p, seconds)
		}
	}
	if total == 0 || len(one.Quantiles) == 0 {
		return &Problem{Line: 1, Field: "TotalCount", Got: "no request", Want: "1 or more"}
	}
	one.Count = &total
	d := draft{line: 1}
	d.cell.Requests = baseline.Requests{OK: total}
	d.cell.Flag(baseline.NoErrors, baseline.FailuresIn)
	d.put(baseline.E2E, one, true)
	in.drafts = append(in.drafts, d)
	return nil
}

var vegetaRow = regexp.MustCompile(`^\d{19},\d+,\d+,\d+,\d+,`)

func vegetaDefinition(rule baseline.Rule) baseline.Definition {
	return http(baseline.Sending, baseline.EndOfBody, baseline.ConnectSome, rule)
}

// vegetaSummary reads a report.
func (in *input) vegetaSummary(n node) {
	d := draft{line: n.line}
	ok, failed := 0, 0
	codes := n.at("status_codes")
	for i, code := range codes.keys {
		c := in.count(codes.items[i])
		switch {
		case c == nil:
		case success(code):
			ok += *c
		default:
			failed += *c
		}
	}
	if ok == 0 {
		in.refuse(codes, "1 request or more with a status from 200 to 299")
		return
	}
	d.cell.Requests = baseline.Requests{OK: ok, Failed: &failed}
	if failed > 0 {
		d.cell.Flag(baseline.FailuresIn)
	}
	d.cell.Throughput.Requests = in.number(n.at("throughput"), "requests a second")
	if duration, wait := in.number(n.at("duration"), units(1e-9)), in.number(n.at("wait"), units(1e-9)); duration != nil && wait != nil {
		d.cell.Duration = new((*duration + *wait) / 1e9)
	}
	d.cell.Source.Started = in.string(n.at("earliest"), "a date")
	l := n.at("latencies")
	one, there := in.indicator(vegetaDefinition(baseline.Buckets), 1e-9, figures{
		mean: l.at("mean"), median: l.at("50th"), min: l.at("min"), max: l.at("max"),
		quantiles: []figure{{.9, l.at("90th")}, {.95, l.at("95th")}, {.99, l.at("99th")}},
	})
	d.put(baseline.E2E, one, there)
	in.drafts = append(in.drafts, d)
}

// vegetaResults reads results as lines of JSON. It passes over bodies and headers.
func (in *input) vegetaResults() error {
	var run httpRun
	s := newScanner(in.body)
	for s.more() {
		code, latency, start, failed := 0., -1., 0., false
		err := s.object(func(key string) (err error) {
			switch key {
			case "code":
				code, _, err = s.finite()
			case "latency":
				latency, _, err = s.finite()
			case "error":
				failed, err = s.nonempty()
			case "timestamp":
				var stamp string
				if stamp, err = s.str(); err == nil {
					start, err = in.seconds(s, stamp)
				}
			default:
				err = s.skip()
			}
			return err
		})
		if err != nil {
			return err
		}
		if !(latency >= 0) {
			return s.wrong("no latency", "nanoseconds, 843044037 for example")
		}
		run.vegetaResult(code, start, latency, failed)
	}
	return in.vegetaRun(&run)
}

// seconds reads a date as seconds of the epoch.
func (in *input) seconds(s *scanner, stamp string) (float64, error) {
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return 0, s.wrong(stamp, "a date such as 2026-11-29T18:38:45.58Z")
	}
	return float64(at.UnixNano()) / 1e9, nil
}

func (r *httpRun) vegetaResult(code, start, latency float64, failed bool) {
	r.span(start, start+latency/1e9)
	if failed || code < 200 || code > 299 {
		r.failed++
		return
	}
	r.add(-1, latency/1e9)
}

// vegetaRows reads results as CSV, which has no header.
func (in *input) vegetaRows() error {
	t, err := newTable(in.body, ',', "timestamp", "code", "latency", "bytes_out", "bytes_in", "error")
	if err != nil {
		return err
	}
	var run httpRun
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			return in.vegetaRun(&run)
		}
		start, err := t.number(0, "nanoseconds since 1970")
		if err != nil {
			return err
		}
		code, err := t.number(1, "a status, 200 for example")
		if err != nil {
			return err
		}
		latency, err := t.number(2, "nanoseconds, 843044037 for example")
		if err != nil {
			return err
		}
		run.vegetaResult(code, start/1e9, latency, len(t.bytes(5)) > 0)
	}
}

// vegetaRun makes a draft of results.
func (in *input) vegetaRun(run *httpRun) error {
	d, ok := run.draft(in, baseline.Definition{}, vegetaDefinition(baseline.Linear))
	if ok {
		in.drafts = append(in.drafts, d)
	}
	return nil
}
