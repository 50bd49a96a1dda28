//go:build interop

package baseline_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// untried is a tool that headway reads and that the test of fresh files does not drive.
type untried struct{ tool, why string }

// missing lists the tools whose files are read, and made by others.
func missing() []untried {
	const (
		noPackage = "it is on GitHub only: no package registry has it"
	)
	return []untried{
		{"vllm", "its wheel has 336 MB, and importing the package imports torch"},
		{"guidellm", "it is in PyPI; it did not install in 15 minutes here"},
		{"aiperf", "it is in PyPI; version 0.13.0 brings 137 other packages, 861 MB together, which took pip 15 minutes on a busy machine with two cores"},
		{"genai-perf", "it runs the program perf_analyzer: the package of that name in PyPI, 0.1.0, has only a function that prints hello"},
		{"inference-perf", "PyPI has no version of it for the Python that was tried, 3.11"},
		{"azure-openai-benchmark", noPackage},
		{"llmperf", noPackage + "; the package llmperf of PyPI is another tool"},
		{"wrk2", noPackage},
		{"oha", "it is in crates.io; version 1.16.0 needs Rust 1.88, newer than in Debian 12, and was not built after 25 minutes and 4 minutes of CPU on a busy machine with two cores"},
		{"mlperf", "LoadGen is a library: a driver of it would be a tool of our own"},
	}
}

// Every tool that headway reads is either driven or on the list of missing tools.
func TestInteropEachToolIsDrivenOrMissing(t *testing.T) {
	accounted := []string{"headway", "csv"} // a capture, and a table of the user's own
	for _, one := range loadTools() {
		name, _, _ := strings.Cut(one.name, ",")
		accounted = append(accounted, name)
	}
	for _, one := range missing() {
		if slices.Contains(accounted, one.tool) {
			t.Errorf("%s is driven, and the list says that it is not", one.tool)
		}
		accounted = append(accounted, one.tool)
	}
	for _, tool := range importer.Tools() {
		if !slices.Contains(accounted, tool) {
			t.Errorf("nothing says why no test drives %s", tool)
		}
	}
}
