package importer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// nobody has told anything.
var nobody importer.Facts

// Numbers that are none, or that cannot belong together, are refused with their line, their
// field and what should stand there.
func TestBadNumbersAreRefusedWhereTheyStand(t *testing.T) {
	with := func(text, old, replacement string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("%q is not in the file", old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
	checkRefusals(t, []refusal{
		{"a bare Infinity", "v.json", with(vllmDefault, `"mean_ttft_ms":230.0`, `"mean_ttft_ms":Infinity`), nobody, "", []string{"mean_ttft_ms: Infinity; want a number of milliseconds"}},
		{"a bare NaN", "g.json", with(guidellm, `"mean":0.67`, `"mean":NaN`), nobody, "", []string{"g.json, line 5, benchmarks[0].metrics.request_latency.successful.mean: NaN; want a number of seconds"}},
		{`a text "inf"`, "g.json", with(guidellm, `"p99":0.69`, `"p99":"inf"`), nobody, "", []string{`line 5`, `percentiles.p99: "inf"; want a number of seconds`}},
		{"an infinite rate", "a.json", with(aiperf, `"unit":"requests/sec","avg":3.9`, `"unit":"requests/sec","avg":Infinity`), nobody, "", []string{"a.json, line 1, request_throughput.avg: Infinity; want requests a second"}},
		{"a row of Infinity", "p.jsonl", with(aiperfLines, `"request_latency":{"value":500`, `"request_latency":{"value":Infinity`), nobody, "", []string{"p.jsonl, line 2, metrics.request_latency.value: Infinity; want a number, or null"}},
		{"a gap of NaN", "p.jsonl", with(aiperfLines, `[20,40]`, `[20,NaN]`), told, "", []string{"p.jsonl, line 2, metrics.inter_chunk_latency.value: NaN"}},
		{"a row of NaN", "l.json", with(llmperfReqs, `"end_to_end_latency_s":`, `"end_to_end_latency_s":NaN,"x":`), nobody, "", []string{"end_to_end_latency_s: NaN; want a number, or null"}},
		{"a median of 0", "i.json", with(guidellm, `"mean":77.9,"median":77.8`, `"mean":77.9,"median":0`), nobody, "", []string{"i.json, line 7", "time_to_first_token_ms.successful.median: 0; want a time above 0 as beside it, or null"}},
		{"a p99 of 0", "v.json", with(vllmDefault, `"p99_ttft_ms":271.5`, `"p99_ttft_ms":0`), nobody, "", []string{"p99_ttft_ms: 0; want"}},
		{"a p99 in seconds beside milliseconds", "a.json", with(aiperf, `"p99":990.0`, `"p99":0.99`), nobody, "", []string{"a.json, line 2, request_latency.p99: 0.99; want no less than the 668 of request_latency.p50: units that are mixed"}},
		{"a mean above the largest value", "a.json", with(aiperf, `"avg":664.0`, `"avg":6640.0`), nobody, "", []string{"request_latency.avg: 6640.0; want no more than the largest value, 1040"}},
		{"a first token in microseconds", "g.json", with(genaiperf, `"time_to_first_token":{"unit":"ms","avg":105.9,"p50":117.2}`, `"time_to_first_token":{"unit":"ms","avg":105900,"p50":117200}`), nobody, "", []string{"g.json, line 1, ttft: a mean of 105.9 s, which is more than the 0.885 s of the whole request"}},
		{"zeros alone", "s.json", with(with(with(siege, `"response_time":0.83`, `"response_time":0.0`), `"longest_transaction":0.87`, `"longest_transaction":0`), `"shortest_transaction":0.82`, `"shortest_transaction":0`), told, "", []string{"s.json, line 1, indicators: there is no latency above 0"}},
	})
}

// Some answers have one token, and no time between tokens: a low percentile is 0 then.
func TestALowPercentileMayBeZero(t *testing.T) {
	b := imported(t, "g.json", strings.Replace(genaiperf, `"avg":12.4,"p50"`, `"avg":12.4,"p1":0,"p50"`, 1), nobody)
	if v, there := figure(&b.Cells[0], "tpot 0.01"); !there || v != 0 {
		t.Errorf("%v, %v", v, there)
	}
}

// Percentiles that are empty leave a mean, and a flag says so.
func TestEmptyPercentilesLeaveAMean(t *testing.T) {
	empty := strings.NewReplacer(`"median":0.66,`, "", `"percentiles":{"p001":0.6,"p50":0.66,"p99":0.69,"p999":0.7}`, `"percentiles":{}`, `"median":77.8,`, "", `"median":14.0,`, "", `"median":12.7,`, "",
		`"percentiles":{"p50":77.8}`, `"percentiles":{}`, `"percentiles":{"p50":14.0}`, `"percentiles":{}`, `"percentiles":{"p50":12.7,"p99":12.9}`, `"percentiles":{}`).Replace(guidellm)
	b := imported(t, "g.json", empty, nobody)
	if mean, _ := figure(&b.Cells[0], "e2e mean"); mean != .67 || !slices.Contains(b.Cells[0].Flags, baseline.NoMedian) {
		t.Errorf("mean %v, flags %v", mean, b.Cells[0].Flags)
	}
}
