//go:build interop

package baseline_test

import (
	"fmt"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// inputTokens is the length of the prompts that tools of LLM traffic make themselves.
const inputTokens = 128

// llmTools lists the tools that read tokens from the stream.
func llmTools() []loadTool {
	return []loadTool{
		{name: "sglang", slow: true, drive: sglang, readings: []reading{
			{files: []string{"out.jsonl"}, flags: []string{"--model", model}, against: streamed(), numbers: []own{
				{baseline.TTFT, .5, `"median_ttft_ms": ([0-9.]+)`, 1e3}, {baseline.TPOT, .99, `"p99_tpot_ms": ([0-9.]+)`, 1e3},
				{baseline.ITL, 0, `"mean_itl_ms": ([0-9.]+)`, 1e3}, {baseline.E2E, .5, `"median_e2e_latency_ms": ([0-9.]+)`, 1e3},
			}},
			{files: []string{"console.txt"}, flags: []string{"--model", model}, against: streamed()},
		}},
	}
}

func sglang(s *stage) {
	s.inputs = []string{"--input-tokens", fmt.Sprint(inputTokens)}
	s.run("console.txt", interop.Tool(s.T, "python-sglang/bin/python"), interop.Driver(s.T, "loadtests/sglang_serving.py"), "--base-url", s.url, "--backend", "vllm-chat",
		"--model", model, "--tokenizer", interop.Driver(s.T, "loadtests/tokenizer"), "--dataset-name", "random-ids", "--random-range-ratio", "1.0",
		"--random-input-len", fmt.Sprint(inputTokens), "--random-output-len", fmt.Sprint(outputTokens), "--num-prompts", fmt.Sprint(requests),
		"--max-concurrency", fmt.Sprint(clients), "--warmup-requests", "0", "--disable-tqdm", "--output-details", "--output-file", "out.jsonl")
}
