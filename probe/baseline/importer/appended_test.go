package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// A shell appends what a tool prints, or a script names one output file in every step of a
// sweep. Each run is a cell then.
func TestRunsAppendedToAFileAreACellEach(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		facts      importer.Facts
		what       string
		want       []float64
	}{
		{"vllm", vllmDetailed + vllmDetailed, importer.Facts{}, "ok", []float64{3, 3}},
		{"vllm's console", vllmConsole + "\nsome log\n" + strings.Replace(vllmConsole, "100 ", "50 ", 1), importer.Facts{Model: "small"}, "ok", []float64{100, 50}},
		{"sglang", sglangLine + "\n" + sglangLine, importer.Facts{Model: "small"}, "ok", nil},
		{"azure", azureLog() + azureLog(), told, "duration", []float64{180, 180}},
		{"azure's form for people", azureHuman + azureHuman, told, "duration", []float64{3, 3}},
		{"hey", heyPage + strings.Replace(heyPage, "[200]\t120", "[200]\t60", 1), told, "ok", []float64{120, 60}},
		{"oha", ohaPage + ohaPage, told, "ok", []float64{40, 40}},
		{"oha's JSON", ohaSum + "\n" + ohaSum, told, "ok", []float64{100, 100}},
		{"vegeta", vegetaSum + "\n" + vegetaSum + "\n", told, "ok", []float64{98, 98}},
		{"vegeta's page", vegetaPage + vegetaPage, told, "ok", []float64{98, 98}},
		{"wrk, swept", wrkPage + strings.Replace(wrkPage, "4 connections", "8 connections", 1), importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}, "ok", []float64{100, 100}},
		{"wrk2", wrk2Page + wrk2Page, told, "ok", []float64{120, 120}},
		{"ab, swept", abPage + strings.Replace(abPage, "Level:      4", "Level:      8", 1), importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}, "ok", []float64{90, 90}},
		{"siege", siege + "\n" + siege, told, "ok", []float64{80, 80}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := imported(t, "x", tt.text, tt.facts)
			if len(b.Cells) != 2 {
				t.Fatalf("%d cells", len(b.Cells))
			}
			for i, want := range tt.want {
				if got, _ := figure(&b.Cells[i], tt.what); got != want {
					t.Errorf("%s of cell %d is %v, want %v", tt.what, i, got, want)
				}
			}
		})
	}
}

// Where a file cannot be cut into its runs, it is refused.
func TestTwoRunsThatCannotBeToldApartAreRefused(t *testing.T) {
	const two = "two runs in one file"
	const document = "want the end of the file: a result is one document"
	checkRefusals(t, []refusal{
		{"hey's CSV", "x", heyTable + heyTable, told, "", []string{"x, line 5: the names of the columns once more: " + two}},
		{"Locust's CSV", "x", locustTable + locustTable, told, "", []string{two}},
		{"k6's CSV", "x", k6Table + k6Table, told, "", []string{two}},
		{"a tidy table", "x", tidy + tidy, told, "", []string{two}},
		{"AIPerf's CSV", "x", aiperfTable + aiperfTable, told, "", []string{two}},
		{"AIPerf's JSON", "x", aiperf + aiperf, told, "", []string{document}},
		{"GuideLLM's JSON", "x", guidellm + guidellm, told, "", []string{document}},
		{"inference-perf's JSON", "x", inferencePerf + inferencePerf, told, "", []string{document}},
		{"llmperf's JSON", "x", llmperfSum + llmperfSum, told, "", []string{document}},
		{"k6's JSON", "x", k6Export + k6Export, told, "", []string{document}},
	})
}
