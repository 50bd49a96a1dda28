package live

import (
	"bytes"
	"strings"
	"testing"
)

func TestTableTellsTheWeightiestFindings(t *testing.T) {
	ratio := new(1.31)
	long := "TTFT is 1.31 × the load test (1.18–1.46) since 14:05. A service as fast as the load test + 10 % would look this bad less than once in 41 days."
	for _, tt := range []struct {
		name string
		in   []Finding
		want string
	}{
		{"nothing to tell", nil, ""},
		{"nothing that was compared", []Finding{{Source: "canary", Probe: "chat", Indicator: "ttft", Outside: "outside the tested range", Sentence: "TTFT: outside the tested range."}}, ""},
		{"a sentence that is longer than a line", []Finding{{Source: "canary", Probe: "chat", Indicator: "ttft", Ratio: ratio, Alarm: true, Sentence: long}},
			"beside the load test\n" +
				"    canary chat: TTFT is 1.31 × the load test (1.18–1.46) since 14:05. A service\n" +
				"        as fast as the load test + 10 % would look this bad less than once in 41\n" +
				"        days."},
		{"alarms first, then by indicator, and no more than a few", []Finding{
			{Source: "canary", Probe: "chat", Indicator: "e2e", Ratio: ratio, Alarm: true, Sentence: "1."},
			{Source: "canary", Probe: "chat", Indicator: "ms_per_token", Ratio: ratio, Sentence: "6."},
			{Source: "canary", Probe: "chat", Indicator: "tpot", Ratio: ratio, Sentence: "4."},
			{Source: "canary", Probe: "chat", Indicator: "ttft", Ratio: ratio, Sentence: "2."},
			{Source: "production", Model: "gpt-x", Indicator: "tpot", Ratio: ratio, Sentence: "5."},
			{Source: "production", Model: "gpt-x", Indicator: "ttft", Ratio: ratio, Sentence: "3."},
		}, "beside the load test\n    canary chat: 1.\n    canary chat: 2.\n    production of gpt-x: 3.\n    canary chat: 4."},
	} {
		if got := strings.Join(drifting(tt.in, 80), "\n"); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestLineTellsAlarmsAlone(t *testing.T) {
	f := frameOf(watched())
	f.Drift = []Finding{
		{Source: "canary", Probe: "chat", Indicator: "ttft", Ratio: new(1.314), Alarm: true, Sentence: "long"},
		{Source: "production", Model: "gpt-x", Indicator: "ttft", Ratio: new(1.02), Sentence: "long"},
	}
	var line bytes.Buffer
	if f.writeLine(&line); !strings.HasSuffix(line.String(), ", canary chat TTFT 1.31 × the load test\n") {
		t.Errorf("it wrote %s", &line)
	}
}
