package importer

import (
	"bufio"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// The tables that vLLM and SGLang print at the end of a run. They have two decimals of a
// millisecond, and no model.
var (
	vllmTable = Importer{
		Tool: "vllm", Form: "table of the console",
		match: func(h head) bool {
			return tableTitle.Match(h.text) && !h.has("Max request concurrency:") && !h.has("\nBackend: ")
		},
		read: func(in *input) error { return in.benchTables(vllmDefinition) },
	}
	sglangTable = Importer{
		Tool: "sglang", Form: "table of the console",
		match: func(h head) bool { return tableTitle.Match(h.text) },
		read:  func(in *input) error { return in.benchTables(sglangDefinition) },
	}
)

var (
	tableTitle = regexp.MustCompile(`(?m)^=+ Serving Benchmark Result =+\s*$`)
	tableRow   = regexp.MustCompile(`^([A-Za-z0-9 .()/-]+):\s+(\S.*?)\s*$`)
	tableCell  = regexp.MustCompile(`^(Mean|Median|Max|P[0-9.]+) (TTFT|TPOT|ITL|E2EL|E2E Latency) \(ms\)$`)
)

// benchTables reads every table of a console, each as a node with its labels as keys.
func (in *input) benchTables(definition func(baseline.Name) baseline.Definition) error {
	lines := bufio.NewScanner(in.body)
	lines.Buffer(nil, 1<<20)
	var table *node
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		switch m := tableRow.FindStringSubmatch(line); {
		case tableTitle.MatchString(line):
			if table != nil {
				in.wrong = append(in.wrong, &Problem{Line: number, Got: "another table begins before the last one ended", Want: "a line of = that ends it"})
			}
			table = &node{kind: objectKind, line: number}
		case table == nil:
		case strings.Trim(line, "=") == "" && line != "":
			in.benchTable(*table, definition)
			table = nil
		case m != nil:
			table.keys, table.items = append(table.keys, m[1]), append(table.items, word(m[2], number, m[1]))
		}
	}
	if table != nil {
		in.wrong = append(in.wrong, &Problem{Line: table.line, Got: "the table has no end", Want: "a line of = that ends it"})
	}
	return lines.Err()
}

// word is a value of a text file as a node: a number, or else a text.
func word(value string, line int, field string) node {
	n := node{kind: textKind, line: line, path: field, text: value}
	if v, err := strconv.ParseFloat(value, 64); err == nil {
		n.kind, n.number = numberKind, v
	}
	return n
}

// benchTable reads one table.
func (in *input) benchTable(n node, definition func(baseline.Name) baseline.Definition) {
	d := draft{line: n.line}
	d.cell.Requests.OK = in.completed(n.at("Successful requests"))
	d.cell.Requests.Failed = in.count(n.at("Failed requests"))
	done := float64(max(d.cell.Requests.OK, 1))
	d.facts.InputTokens = in.need(n.at("Total input tokens"), "a number of tokens") / done
	d.facts.OutputTokens = in.need(n.first("Total generated tokens", "Total output tokens"), "a number of tokens") / done
	d.cell.Duration = in.number(n.at("Benchmark duration (s)"), "seconds")
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(n.at("Request throughput (req/s)"), "requests a second"),
		OutputTokens: in.number(n.at("Output token throughput (tok/s)"), "tokens a second"),
		TotalTokens:  in.number(n.first("Total token throughput (tok/s)", "Total Token throughput (tok/s)"), "tokens a second"),
	}
	if good := in.number(n.at("Request goodput (req/s)"), "requests a second"); good != nil {
		d.cell.Goodput = &baseline.Goodput{PerSecond: *good}
	}
	in.tableLoad(&d, n)
	if mean := n.at("Concurrency"); mean.kind == numberKind {
		d.cell.Load.MeanConcurrency = in.number(mean, "a number of requests")
	}
	names := map[string]baseline.Name{"TTFT": baseline.TTFT, "TPOT": baseline.TPOT, "ITL": baseline.ITL, "E2EL": baseline.E2E, "E2E Latency": baseline.E2E}
	found := map[baseline.Name]*figures{}
	for i, label := range n.keys {
		if m := tableCell.FindStringSubmatch(label); m != nil {
			name := names[m[2]]
			if found[name] == nil {
				found[name] = &figures{}
			}
			found[name].set(m[1], n.items[i])
		}
	}
	for name, f := range found {
		one, ok := in.indicator(definition(name), 1e-3, *f)
		d.put(name, one, ok)
	}
	in.drafts = append(in.drafts, d)
}

// tableLoad reads the rate and the cap, which vLLM and SGLang name differently. Neither
// line is every request at once.
func (in *input) tableLoad(d *draft, n node) {
	if rate := n.first("Request rate configured (RPS)", "Traffic request rate"); rate.kind == numberKind && !math.IsInf(rate.number, 1) {
		d.facts.Rate = in.need(rate, "requests a second")
	}
	if top := n.first("Maximum request concurrency", "Max request concurrency"); top.kind == numberKind {
		d.facts.Concurrency = in.need(top, "a number of requests")
	}
	d.facts.Unlimited = d.facts.Rate == 0 && d.facts.Concurrency == 0
}

// set puts a figure where its label says: Mean, Median, Max, or P99.
func (f *figures) set(label string, n node) {
	switch label {
	case "Mean":
		f.mean = n
	case "Median":
		f.median = n
	case "Max":
		f.max = n
	default:
		if p, err := strconv.ParseFloat(label[1:], 64); err == nil && p > 0 && p < 100 {
			f.quantiles = append(f.quantiles, figure{p / 100, n})
		}
	}
}
