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
