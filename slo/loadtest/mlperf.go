package loadtest

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Benchmark is a workload of MLPerf Inference with its limits. The 99th percentile of each
// has to keep its limit.
type Benchmark struct {
	Name       string // the model and the scenario, as MLCommons names them
	TTFT, TPOT time.Duration
}

// MLPerfObjective is the percent of requests that have to keep each limit.
const MLPerfObjective = 99

// MLPerf lists the benchmarks of MLPerf Inference with limits on tokens. Source: the table
// of latency constraints in mlcommons/inference_policies ac93e89, inference_rules.adoc.
func MLPerf() []Benchmark {
	const ms = time.Millisecond
	return []Benchmark{
		{"llama2-70b/server", 2000 * ms, 200 * ms},
		{"llama2-70b/interactive", 450 * ms, 40 * ms},
		{"llama3.1-8b/server", 2000 * ms, 100 * ms},
		{"llama3.1-8b/interactive", 500 * ms, 30 * ms},
		{"llama3.1-405b/server", 6000 * ms, 175 * ms},
		{"llama3.1-405b/interactive", 4500 * ms, 80 * ms},
		{"mixtral-8x7b/server", 2000 * ms, 200 * ms},
		{"deepseek-r1/server", 2000 * ms, 80 * ms},
		{"deepseek-r1/interactive", 1500 * ms, 15 * ms},
		{"gpt-oss-120b/server", 3000 * ms, 80 * ms},
		{"gpt-oss-120b/interactive", 2000 * ms, 20 * ms},
	}
}

// FindMLPerf returns the benchmark of a name.
func FindMLPerf(name string) (Benchmark, error) { return find(name, MLPerf()) }

// Objectives are the limits of b.
func (b Benchmark) Objectives() slo.Objectives {
	return slo.Objectives{{Indicator: exchange.TTFT, Limit: b.TTFT}, {Indicator: exchange.TPOT, Limit: b.TPOT}}
}
