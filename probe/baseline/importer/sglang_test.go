package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const sglangLine = `{"tag": null, "backend": "vllm-chat", "dataset_name": "random-ids", "request_rate": Infinity, "max_concurrency": 4, "random_input_len": 256, "random_output_len": 64, "random_range_ratio": 0.5, "server_info": null, "duration": 10.0, "completed": 10, "total_input_tokens": 1880, "total_output_tokens": 500, "total_output_tokens_retokenized": 500, "request_throughput": 1.0, "mean_e2e_latency_ms": 800.0, "median_e2e_latency_ms": 790.0, "mean_ttft_ms": 94.0, "median_ttft_ms": 92.0, "p90_ttft_ms": 120.0, "p95_ttft_ms": 125.0, "p99_ttft_ms": 126.0, "mean_tpot_ms": 12.3, "median_tpot_ms": 12.2, "p99_tpot_ms": 13.0, "mean_itl_ms": 12.3, "median_itl_ms": 12.2, "p99_itl_ms": 14.0, "concurrency": 0.8}`

func TestSGLangResultsAreRead(t *testing.T) {
	small := importer.Facts{Model: "small"}
	check(t, []reading{
		{
			name: "lengths are those that came, not those that were asked for", file: "s.jsonl", text: sglangLine, facts: small, id: "small/in188/out50/c4",
			want: map[string]float64{"ttft 0.9": .12, "ttft 0.99": .126, "tpot 0.5": .0122, "itl mean": .0123, "e2e mean": .8, "concurrency": .8, "ok": 10},
		},
		{
			name: "the refactored names", file: "s.jsonl",
			text:  strings.NewReplacer("total_input_tokens", "total_input", `"total_output_tokens"`, `"total_output"`).Replace(sglangLine),
			facts: small, id: "small/in188/out50/c4", want: map[string]float64{"ok": 10},
		},
		{
			name: "an output of exactly the asked length that the text does not have", file: "s.jsonl",
			text:  strings.NewReplacer(`"random_range_ratio": 0.5`, `"random_range_ratio": 1.0`, `"total_output_tokens": 500`, `"total_output_tokens": 640`).Replace(sglangLine),
			facts: small, id: "small/in188/out64/c4", want: map[string]float64{"ok": 10}, flags: []baseline.Flag{baseline.AskedTokens},
		},
	})
	if b := imported(t, "s.jsonl", sglangLine+"\n"+sglangLine+"\n", small); len(b.Cells) != 2 || b.Cells[1].ID != "small/in188/out50/c4#2" {
		t.Errorf("two lines are %d cells", len(b.Cells))
	}
}

func TestSGLangResultsAreRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{
			"a run that did not stream", "s.jsonl",
			strings.NewReplacer(`"mean_ttft_ms": 94.0`, `"mean_ttft_ms": 800.0`, `"mean_itl_ms": 12.3`, `"mean_itl_ms": 0.0`).Replace(sglangLine),
			told, "", []string{"mean_ttft_ms: 800.0; want a run without --disable-stream"},
		},
		{"a replayed trace", "s.jsonl", strings.Replace(sglangLine, "Infinity", `"trace"`, 1), told, "", []string{`request_rate: "trace"`}},
		{"the second line is cut", "s.jsonl", sglangLine + "\n" + sglangLine[:300], told, "", []string{"s.jsonl, line 2", "the end of the file"}},
	})
}
