package importer

import (
	"strconv"
	"strings"
)

// guidellmCSV reads GuideLLM's benchmarks.csv: three lines of headers, and a row for each
// benchmark. It has no counts of values, and a rate with two decimals.
var guidellmCSV = Importer{
	Tool: "guidellm", Form: "report (benchmarks.csv)",
	match: func(h head) bool {
		return strings.HasPrefix(h.line(), "Run Info,") && strings.Contains(h.line(), ",Benchmark,") && strings.Contains(h.line(), ",Request Latency,")
	},
	read: func(in *input) error {
		t, err := newTable(in.body, ',')
		if err != nil {
			return err
		}
		headers := [3][]string{t.names}
		for i := 1; i < len(headers); i++ {
			more, err := t.next()
			if err != nil {
				return err
			}
			if !more {
				return &Problem{Line: i, Got: "the end of the file", Want: "three lines of headers"}
			}
			for _, field := range t.fields {
				headers[i] = append(headers[i], string(field))
			}
		}
		benchmarks := node{kind: arrayKind, line: 4, path: "benchmarks"}
		report := node{kind: objectKind, line: 1}
		for {
			more, err := t.next()
			if err != nil {
				return err
			}
			if !more {
				break
			}
			row := guidellmRow{in: in, benchmark: node{kind: objectKind, line: t.first}}
			for i := range t.fields {
				if err := row.field(header(headers[0], i), header(headers[1], i), header(headers[2], i), string(t.fields[i]), t.first); err != nil {
					return err
				}
			}
			benchmarks.items = append(benchmarks.items, row.finished())
		}
		report.set("benchmarks", benchmarks)
		in.guidellmReport(report)
		return nil
	},
}

func header(names []string, i int) string {
	if i >= len(names) {
		return ""
	}
	return names[i]
}

// guidellmRow is a benchmark in the making, in the shape that it has in benchmarks.json.
type guidellmRow struct {
	in                                *input
	benchmark                         node
	metrics, totals, config, strategy node
}

// guidellmGroups name the metric of a group and its unit.
func guidellmGroups() map[string]string {
	return map[string]string{
		"Request Latency Sec": "request_latency", "Time to First Token ms": "time_to_first_token_ms", "Time per Output Token ms": "time_per_output_token_ms",
		"Inter Token Latency ms": "inter_token_latency_ms", "Server Throughput Requests/Sec": "requests_per_second", "Server Throughput Concurrency": "request_concurrency",
		"Server Throughput Goodput/Sec": "request_goodput", "Token Metrics Input Tokens": "prompt_token_count", "Token Metrics Output Tokens": "output_token_count",
		"Token Throughput Output Tokens/Sec": "output_tokens_per_second", "Token Throughput Total Tokens/Sec": "tokens_per_second",
	}
}

// field places one field by its three headers.
func (r *guidellmRow) field(group, name, part, text string, line int) error {
	if text == "" {
		return nil
	}
	at := group + " " + name
	switch at {
	case "Timings Duration":
		r.benchmark.set("duration", word(text, line, at))
	case "Request Counts Successful", "Request Counts Errored", "Request Counts Incomplete":
		r.totals.set(strings.ToLower(name), word(text, line, at))
	case "Run Info Backend":
		backend, err := newScanner(strings.NewReader(text)).node(nil)
		if err != nil {
			return &Problem{Line: line, Field: at, Got: "no JSON", Want: "the backend as JSON"}
		}
		r.config.set("backend", backend)
	case "Benchmark Strategy":
		r.strategy = guidellmStrategy(text, line)
	}
	unit, successful := strings.CutPrefix(name, "Successful ")
	if !successful {
		return nil
	}
	metric, known := guidellmGroups()[group+" "+unit]
	if !known {
		if unit == "Sec" || unit == "ms" {
			return r.otherUnit(group, name)
		}
		return nil
	}
	for i := range r.metrics.keys {
		if r.metrics.keys[i] == metric {
			return guidellmFigure(&r.metrics.items[i].items[0], part, text, line, at)
		}
	}
	one := node{kind: objectKind, line: line, path: at}
	err := guidellmFigure(&one, part, text, line, at)
	r.metrics.nest(metric, "successful", one)
	return err
}

// otherUnit refuses a group whose times have another unit than GuideLLM writes.
func (r *guidellmRow) otherUnit(group, name string) error {
	for key := range guidellmGroups() {
		if unit, is := strings.CutPrefix(key, group+" "); is && (unit == "Sec" || unit == "ms") {
			return &Problem{Line: 2, Field: group, Got: strconv.Quote(name), Want: strconv.Quote("Successful " + unit)}
		}
	}
	return nil
}

// guidellmFigure places one figure of a distribution.
func guidellmFigure(one *node, part, text string, line int, at string) error {
	switch strings.ToLower(part) {
	case "mean":
		one.set("mean", word(text, line, at+" "+part))
	case "median":
		one.set("median", word(text, line, at+" "+part))
	case "std dev":
		one.set("std_dev", word(text, line, at+" "+part))
	case "percentiles":
		return guidellmList(one, text, line, at+" "+part)
	}
	return nil
}

// guidellmList reads the least value, eight percentiles and the largest value.
func guidellmList(one *node, text string, line int, at string) error {
	keys := []string{"min", "p001", "p01", "p05", "p10", "p25", "p75", "p90", "p95", "p99", "max"}
	list, err := newScanner(strings.NewReader(text)).node(nil)
	if err != nil || len(list.items) != len(keys) {
		return &Problem{Line: line, Field: at, Got: strconv.Quote(shortened(text)), Want: "eleven numbers in brackets: " + strings.Join(keys, ", ")}
	}
	percentiles := node{kind: objectKind, line: line, path: at}
	for i, key := range keys {
		value := list.items[i]
		value.line, value.path = line, at+" "+key
		if key == "min" || key == "max" {
			one.set(key, value)
			continue
		}
		percentiles.set(key, value)
	}
	one.set("percentiles", percentiles)
	return nil
}

// guidellmStrategy reads constant@4.00, concurrent@4, synchronous and throughput.
func guidellmStrategy(text string, line int) node {
	kind, value, _ := strings.Cut(text, "@")
	const path = "Benchmark Strategy"
	n := node{kind: objectKind, line: line, path: path}
	n.set("type_", node{kind: textKind, line: line, path: path, text: kind})
	if value != "" {
		number := word(value, line, path)
		n.set("rate", number)
		n.set("streams", number)
	}
	return n
}

// finished is the benchmark.
func (r *guidellmRow) finished() node {
	b := r.benchmark
	place := func(to *node, key string, value node) {
		value.kind, value.line, value.path = objectKind, b.line, key
		to.set(key, value)
	}
	place(&r.metrics, "request_totals", r.totals)
	if r.strategy.known() {
		r.config.set("strategy", r.strategy)
	}
	place(&b, "config", r.config)
	place(&b, "metrics", r.metrics)
	return b
}
