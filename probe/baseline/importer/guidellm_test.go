package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// guidellm is a report with one benchmark.
const guidellm = `{"metadata":{"version":2,"guidellm_version":"0.8.1"},"config":{"spec":{"backend":{"model":"small","api_key":"SECRET"}}},"benchmarks":[
{"config":{"strategy":{"type_":"constant","rate":4.0,"max_concurrency":10240}},"duration":20.0,
"metrics":{"request_totals":{"successful":80,"errored":1,"incomplete":2,"total":83},
"requests_per_second":{"successful":{"mean":3.9}},"request_concurrency":{"successful":{"mean":2.6}},
"request_latency":{"successful":{"mean":0.67,"median":0.66,"count":80,"min":0.6,"max":0.7,"percentiles":{"p001":0.6,"p50":0.66,"p99":0.69,"p999":0.7}}},
"prompt_token_count":{"successful":{"mean":216.4,"median":217}},"output_token_count":{"successful":{"mean":48,"median":48}},
"time_to_first_token_ms":{"successful":{"mean":77.9,"median":77.8,"count":80,"percentiles":{"p50":77.8}}},
"time_per_output_token_ms":{"successful":{"mean":14.0,"median":14.0,"count":3840,"percentiles":{"p50":14.0}}},
"inter_token_latency_ms":{"successful":{"mean":12.6,"median":12.7,"count":3760,"percentiles":{"p50":12.7,"p99":12.9}}}},
"requests":{"successful":[{"output":"SECRET"}]}}]}`

func TestGuideLLMReportsAreRead(t *testing.T) {
	weighted := []baseline.Flag{baseline.TokenWeighted}
	unstreamed := strings.NewReplacer(
		`"time_to_first_token_ms":{"successful":{"mean":77.9,"median":77.8,"count":80,"percentiles":{"p50":77.8}}}`,
		`"time_to_first_token_ms":{"successful":{"mean":0.0,"median":0.0,"count":0,"percentiles":{"p50":0.0}}}`).Replace(guidellm)
	check(t, []reading{
		{
			name: "its inter-token latency is TPOT, and its time per output token has TTFT in it", file: "g.json", text: guidellm, id: "small/in216/out48/r4",
			want: map[string]float64{
				"tpot mean": .0126, "tpot 0.99": .0129, "tpot count": 3760, "ntpot mean": .014, "ttft 0.5": .0778, "e2e 0.001": .6, "e2e 0.999": .7,
				"ok": 80, "failed": 3, "rate": 3.9, "concurrency": 2.6, "duration": 20,
			},
			without: []baseline.Name{baseline.ITL}, flags: weighted,
		},
		{
			name: "a rate that the tool did not keep is flagged", file: "g.json", text: strings.Replace(guidellm, `"mean":3.9`, `"mean":28.6`, 1), id: "small/in216/out48/r4",
			want: map[string]float64{"rate": 28.6}, flags: []baseline.Flag{baseline.RateNotReached, baseline.TokenWeighted},
		},
		{
			name: "an answer that was not streamed has E2E alone", file: "g.json", text: unstreamed, id: "small/in216/out48/r4",
			want: map[string]float64{"e2e 0.5": .66}, without: []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.NTPOT},
		},
		{
			name: "version 1 has its model at the top", file: "g.json", id: "small/in216/out48/c4", flags: weighted,
			text: strings.NewReplacer(`"version":2`, `"version":1`, `"config":{"spec":{"backend":{"model":"small","api_key":"SECRET"}}}`, `"args":{"model":"small"}`,
				`"type_":"constant","rate":4.0`, `"type_":"concurrent","streams":4`).Replace(guidellm),
			want: map[string]float64{"ok": 80},
		},
		{
			name: "the oldest reports have the strategy in args", file: "g.json", id: "small/in216/out48/c1", flags: weighted,
			text: strings.NewReplacer(`"config":{"strategy":{"type_":"constant","rate":4.0,"max_concurrency":10240}}`, `"args":{"strategy":{"type_":"synchronous"}}`).Replace(guidellm),
			want: map[string]float64{"ok": 80},
		},
	})
}

// guidellmTable is a sweep of two benchmarks, the second with another set of columns.
const guidellmTable = `Run Info,Run Info,Benchmark,Timings,Request Counts,Request Counts,Request Counts,Request Latency,Request Latency,Request Latency,Time to First Token,Time to First Token,Inter Token Latency,Time per Output Token,Server Throughput,Token Metrics,Token Metrics
Run ID,Backend,Strategy,Duration,Successful,Incomplete,Errored,Successful Sec,Successful Sec,Successful Sec,Successful ms,Successful ms,Successful ms,Successful ms,Successful Requests/Sec,Successful Input Tokens,Successful Output Tokens
,,,Sec,,,,Mean,Median,Percentiles,Mean,Median,Mean,Mean,Mean,Mean,Mean
x,"{""model"": ""small"", ""api_key"": ""SECRET""}",concurrent@4,20.5,80,1,2,0.67,0.66,"[0.6, 0.6, 0.61, 0.62, 0.63, 0.64, 0.66, 0.67, 0.68, 0.69, 0.7]",77.9,77.8,12.6,14.0,3.9,216.4,48.0
x,"{""model"": ""small"", ""api_key"": ""SECRET""}",constant@2.50,20.5,50,0,0,0.57,0.56,"[0.5, 0.5, 0.51, 0.52, 0.53, 0.54, 0.56, 0.57, 0.58, 0.59, 0.6]",,,,,2.5,216.4,48.0
`

func TestGuideLLMTablesAreRead(t *testing.T) {
	b := imported(t, "benchmarks.csv", guidellmTable, importer.Facts{})
	if len(b.Cells) != 2 || b.Cells[0].ID != "small/in216/out48/c4" || b.Cells[1].ID != "small/in216/out48/r2.5" {
		t.Fatalf("%d cells, %+v", len(b.Cells), b.Cells)
	}
	checkCell(t, &b.Cells[0], reading{
		want:  map[string]float64{"e2e 0.001": .6, "e2e 0.5": .66, "e2e 0.99": .69, "e2e max": .7, "ttft mean": .0779, "tpot mean": .0126, "ntpot mean": .014, "ok": 80, "failed": 3, "rate": 3.9, "duration": 20.5},
		flags: []baseline.Flag{baseline.TokenWeighted},
	})
	checkCell(t, &b.Cells[1], reading{want: map[string]float64{"e2e mean": .57, "ok": 50}, without: []baseline.Name{baseline.TTFT, baseline.TPOT}})
	checkRefusals(t, []refusal{
		{"another unit", "b.csv", strings.Replace(guidellmTable, "Successful ms", "Successful Sec", 1), told, "", []string{`line 2, Time to First Token: "Successful Sec"; want "Successful ms"`}},
		{"too few percentiles", "b.csv", strings.Replace(guidellmTable, "[0.6, 0.6, ", "[", 1), told, "", []string{"line 4, Request Latency Successful Sec Percentiles", "want eleven numbers"}},
		{"percentiles of None", "b.csv", strings.Replace(guidellmTable, "[0.6, ", "[None, ", 1), told, "", []string{"line 4", "want eleven numbers"}},
		{"no request succeeded", "b.csv", strings.Replace(guidellmTable, ",80,1,2,", ",0,1,82,", 1), told, "", []string{"line 4, Request Counts Successful: 0; want 1 request or more"}},
		{"headers alone", "b.csv", strings.SplitAfter(guidellmTable, "\n")[0], told, "", []string{"want three lines of headers"}},
	})
}

func TestGuideLLMReportsAreRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"no benchmark", "g.json", `{"metadata":{"guidellm_version":"0.8.1"},"benchmarks":[]}`, told, "", []string{"benchmarks: an array; want a list of benchmarks"}},
		{"no success", "g.json", strings.Replace(guidellm, `"successful":80`, `"successful":0`, 1), told, "", []string{"benchmarks[0].metrics.request_totals.successful: 0; want 1"}},
		{"an unknown strategy", "g.json", strings.Replace(guidellm, `"constant"`, `"bursts"`, 1), told, "", []string{`strategy.type_: "bursts"; want synchronous`}},
	})
}
