package report_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

func tableOf(t *testing.T, s report.Summary) string {
	t.Helper()
	var out strings.Builder
	if err := s.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// jsonOf returns the fields of the summary of all traffic, as a program reads them.
func jsonOf(t *testing.T, s report.Summary) map[string]any {
	t.Helper()
	text, err := json.Marshal(s.All)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// counted is a stream whose usage nobody reported: headway counted its chunks, and knows
// nothing of the prompt.
func counted(after time.Duration, output int64) capture.Line {
	l := success(after, .2, .02, 2)
	l.Tokens = capture.Tokens{Output: &output, Source: "counted"}
	return l
}

func untold(after time.Duration) capture.Line {
	l := success(after, .2, 0, 2)
	l.Tokens, l.ITL = capture.Tokens{}, nil
	return l
}

func TestASumOfUnknownTokensIsUnknown(t *testing.T) {
	embeddings := success(0, 0, 0, 2)
	embeddings.Operation, embeddings.Stream, embeddings.ITL, embeddings.Tokens.Output = "embeddings", false, nil, nil
	tests := []struct {
		name                 string
		in                   []capture.Line
		input, output        string // of the table
		outputRate, rate     string
		jsonInput, jsonTotal any
	}{
		{
			"all reported", []capture.Line{success(0, .2, .02, 2)}, "100", "50", "25.00", "75.00", 100., 150.,
		},
		{
			"none reported", []capture.Line{counted(0, 40), counted(0, 60)},
			"- (requests: 2 unknown)", "100 (requests: 2 counted)", "50.00", "-", nil, nil,
		},
		{
			"some reported", []capture.Line{success(0, .2, .02, 2), counted(0, 60), untold(0)},
			"100 (requests: 1 reported, 2 unknown)", "110 (requests: 1 reported, 1 counted, 1 unknown)",
			"55.00 (of 2 of 3 requests)", "- (known of 1 of 3 requests)", 100., 150.,
		},
		{"none known", []capture.Line{untold(0)}, "- (requests: 1 unknown)", "- (requests: 1 unknown)", "-", "-", nil, nil},
		{"embeddings, which have no output", []capture.Line{embeddings}, "100", "-", "-", "50.00", 100., 100.},
		{"no successful request", []capture.Line{failure(0, exchange.Refused, 2)}, "-", "-", "-", "-", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := summarize(report.ByNothing, nil, tt.in)
			table := tableOf(t, s)
			for label, want := range map[string]string{
				"Total input tokens": tt.input, "Total generated tokens": tt.output,
				"Output token throughput (tok/s)": tt.outputRate, "Total token throughput (tok/s)": tt.rate,
			} {
				if row := fmt.Sprintf("%-40s %s\n", label+":", want); !strings.Contains(table, row) {
					t.Errorf("no row %q in\n%s", row, table)
				}
			}
			if unknown := strings.Contains(tt.input, "unknown"); unknown != strings.Contains(table, "include_usage: true") {
				t.Errorf("input %s, but the table says how to get usage: %v", tt.input, !unknown)
			}
			fields := jsonOf(t, s)
			input, total := fields["input_tokens"].(map[string]any)["sum"], fields["total_tokens"].(map[string]any)["sum"]
			if input != tt.jsonInput || total != tt.jsonTotal {
				t.Errorf("JSON: input %v, total %v; want %v, %v", input, total, tt.jsonInput, tt.jsonTotal)
			}
		})
	}
}

func TestAFigureWithoutDataIsNeverZero(t *testing.T) {
	instant := failure(0, exchange.Refused, 0)
	s := summarize(report.ByNothing, slo.Objectives{limit(exchange.TTFT, time.Second)}, []capture.Line{instant})
	fields := jsonOf(t, s)
	for _, name := range []string{
		"request_throughput", "output_token_throughput", "total_token_throughput", "mean_concurrency",
		"ttft_s", "tpot_s", "e2e_s", "failed_e2e_s", "client_gone_e2e_s", "itl_p50_s", "itl_p99_s", "itl_max_s",
	} {
		if v, there := fields[name]; !there || v != nil {
			t.Errorf("%s is %v, want null", name, v)
		}
	}
	table := tableOf(t, s)
	if strings.Contains(table, "0.00 (of") || strings.Contains(table, "(ms):                            0.00") {
		t.Errorf("a figure without data is 0 in\n%s", table)
	}
	for _, row := range []string{"Request throughput (req/s)", "P99 TTFT (ms)", "Mean E2EL (ms)", "Max ITL (ms)"} {
		if want := fmt.Sprintf("%-40s -\n", row+":"); !strings.Contains(table, want) {
			t.Errorf("no row %q in\n%s", want, table)
		}
	}
}

func TestACaptureOfTunnelsAloneHasNoDuration(t *testing.T) {
	tunnel := success(0, 5, 5, 3600)
	tunnel.Mode = string(exchange.Upgraded)
	s := summarize(report.ByNothing, nil, []capture.Line{tunnel})
	text, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(text), `{"duration_s":null,"canaries":0,"tunnels":1,`) {
		t.Errorf("%s, %v", text, err)
	}
	if table := tableOf(t, s); !strings.Contains(table, fmt.Sprintf("%-40s -\n", "Duration (s):")) {
		t.Errorf("it has a duration in\n%s", table)
	}
}

func TestFailuresDoNotMakeLatencyBetter(t *testing.T) {
	lines := []capture.Line{success(0, .2, .02, 2), success(0, .2, .02, 4)}
	before := summarize(report.ByNothing, nil, lines).All
	for _, outcome := range exchange.Outcomes()[1:] {
		lines = append(lines, failure(time.Second, outcome, .001))
	}
	after := summarize(report.ByNothing, nil, lines).All
	if before.E2E.P50 != after.E2E.P50 || after.E2E.Count != 2 {
		t.Errorf("E2E is %+v, and was %+v without failures", after.E2E, before.E2E)
	}
	if after.FailedE2E.Count != len(exchange.Outcomes())-2 || after.FailedE2E.P50 != .001 || after.LeftE2E.Count != 1 {
		t.Errorf("failed %+v, left %+v", after.FailedE2E, after.LeftE2E)
	}
}

func TestConnectionsThatHeadwayCouldNotReadAreLeftOut(t *testing.T) {
	for _, mode := range []exchange.Mode{exchange.Upgraded, exchange.Sealed, exchange.Raw} {
		tunnel := success(time.Second, 5, 5, 3600)
		tunnel.Mode = string(mode)
		s := summarize(report.ByModel, slo.Objectives{limit(exchange.E2E, 20*time.Second)}, []capture.Line{success(0, .2, .02, 2), tunnel})
		if s.Tunnels != 1 || s.All.Exchanges != 1 || *s.Duration != 2 || s.All.Goodput.Counted != 1 || len(s.Groups) != 1 {
			t.Errorf("%s: %d left out, %d exchanges within %v s, %d judged", mode, s.Tunnels, s.All.Exchanges, *s.Duration, s.All.Goodput.Counted)
		}
		if text := tableOf(t, s); !strings.Contains(text, "Left out, connections that headway could not read: 1.\n") {
			t.Errorf("%s: the table does not say so:\n%s", mode, text)
		}
	}
}

func TestPercentilesOfFewSamplesAreMarked(t *testing.T) {
	for _, tt := range []struct {
		samples int
		few     []string
	}{
		{1, []string{"p90", "p95", "p99"}},
		{9, []string{"p90", "p95", "p99"}},
		{10, []string{"p95", "p99"}},
		{20, []string{"p99"}},
		{99, []string{"p99"}},
		{100, nil},
	} {
		var lines []capture.Line
		for range tt.samples {
			lines = append(lines, success(0, .2, .02, 2))
		}
		s := summarize(report.ByNothing, nil, lines)
		if !slices.Equal(s.All.TTFT.FewSamples, tt.few) {
			t.Errorf("%d samples: too few for %v, want %v", tt.samples, s.All.TTFT.FewSamples, tt.few)
		}
		table := tableOf(t, s)
		marked := strings.Contains(table, fmt.Sprintf("%-40s 200.00 *\n", "P99 TTFT (ms):"))
		explained := strings.Contains(table, "* few samples: fewer than 10 for a P90, 20 for a P95, 100 for a P99.\n")
		if want := slices.Contains(tt.few, "p99"); marked != want || explained != want {
			t.Errorf("%d samples: marked %v, explained %v, want %v", tt.samples, marked, explained, want)
		}
	}
}

func TestAnObjectiveThatJudgedNothingIsNamed(t *testing.T) {
	whole := success(0, 0, 0, 2)
	whole.Stream, whole.ITL = false, nil
	o := slo.Objectives{limit(exchange.TTFT, time.Second), limit(exchange.TPOT, time.Second), limit(exchange.ITLP99, time.Second), limit(exchange.E2E, time.Hour)}
	s := summarize(report.ByNothing, o, []capture.Line{whole})
	if want := []string{"ttft", "tpot", "itl_p99"}; !slices.Equal(s.All.Goodput.Unjudged, want) {
		t.Errorf("unjudged %v, want %v", s.All.Goodput.Unjudged, want)
	}
	if text := tableOf(t, s); !strings.Contains(text, "Objective that judged nothing:           tpot: no request has such a value\n") {
		t.Errorf("the table does not say so:\n%s", text)
	}
	s = summarize(report.ByNothing, o, []capture.Line{success(0, .2, .02, 2)})
	if len(s.All.Goodput.Unjudged) > 0 {
		t.Errorf("unjudged %v, though there was a value of each", s.All.Goodput.Unjudged)
	}
}

// TestSumsSayHowManyCountsAreEstimates, of the input and of the output apart. A total is as
// sure as the less sure of the two.
func TestSumsSayHowManyCountsAreEstimates(t *testing.T) {
	counted, guessed, begun := success(0, .2, .02, 2), success(time.Second, .2, .02, 2), success(2*time.Second, .2, .02, 2)
	counted.Tokens.Source, counted.Tokens.InputSource = "counted", "estimated"
	guessed.Tokens.Source, guessed.Tokens.InputSource = "estimated", "estimated"
	begun.Tokens.Source, begun.Tokens.InputSource = "estimated", "running"
	s := summarize(report.ByNothing, slo.Objectives{limit(exchange.TTFTPerInputToken, ms)}, []capture.Line{counted, guessed, begun})
	for name, tt := range map[string]struct{ got, want map[string]int }{
		"input":  {s.All.InputTokens.Sources, map[string]int{"estimated": 2, "running": 1}},
		"output": {s.All.OutputTokens.Sources, map[string]int{"estimated": 2, "counted": 1}},
		"total":  {s.All.TotalTokens.Sources, map[string]int{"estimated": 3}},
	} {
		if !maps.Equal(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
	if missed := s.All.Goodput.Missed["ttft_per_input_token"]; missed != 1 {
		t.Errorf("%d missed a limit on tokens of input, want the one whose provider told", missed)
	}
	var table strings.Builder
	if err := s.WriteTable(&table); err != nil || !strings.Contains(table.String(), "(requests: 1 counted, 2 estimated)") {
		t.Errorf("%v\n%s", err, table.String())
	}
}
