package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// vllmDefault is a run with the default options: no E2E in the summary, but latencies.
const vllmDefault = `{"date":"20261120-101500","backend":"openai-chat","model_id":"small","tokenizer_id":"t","num_prompts":4,"request_rate":4.0,"burstiness":1.0,
"max_concurrency":null,"duration":2.0,"completed":4,"failed":0,"total_input_tokens":400,"total_output_tokens":40,"request_throughput":2.0,"request_goodput":null,
"output_throughput":20.0,"total_token_throughput":220.0,"latencies":[0.5,0.6,0.7,0.8],
"mean_ttft_ms":230.0,"median_ttft_ms":220.0,"std_ttft_ms":31.0,"p99_ttft_ms":271.5,"mean_tpot_ms":18.2,"median_tpot_ms":18.0,"std_tpot_ms":0.6,"p99_tpot_ms":19.1}`

// vllmDetailed has a failed request, which keeps its place in every array.
const vllmDetailed = `{"date":"20261120-101500","backend":"openai-chat","model_id":"small","tokenizer_id":"t","request_rate":"inf","max_concurrency":2,"duration":2.0,
"completed":3,"failed":1,"total_input_tokens":300,"total_output_tokens":9,"request_throughput":1.5,"request_goodput":0.5,
"input_lens":[100,100,100,100],"output_lens":[3,3,0,3],"ttfts":[0.2,0.3,0.1,0.4],"itls":[[0.02,0.04],[0.02,0.02],[9.0],[0.03,0.03]],
"generated_texts":["a","b","","d"],"errors":["","","Traceback:\n Bad Gateway",""],
"mean_ttft_ms":300.0,"median_ttft_ms":300.0,"p99.9_ttft_ms":399.8}`

const vllmConsole = `tip: install termplotlib
============ Serving Benchmark Result ============
Successful requests:                     100       
Failed requests:                         2         
Maximum request concurrency:             8         
Benchmark duration (s):                  25.00     
Total input tokens:                      25600     
Total generated tokens:                  6400      
Request throughput (req/s):              4.00      
Output token throughput (tok/s):         256.00    
Total Token throughput (tok/s):          1280.00   
---------------Time to First Token----------------
Mean TTFT (ms):                          89.06     
Median TTFT (ms):                        95.78     
P99 TTFT (ms):                           133.87    
-----Time per Output Token (excl. 1st token)------
Mean TPOT (ms):                          13.57     
P99.9 TPOT (ms):                         16.67     
==================================================
`

func TestVLLMResultsAreRead(t *testing.T) {
	check(t, []reading{
		{
			name: "the default run has E2E from its latencies", file: "v.json", text: vllmDefault, id: "small/in100/out10/r4",
			want: map[string]float64{
				"ttft mean": .23, "ttft 0.5": .22, "ttft 0.99": .2715, "ttft stddev": .031, "tpot 0.5": .018,
				"e2e mean": .65, "e2e 0.5": .65, "e2e count": 4, "ok": 4, "failed": 0, "concurrency": 1.3, "rate": 2, "duration": 2,
			},
			without: []baseline.Name{baseline.ITL, baseline.NTPOT, baseline.TTFB}, flags: []baseline.Flag{baseline.RateNotReached},
		},
		{
			name: "a failed request is no fast one", file: "v.json", text: vllmDetailed, id: "small/in100/out3/c2",
			want: map[string]float64{
				"ttft count": 3, "ttft min": .2, "ttft mean": .3, "ttft 0.999": .3998, "tpot mean": (.03 + .02 + .03) / 3, "itl count": 6, "itl max": .04,
				"e2e 0.5": .34, "ok": 3, "failed": 1, "good": .5, "concurrency": (.26 + .34 + .46) / 2,
			},
		},
		{
			name: "rows that are not those of the summary are left out", file: "v.json",
			text: strings.Replace(vllmDetailed, `"mean_ttft_ms":300.0`, `"mean_ttft_ms":350.0`, 1), id: "small/in100/out3/c2",
			want: map[string]float64{"ttft mean": .35, "ttft 0.5": .3}, flags: []baseline.Flag{baseline.Disagrees},
		},
		{
			name: "every request at once", file: "v.json", text: strings.Replace(vllmDetailed, `"max_concurrency":2`, `"max_concurrency":null`, 1),
			id: "small/in100/out3/max", want: map[string]float64{"ok": 3},
		},
		{
			name: "on completions the finish chunk is a gap", file: "v.json", text: strings.Replace(vllmDetailed, `"openai-chat"`, `"openai"`, 1),
			id: "small/in100/out3/c2", want: map[string]float64{"ok": 3}, flags: []baseline.Flag{baseline.FinishChunkInGaps},
		},
		{
			name: "the table of the console", file: "console.txt", text: vllmConsole, facts: importer.Facts{Model: "small"}, id: "small/in256/out64/c8",
			want: map[string]float64{"ttft 0.5": .09578, "ttft 0.99": .13387, "tpot mean": .01357, "tpot 0.999": .01667, "ok": 100, "failed": 2},
		},
	})
}

func TestRunsOfOneVLLMFileAreCellsOfTheirOwn(t *testing.T) {
	for name, text := range map[string]string{
		"appended without a line break": vllmDefault + vllmDetailed, "appended lines": vllmDefault + "\n" + vllmDetailed + "\n", "the array of a sweep": "[" + vllmDefault + "," + vllmDetailed + "]",
	} {
		if b := imported(t, "v.json", text, importer.Facts{}); len(b.Cells) != 2 || b.Cells[1].ID != "small/in100/out3/c2" {
			t.Errorf("%s: %d cells", name, len(b.Cells))
		}
	}
}

func TestVLLMResultsAreRefused(t *testing.T) {
	change := func(old, put string) string { return strings.Replace(vllmDefault, old, put, 1) }
	checkRefusals(t, []refusal{
		{"every request failed", "v.json", change(`"completed":4`, `"completed":0`), told, "", []string{"v.json, line 2, completed: 0; want 1 request or more"}},
		{"a cut file", "v.json", vllmDefault[:520], told, "", []string{"v.json, line 4", "the end of the file"}},
		{"a word in place of a latency", "v.json", change(`"median_ttft_ms":220.0,`, `"median_ttft_ms":"fast",`), told, "", []string{`median_ttft_ms: "fast"; want a number of milliseconds, 95.4 for example`}},
		{"a latency of Infinity", "v.json", change(`"median_ttft_ms":220.0,`, `"median_ttft_ms":Infinity,`), told, "", []string{`median_ttft_ms: Infinity; want`}},
		{"a negative latency", "v.json", change(`"median_ttft_ms":220.0,`, `"median_ttft_ms":-1,`), told, "", []string{`median_ttft_ms: -1; want`}},
		{"no tokens", "v.json", change(`"total_input_tokens":400,`, ""), told, "", []string{"total_input_tokens: not there; want a number of tokens"}},
		{"a rate that is a word", "v.json", change(`"request_rate":4.0`, `"request_rate":"fast"`), told, "", []string{`request_rate: "fast"; want requests a second`}},
		{"quantiles that fall", "v.json", change("271.5", "100"), importer.Facts{}, "", []string{"v.json, line 4, p99_ttft_ms: 100; want no less than the 220 of median_ttft_ms"}},
		{"two tables without an end", "c.txt", vllmConsole[:200] + "\n" + vllmConsole, told, "", []string{"c.txt, line 7: another table begins"}},
		{"a table without an end", "c.txt", vllmConsole[:400], told, "", []string{"c.txt, line 2: the table has no end"}},
	})
}
