package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const captured = `{"v":1,"start":"2026-11-21T10:00:00Z","origin":"app","role":"client","mode":"explicit","operation":"chat","model":{"request":"small"},"upstream":"x:443","stream":true,"status":200,"outcome":"ok","error_type":"","first_byte_s":0.1,"ttft_s":0.2,"tpot_s":0.02,"e2e_s":2,"tokens":{"input":200,"output":100,"source":"reported"},"bytes":{"in":1,"out":2}}
{"v":1,"start":"2026-11-21T10:00:01Z","origin":"canary","role":"client","mode":"explicit","operation":"chat","model":{"request":"small"},"upstream":"x:443","stream":true,"status":200,"outcome":"ok","error_type":"","ttft_s":9,"e2e_s":9,"bytes":{"in":1,"out":2}}
{"v":1,"start":"2026-11-21T10:00:01Z","origin":"app","role":"client","mode":"explicit","operation":"chat","model":{"request":"small"},"upstream":"x:443","stream":true,"status":429,"outcome":"refused","error_type":"429","e2e_s":0.01,"bytes":{"in":1,"out":2}}
{"v":1,"start":"2026-11-21T10:00:02Z","origin":"app","role":"client","mode":"explicit","operation":"chat","model":{"request":"small"},"upstream":"x:443","stream":true,"status":200,"outcome":"ok","error_type":"","first_byte_s":0.1,"ttft_s":0.4,"tpot_s":0.04,"e2e_s":4,"tokens":{"input":400,"output":100,"source":"reported"},"bytes":{"in":1,"out":2}}
`

// mlperfLog has the lines of LoadGen's log that headway reads.
const mlperfLog = `:::MLLOG {"key": "effective_scenario", "value": "Server", "time_ms": 0.1}
:::MLLOG {"key": "effective_target_qps", "value": 4, "time_ms": 0.1}
:::MLLOG {"key": "result_query_count", "value": 93, "time_ms": 0.1}
:::MLLOG {"key": "result_completed_samples_per_sec", "value": 3.9, "time_ms": 0.1}
:::MLLOG {"key": "result_50.00_percentile_latency_ns", "value": 832000000, "time_ms": 0.1}
:::MLLOG {"key": "result_first_token_50.00_percentile_latency_ns", "value": 65000000, "time_ms": 0.1}
:::MLLOG {"key": "result_first_token_mean_latency_ns", "value": 66000000, "time_ms": 0.1}
:::MLLOG {"key": "result_time_per_output_token_99.90_percentile_ns", "value": 12000000, "time_ms": 0.1}
`

// tidy is a table of tool × instance × concurrency, as vendors publish them.
const tidy = `tool,model,input_tokens,output_tokens,concurrency,requests,ttft_p50_ms,itl_p50_ms,output_tokens_per_s
lmi,llama-70b@p4d,1024,256,1,100,120,15.5,64
lmi,llama-70b@p4d,1024,256,16,1600,310,22.5,640.5
`

func TestCapturesAndTablesAreRead(t *testing.T) {
	check(t, []reading{{
		name: "a capture: application traffic that was answered", file: "c.jsonl", text: captured, facts: importer.Facts{Concurrency: 1}, id: "small/in300/out100/c1",
		want: map[string]float64{"ttft mean": .3, "ttfb mean": .1, "tpot mean": .03, "e2e 0.5": 3, "ok": 2, "failed": 1, "duration": 6, "concurrency": 1},
	}})
	check(t, []reading{{
		name: "LoadGen's log", file: "mlperf_log_detail.txt", text: mlperfLog, facts: importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}, id: "small/in256/out64/r4",
		want: map[string]float64{"e2e 0.5": .832, "ttft 0.5": .065, "ttft mean": .066, "tpot 0.999": .012, "ok": 93, "rate": 3.9}, flags: []baseline.Flag{baseline.AskedLengths},
	}})
	if b := imported(t, "c.jsonl", captured+`{"v":1,"start":"2026-11`, importer.Facts{Concurrency: 1}); b.Cells[0].Requests.OK != 2 {
		t.Errorf("a capture that headway is still writing: %+v", b.Cells[0].Requests)
	}
	b := imported(t, "t.csv", tidy, importer.Facts{})
	if len(b.Cells) != 2 || b.Cells[1].ID != "llama-70b@p4d/in1024/out256/c16" || b.Cells[1].Source.Tool != "lmi" {
		t.Fatalf("%+v", b.Cells)
	}
	for what, want := range map[string]float64{"ttft 0.5": .31, "itl 0.5": .0225, "ok": 1600} {
		if got, _ := figure(&b.Cells[1], what); got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if d := b.Cells[1].Indicators[baseline.TTFT].Definition; d.Stop != baseline.Unsaid {
		t.Errorf("a table has the definition %+v", d)
	}
	checkRefusals(t, []refusal{
		{"an unknown column", "t.csv", "model,instance,requests,ttft_p50_ms\n", told, "", []string{"t.csv, line 1, instance: no column that headway knows"}},
		{"a column twice", "t.csv", "requests,ttft_p50_ms,requests\n10,1,20\n", told, "", []string{`line 1, requests: there is "requests" already; want a column once`}},
		{"a median in two units", "t.csv", "requests,ttft_p50_ms,ttft_median_s\n10,1,2\n", told, "", []string{`line 1, ttft_median_s: there is "ttft_p50_ms" already`}},
		{"a clock of no time", "t.csv", "requests,ttft_p50_ms,e2e_stop\n10,1,end_of_body\n", told, "", []string{"line 1, e2e_stop: a clock without a time; want a column with a time beside it: e2e_p50_ms"}},
		{"a clock that starts at no moment", "t.csv", "requests,ttft_p50_ms,ttft_start\n10,1,\n10,1,begin\n", told, "", []string{`t.csv, line 3: indicators.ttft.definition.start: "begin"; want one of [scheduled sending`}},
		{"a figure that is no word of a clock", "t.csv", "requests,ttft_p50_ms,ttft_stops\n10,1,x\n", told, "", []string{"line 1, ttft_stops: no column that headway knows", "ttft_stop"}},
		{"no requests", "t.csv", "model,ttft_p50_ms\nx,1\n", told, "", []string{"line 1, requests: no such column"}},
		{"a word in place of a number", "t.csv", "requests,ttft_p50_ms\n10,fast\n", told, "", []string{`t.csv, line 2, ttft_p50_ms: "fast"; want a number`}},
		{"a model that is missing in one row", "t.csv", "model,requests,ttft_p50_ms\nx,10,1\n,10,1\n", importer.Facts{InputTokens: 1, OutputTokens: 1, Concurrency: 1}, "", []string{"t.csv, line 3, model: the file does not say"}},
		{"LoadGen's summary", "s.txt", "====\nMLPerf Results Summary\n====\n", told, "", []string{"want mlperf_log_detail.txt"}},
		{"LoadGen's log that is cut", "m.txt", mlperfLog[:120], told, "", []string{"m.txt, line 2: no JSON behind"}},
		{"a capture of another version", "c.jsonl", strings.Replace(captured, `"v":1`, `"v":2`, 1), told, "", []string{"c.jsonl, line 1, v: 2; want 1"}},
		{"a capture with a text for a time", "c.jsonl", strings.Replace(captured, `"ttft_s":0.2`, `"ttft_s":"0.2"`, 1), told, "", []string{"c.jsonl, line 1, ttft_s: a string; want a float64"}},
		{"a capture with a torn line", "c.jsonl", captured[:40] + "\n" + captured, told, "", []string{"c.jsonl, line 1: unexpected end of JSON input; want a line that headway wrote"}},
		{"a capture of failures alone", "c.jsonl", strings.ReplaceAll(captured, `"outcome":"ok"`, `"outcome":"refused"`), told, "", []string{"outcome: no exchange of the application"}},
		{"a capture with a broken line", "c.jsonl", captured + "{\"v\":1,\n", told, "", []string{"c.jsonl, line 5"}},
	})
}

// A table that tells its clocks can be held against the tool that has the same.
func TestATableWithClocksIsComparedWithATool(t *testing.T) {
	const head = "model,input_tokens,output_tokens,concurrency,requests,ttft_p25_ms,ttft_p50_ms,ttft_p75_ms,tpot_mean_ms"
	const clocks = ",ttft_start,ttft_stop,ttft_connect,tpot_start,tpot_stop,tpot_over,tpot_connect,tpot_tokens"
	const row, words = "\nsmall,256,64,4,2000,90,100,110,20", ",sending,first_content,new_only,first_content,last_content,request,new_only,usage\n"
	tool := imported(t, "t.csv", head+clocks+row+words, importer.Facts{})
	want := baseline.Definition{
		Start: baseline.FirstContent, Stop: baseline.LastContent, Over: baseline.Request,
		Connect: baseline.ConnectSome, Tokens: baseline.Usage, Percentiles: baseline.Unstated,
	}
	if got := tool.Cells[0].Indicators[baseline.TPOT].Definition; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, tt := range []struct {
		name, table string
		want        baseline.Verdict
	}{
		{"with the same clocks", head + clocks + row + words, baseline.Same},
		{"with another stop", head + ",ttft_start,ttft_stop,ttft_connect" + row + ",sending,first_event,new_only\n", baseline.Incomparable},
		{"without clocks", head + row + "\n", baseline.Incomparable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := baseline.Compare(tool, imported(t, "t.csv", tt.table, importer.Facts{}))
			if got := c.Changes[0]; got.Indicator != baseline.TTFT || got.Verdict != tt.want {
				t.Errorf("%+v, want %s", got, tt.want)
			}
		})
	}
}
