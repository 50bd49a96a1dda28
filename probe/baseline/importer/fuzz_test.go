package importer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// fuzz reads any text as a result of the tool. Whatever is read can be written and read
// back; whatever is refused gives no cells.
func fuzz(f *testing.F, tool string, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := importer.Options{Tool: tool, Facts: told}
		b, err := importer.Import([]importer.File{{Name: "x", Body: strings.NewReader(text)}}, o)
		if err != nil {
			if len(b.Cells) > 0 {
				t.Errorf("cells beside the error %v", err)
			}
			return
		}
		var out bytes.Buffer
		if err := baseline.Write(&out, b); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := baseline.Read(&out); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

func FuzzVLLM(f *testing.F) {
	fuzz(f, "vllm", strings.ReplaceAll(vllmDefault, "100", "256"), vllmDetailed, vllmConsole, "["+vllmDetailed+"]")
}
func FuzzSGLang(f *testing.F) { fuzz(f, "sglang", sglangLine, "Backend: x\n"+vllmConsole) }
func FuzzGuideLLM(f *testing.F) {
	fuzz(f, "guidellm", guidellm, guidellmTable, "benchmarks:\n- metrics: {}\n")
}
func FuzzAzure(f *testing.F) {
	fuzz(f, "azure-openai-benchmark", azureHuman, azureStderr, azureLog()[:3000])
}
func FuzzInferencePerf(f *testing.F) {
	fuzz(f, "inference-perf", inferencePerf, inferencePerfReqs, "load_summary: {requested_rate: 4}\nsuccesses: {count: 1, latency: {request_latency: {mean: 1}}}\n", "load:\nserver: {model_name: x}\n")
}
func FuzzLLMPerf(f *testing.F)   { fuzz(f, "llmperf", llmperfSum, llmperfReqs) }
func FuzzAIPerf(f *testing.F)    { fuzz(f, "aiperf", aiperf, aiperfLines, aiperfTable) }
func FuzzGenAIPerf(f *testing.F) { fuzz(f, "genai-perf", genaiperf) }
func FuzzK6(f *testing.F)        { fuzz(f, "k6", k6Export, k6Handle, k6New, k6Lines, k6Table) }
func FuzzJMeter(f *testing.F) {
	fuzz(f, "jmeter", jmeterTable, headless, jmeterTree, jmeterSums, jmeterListener, "PK\x03\x04")
}
func FuzzLocust(f *testing.F) { fuzz(f, "locust", locustTable) }
func FuzzHey(f *testing.F)    { fuzz(f, "hey", heyTable, heyPage) }
func FuzzOha(f *testing.F)    { fuzz(f, "oha", ohaPage, ohaSum) }
func FuzzVegeta(f *testing.F) {
	fuzz(f, "vegeta", vegetaSum, vegetaPage, vegetaDistribution, vegetaLines, vegetaTable)
}
func FuzzWrk(f *testing.F)     { fuzz(f, "wrk", wrkPage) }
func FuzzWrk2(f *testing.F)    { fuzz(f, "wrk2", wrk2Page) }
func FuzzAB(f *testing.F)      { fuzz(f, "ab", abPage, abTable) }
func FuzzSiege(f *testing.F)   { fuzz(f, "siege", siege) }
func FuzzMLPerf(f *testing.F)  { fuzz(f, "mlperf", mlperfLog) }
func FuzzCapture(f *testing.F) { fuzz(f, "headway", captured) }
func FuzzTidyCSV(f *testing.F) { fuzz(f, "csv", tidy) }
