package importer

import (
	"bufio"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// azure-openai-benchmark prints a line a second: means and 95th percentiles over a sliding
// window, in seconds, or "n/a". The E2E latency is over the whole run. Its stderr has the
// lengths. Read at Azure/azure-openai-benchmark e46e861.
var (
	azureLines = Importer{
		Tool: "azure-openai-benchmark", Form: "log (--output-format jsonl)",
		match: func(h head) bool { return h.json("run_seconds", "throttled", "ttft") },
		read: func(in *input) error {
			s := newScanner(in.body)
			var lines []node
			for s.more() {
				n, err := s.node(nil)
				if err != nil {
					return err
				}
				lines = append(lines, n)
			}
			in.azureLogs(lines)
			return nil
		},
	}
	azureHuman = Importer{
		Tool: "azure-openai-benchmark", Form: "log (--output-format human)",
		match: func(h head) bool { return azureHumanLine.MatchString(h.line()) },
		read:  (*input).azureHumanLog,
	}
	azureArguments = Importer{
		Tool: "azure-openai-benchmark", Form: "messages (stderr)",
		match: func(h head) bool { return h.has("using shape profile ") || h.has("Load test args: {") },
		read:  (*input).azureStderr,
	}
)

var (
	azureHumanLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*\brpm: +\S+`)
	azurePair      = regexp.MustCompile(`([a-z][a-z0-9_ ]*?): +(\S+)`)
	azureShape     = regexp.MustCompile(`using shape profile \S+ context tokens: (\d+), max tokens: (\d+)`)
)

// azureHumanLog reads the form for people, in both of its dialects ("ttft_avg" and "ttft
// avg"), as the nodes of the form for machines.
func (in *input) azureHumanLog() error {
	lines := bufio.NewScanner(in.body)
	lines.Buffer(nil, 1<<20)
	var all []node
	var began time.Time
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !azureHumanLine.MatchString(line) {
			in.wrong = append(in.wrong, &Problem{Line: number, Got: "this is no line of the log", Want: "a date, and then rpm: 60.0 and so on"})
			return nil
		}
		at, err := time.Parse(time.DateTime, line[:len(time.DateTime)])
		if err != nil {
			return &Problem{Line: number, Field: "timestamp", Got: line[:len(time.DateTime)], Want: "a date such as 2026-11-29 18:57:57"}
		}
		n := node{kind: objectKind, line: number}
		for _, m := range azurePair.FindAllStringSubmatch(line[len(time.DateTime):], -1) {
			n.azureField(strings.TrimSpace(m[1]), word(m[2], number, m[1]))
		}
		if len(all) == 0 || azureRestarted(all[len(all)-1], n) {
			began = at
		}
		n.set("run_seconds", node{kind: numberKind, line: number, path: "timestamp", number: at.Sub(began).Seconds() + 1})
		all = append(all, n)
	}
	in.azureLogs(all)
	return lines.Err()
}

// azureField puts a value of the form for people where the form for machines has it.
func (n *node) azureField(key string, value node) {
	key = strings.ReplaceAll(key, " ", "_")
	if key == "ctx_tpm" {
		key = "context_tpm"
	}
	for _, metric := range []string{"ttft", "tbt", "e2e", "util"} {
		for _, part := range []string{"avg", "95th"} {
			if key == metric+"_"+part {
				n.nest(metric, part, value)
				return
			}
		}
	}
	n.set(key, value)
}

// azureStderr reads the arguments of the run.
func (in *input) azureStderr() error {
	lines := bufio.NewScanner(in.body)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if m := azureShape.FindStringSubmatch(line); m != nil {
			in.facts.InputTokens, in.facts.OutputTokens = word(m[1], number, "").number, word(m[2], number, "").number
		}
		_, args, there := strings.Cut(line, "Load test args: ")
		if !there {
			continue
		}
		n, err := newScanner(strings.NewReader(args)).node(nil)
		if err != nil {
			return &Problem{Line: number, Field: "Load test args", Got: "no JSON", Want: "the arguments as JSON"}
		}
		in.azureArgs(n)
	}
	return lines.Err()
}

// azureArgs reads the arguments of newer versions. The rate is in requests a minute.
func (in *input) azureArgs(n node) {
	read := func(key string) float64 {
		if v := in.number(n.at(key), "a number"); v != nil {
			return *v
		}
		return 0
	}
	if rate := read("rate"); rate > 0 {
		in.facts.Rate = rate / 60
	}
	in.facts.Concurrency = read("clients")
	if v := read("context_tokens"); v > 0 {
		in.facts.InputTokens, in.facts.OutputTokens = v, read("max_tokens")
	}
	if n.at("retry").text == "exponential" {
		in.flags = append(in.flags, baseline.RetriesIn)
	}
}

// azureDefinition: the first "data:" line of any kind stops TTFT, and a token is such a
// line.
func azureDefinition(name baseline.Name) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstEvent, Over: baseline.WindowAvg, Connect: baseline.ConnectSome, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstEvent, baseline.EndOfBody, baseline.DataLines
	case baseline.E2E:
		d.Stop, d.Over = baseline.EndOfBody, baseline.Request
	}
	return d
}

// azureWindow is the default of --aggregation-window, in seconds. Lines so far apart share
// no request under a shorter window either.
const azureWindow = 60

// azureRestarted says whether a line is the first of another run: in a run, the requests
// only grow.
func azureRestarted(before, line node) bool {
	return line.at("requests").number < before.at("requests").number
}

// azureLogs cuts lines into the runs that a shell appended.
func (in *input) azureLogs(lines []node) {
	begin := 0
	for i := 1; i < len(lines); i++ {
		if azureRestarted(lines[i-1], lines[i]) {
			in.azureLog(lines[begin:i])
			begin = i
		}
	}
	in.azureLog(lines[begin:])
}

// azureLog makes a draft of the lines. It leaves out the tail, in which the clients finish
// one by one.
func (in *input) azureLog(lines []node) {
	began := 0
	if len(lines) > 0 {
		began = lines[0].line
	}
	lines = azureSteady(lines)
	if len(lines) == 0 {
		in.wrong = append(in.wrong, &Problem{Line: began, Field: "e2e", Got: "no line of the log has a finished request", Want: "a run of more than a second"})
		return
	}
	last := lines[len(lines)-1]
	d := draft{line: last.line}
	done, failed := in.count(last.first("completed", "requests")), in.count(last.at("failures"))
	if done == nil || failed == nil || *done <= *failed {
		in.refuse(last.first("completed", "requests"), "1 request or more that succeeded: completed less failures")
		return
	}
	// A throttled request counts as completed and as failed.
	d.cell.Requests = baseline.Requests{OK: *done - *failed, Failed: failed}
	if rpm := in.azureNumber(last.at("rpm")); rpm > 0 {
		d.cell.Throughput.Requests = new(rpm / 60)
		if context := in.azureNumber(last.at("tpm", "context")); context > 0 {
			d.facts.InputTokens = math.Round(context / rpm)
		}
	}
	d.cell.Duration = in.number(last.at("run_seconds"), "seconds")
	d.cell.Stream = new(true)
	d.cell.Flag(baseline.MeanAndP95, baseline.WindowOnly, baseline.DataLineTokens)
	independent := azureWindows(lines)
	for name, key := range map[baseline.Name]string{baseline.TTFT: "ttft", baseline.TPOT: "tbt"} {
		one := in.azureIndicator(azureDefinition(name), independent, key)
		d.put(name, one, one.Mean != nil)
	}
	one := in.azureIndicator(azureDefinition(baseline.E2E), lines[len(lines)-1:], "e2e")
	d.put(baseline.E2E, one, one.Mean != nil)
	in.drafts = append(in.drafts, d)
}

// azureSteady drops the lines before the first finished request, and the tail.
func azureSteady(lines []node) []node {
	for len(lines) > 0 && lines[0].at("e2e", "avg").kind != numberKind {
		lines = lines[1:]
	}
	busy := func(i int) float64 { return lines[i].at("processing").number }
	for n := len(lines); n > 1 && lines[n-1].at("processing").known(); n = len(lines) {
		repeated := lines[n-1].at("run_seconds").number == lines[n-2].at("run_seconds").number
		if busy(n-1) >= busy(n-2) && !repeated {
			break
		}
		lines = lines[:n-1]
	}
	return lines
}

// azureWindows takes lines that are a window apart, from the end, so that no request is in
// two of them. The first window of the run is warm-up.
func azureWindows(lines []node) []node {
	last := lines[len(lines)-1]
	out := []node{last}
	next := last.at("run_seconds").number - azureWindow
	for i := len(lines) - 2; i >= 0 && next >= 2*azureWindow; i-- {
		if lines[i].at("run_seconds").number <= next {
			out = append(out, lines[i])
			next = lines[i].at("run_seconds").number - azureWindow
		}
	}
	return out
}

// azureNumber is a number, or 0 for "n/a".
func (in *input) azureNumber(n node) float64 {
	if n.kind == textKind && n.text == "n/a" {
		return 0
	}
	if v := in.number(n, `a number, or "n/a"`); v != nil {
		return *v
	}
	return 0
}

// azureIndicator is the mean of the windows, by their requests, and the largest of their
// 95th percentiles.
func (in *input) azureIndicator(d baseline.Definition, windows []node, key string) (out baseline.Indicator) {
	out.Definition = d
	sum, weight, p95 := 0., 0., 0.
	for _, w := range windows {
		mean, requests := in.azureNumber(w.at(key, "avg")), in.azureNumber(w.at("rpm"))
		if mean <= 0 {
			continue
		}
		sum, weight = sum+mean*max(requests, 1), weight+max(requests, 1)
		p95 = max(p95, in.azureNumber(w.at(key, "95th")))
	}
	if weight > 0 {
		out.Mean = new(sum / weight)
		if len(windows) == 1 {
			out.Mean = new(in.azureNumber(windows[0].at(key, "avg")))
		}
	}
	if p95 > 0 {
		out.Quantiles.Set(.95, p95)
	}
	return out
}
