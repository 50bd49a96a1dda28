package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const aiperf = `{"schema_version":"1.4","aiperf_version":"0.13.0","request_throughput":{"unit":"requests/sec","avg":3.9},
"request_latency":{"unit":"ms","avg":664.0,"p1":357.0,"p50":668.0,"p99":990.0,"min":275.8,"max":1040.0,"std":121.7,"count":116},"request_count":{"unit":"requests","avg":116.0},
"time_to_first_token":{"unit":"ms","avg":72.4,"p50":72.5,"p99":86.3},"inter_token_latency":{"unit":"ms","avg":12.5,"p50":12.4,"p99":13.2},
"inter_chunk_latency":{"unit":"us","avg":12500,"p50":12300,"count":5486},"output_sequence_length":{"unit":"tokens","avg":48.3,"p50":49.5},
"input_sequence_length":{"unit":"tokens","avg":141.2,"p50":139},"benchmark_duration":{"unit":"sec","avg":29.5},"goodput":{"unit":"requests/sec","avg":1.5},
"input_config":{"models":{"items":[{"name":"small"}]},"endpoint":{"use_server_token_count":true},"phases":[{"name":"warmup","kind":"warmup","concurrency":2},{"name":"profiling","kind":"profiling","type":"poisson","rate":4.0}],
"slos":{"time_to_first_token":80.0}},"was_cancelled":false,"error_summary":[{"error_details":{"code":500},"count":3}]}`

const genaiperf = `{"request_throughput":{"unit":"requests/sec","avg":4.5},"request_latency":{"unit":"ms","avg":885.0,"p50":887.6},"request_count":{"unit":"count","avg":100.0},
"time_to_first_token":{"unit":"ms","avg":105.9,"p50":117.2},"inter_token_latency":{"unit":"ms","avg":12.4,"p50":12.2},"output_sequence_length":{"unit":"tokens","avg":64.0},
"input_sequence_length":{"unit":"tokens","avg":249.0},"request_goodput":{"unit":"requests/sec","avg":1.3},
"input_config":{"model_names":["small"],"perf_analyzer":{"stimulus":{"concurrency":4}},"input":{"goodput":{"time_to_first_token":80.0}}}}`

const aiperfLines = `{"metadata":{"request_start_ns":1000000000,"request_end_ns":9000000000,"benchmark_phase":"warmup","was_cancelled":false},"metrics":{"request_latency":{"value":8000,"unit":"ms"}}}
{"metadata":{"request_start_ns":10000000000,"request_end_ns":10500000000,"benchmark_phase":"profiling","was_cancelled":false},"metrics":{"request_latency":{"value":500,"unit":"ms"},"time_to_first_token":{"unit":"ms","value":100},"inter_token_latency":{"value":20,"unit":"ms"},"inter_chunk_latency":{"value":[20,40],"unit":"ms"},"input_sequence_length":{"value":100,"unit":"tokens"},"output_sequence_length":{"value":21,"unit":"tokens"}},"error":null}
{"metadata":{"request_start_ns":10500000000,"request_end_ns":10501000000,"benchmark_phase":"profiling","was_cancelled":false},"metrics":{},"error":{"code":500,"type":"x","message":"y"}}
{"metadata":{"request_start_ns":11000000000,"request_end_ns":12000000000,"benchmark_phase":"profiling","was_cancelled":false},"metrics":{"request_latency":{"value":0.7,"unit":"sec"},"time_to_first_token":{"value":200,"unit":"ms"},"input_sequence_length":{"value":200,"unit":"tokens"},"output_sequence_length":{"value":31,"unit":"tokens"}}}
`

const aiperfTable = `Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std
Request Latency (ms),664.00,275.80,1040.00,,357.00,,,,668.00,,,,990.00,121.70
Time to First Token (ms),72.40,58.00,86.65,,,,,,72.50,,,,86.30,5.98
Input Sequence Length (tokens),141.20,22.00,276.00,,,,,,139.00,,,,,
Output Sequence Length (tokens),48.30,17.00,78.00,,,,,,49.50,,,,,

Metric,Value
Benchmark Duration (sec),29.53
Request Count,116.00
Request Throughput (requests/sec),3.87
`

func TestAIPerfResultsAreRead(t *testing.T) {
	check(t, []reading{
		{
			name: "the unit is authoritative", file: "a.json", text: aiperf, id: "small/in141/out48/r4",
			want: map[string]float64{
				"ttft 0.5": .0725, "tpot mean": .0125, "itl mean": .0125, "itl 0.5": .0123, "itl count": 5486, "e2e 0.01": .357, "e2e stddev": .1217,
				"ok": 116, "failed": 3, "rate": 3.9, "duration": 29.5, "good": 1.5,
			},
		},
		{
			name: "a point of a sweep", file: "a.json", id: "small/in141/out48/c16", want: map[string]float64{"ok": 116},
			text: strings.NewReplacer(`"type":"poisson","rate":4.0`, `"type":"concurrency"`, `"was_cancelled"`, `"run_info":{"variation_values":{"phases.profiling.concurrency":16}},"was_cancelled"`).Replace(aiperf),
		},
		{
			name: "the older configuration", file: "a.json", id: "small/in141/out48/c8", want: map[string]float64{"ok": 116},
			text: beforeConfig + `"input_config":{"endpoint":{"model_names":["small"]},"loadgen":{"concurrency":8}}}`,
		},
		{
			name: "not streamed", file: "a.json", id: "small/in141/out48/r4", want: map[string]float64{"e2e 0.5": .668},
			text:    strings.NewReplacer(`"time_to_first_token":{"unit":"ms"`, `"x":{"unit":"ms"`, `"inter_token_latency"`, `"y"`, `"inter_chunk_latency"`, `"z"`).Replace(aiperf),
			without: []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.ITL},
		},
		{
			name: "somebody ended the run", file: "a.json", text: strings.Replace(aiperf, `"was_cancelled":false`, `"was_cancelled":true`, 1), id: "small/in141/out48/r4",
			want: map[string]float64{"ok": 116}, flags: []baseline.Flag{baseline.Cancelled},
		},
		{
			name: "requests without warm-up and failures", file: "p.jsonl", text: aiperfLines, facts: importer.Facts{Model: "small", Concurrency: 1}, id: "small/in150/out26/c1",
			want: map[string]float64{
				"ok": 2, "failed": 1, "e2e mean": .6, "e2e max": .7, "ttft mean": .15, "tpot count": 1, "tpot mean": .02, "itl count": 2, "itl max": .04, "duration": 2, "concurrency": .6,
			},
		},
		{
			name: "the table, with cells that are blank", file: "a.csv", text: aiperfTable, facts: toldLoad, id: "small/in141/out48/r4",
			want: map[string]float64{"e2e 0.99": .99, "ttft 0.5": .0725, "ok": 116, "duration": 29.53}, without: []baseline.Name{baseline.TPOT},
		},
		{
			name: "GenAI-Perf", file: "g.json", text: genaiperf, id: "small/in249/out64/c4",
			want: map[string]float64{"ttft 0.5": .1172, "tpot 0.5": .0122, "e2e mean": .885, "good": 1.3, "ok": 100},
		},
	})
}

// beforeConfig is aiperf without its configuration.
var beforeConfig, _, _ = strings.Cut(aiperf, `"input_config"`)

var toldLoad = importer.Facts{Model: "small", Rate: 4}

func TestAIPerfResultsAreRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"the warm-up of a run", "a.json", strings.NewReplacer(`"kind":"warmup",`, `"kind":"warmup","requests":116,`, `"kind":"profiling",`, `"kind":"profiling","requests":500,`).Replace(aiperf), importer.Facts{}, "", []string{"request_count", "those of the warm-up"}},
		{"two summaries in one file", "a.json", aiperf + "\n" + aiperf, importer.Facts{}, "", []string{"want the end of the file: a result is one document"}},
		{"an unknown unit", "a.json", strings.Replace(aiperf, `"unit":"us"`, `"unit":"fortnights"`, 1), told, "", []string{`inter_chunk_latency.unit: "fortnights"; want a unit of time`}},
		{"only warm-up", "p.jsonl", strings.SplitAfter(aiperfLines, "\n")[0], told, "", []string{"no request of the phase profiling succeeded"}},
		{"a line cut", "p.jsonl", aiperfLines[:900], told, "", []string{"p.jsonl, line 4, metadata: the end of the file"}},
		{"a raw profile", "p.json", `{"experiments":[{"experiment":{"mode":"concurrency","value":4},"requests":[]}]}`, told, "", []string{"profile_export_genai_perf.json"}},
	})
}
