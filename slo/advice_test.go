package slo_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/slo"
)

func TestALimitOnTokensOfAnOperationThatNeverStreamsIsNotAdvisedToStream(t *testing.T) {
	const file = "slos:\n  - {name: a, match: {operation: embeddings}, objective: 99, window: 30d, good: {ttft: 500ms}}\n"
	_, warnings, err := slo.Parse("f", strings.NewReader(file))
	if err != nil || len(warnings) != 1 {
		t.Fatalf("%v, %v", warnings, err)
	}
	if got := warnings[0].Error(); !strings.Contains(got, "answers to embeddings never stream") || strings.Contains(got, "stream: true") {
		t.Error(got)
	}
}

// With match: first, an SLO never judges if an earlier one matches all that it matches.
func TestAnSLOThatAnEarlierOneCoversIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		earlier, later string
		dead           bool
	}{
		{"{}", "{model: x}", true},
		{"{model: '*'}", "{model: 'gpt-*', stream: true}", true},
		{"{model: 'gpt-*'}", "{model: 'gpt-4o*'}", true},
		{"{model: 'gpt-4o*'}", "{model: 'gpt-*'}", false},
		{"{model: 'gpt-*'}", "{}", false},
		{"{operation: chat}", "{operation: chat, upstream: 'api.openai.com:443'}", true},
		{"{operation: chat}", "{operation: embeddings}", false},
		{"{upstream: api.openai.com}", "{upstream: 'api.openai.com:443'}", true},
		{"{upstream: 'api.openai.com:443'}", "{upstream: api.openai.com}", false},
		{"{stream: true}", "{}", false},
		{"{input_tokens: ..4000}", "{input_tokens: ..1000}", true},
		{"{input_tokens: ..4000}", "{model: x}", false},
	} {
		for first, wanted := range map[string]bool{"match: first\n": c.dead, "": false} {
			file := first + "slos:\n- {name: a, match: " + c.earlier + ", objective: 99, window: 30d}\n- {name: b, match: " + c.later + ", objective: 90, window: 30d}\n"
			_, warnings, err := slo.Parse("f", strings.NewReader(file))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			dead := len(warnings) > 0 && strings.Contains(warnings[0].Error(), "it never judges")
			if dead != wanted {
				t.Errorf("%s: warnings %v", file, warnings)
			}
		}
	}
}
