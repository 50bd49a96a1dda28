package slo_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/slo"
)

func TestWriteIsReadBackToTheSame(t *testing.T) {
	const file = `match: first
slos:
  - name: chat
    match: {operation: chat, model: "gpt-4o*", upstream: "*.openai.com", stream: true, header: {X-Team: "a: *"}, input_tokens: 1001..8000}
    objective: 99.95
    window: 4w
    good: {ttft: 500ms, ttft_per_input_token: 250us, ttfa: 5s, tpot: 50ms, itl_p50: 40ms, itl_p90: 1m, itl_p99: 1h, stall: 1m30s, silence: 15s, e2e: 20s, e2e_per_output_token: 80ms}
    exclude: [client_gone, 400, drained]
    judge: attempt
    alerting: {page: true, min_requests: 0, by: [cluster, namespace], runbook: https://example.com/r, dashboard: https://example.com/d,
      labels: {team: chat, "yes": "no"}, annotations: {note: "one\ntwo"}}
  - {name: a.b_c, objective: 50, window: 36h, match: {stream: false, input_tokens: ..10}, judge: chain, alerting: {ticket: true}}
  - {name: d, objective: 99, window: 1h, match: {input_tokens: 10..}}
`
	want, _, err := slo.Parse("a.yaml", strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := slo.Write(&text, want); err != nil {
		t.Fatal(err)
	}
	got, _, err := slo.Parse("b.yaml", bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text.String())
	}
	if got.First != want.First || len(got.SLOs) != len(want.SLOs) {
		t.Fatalf("got %d SLOs, first %t, from:\n%s", len(got.SLOs), got.First, text.String())
	}
	for i := range want.SLOs {
		if !want.SLOs[i].Equal(&got.SLOs[i]) {
			t.Errorf("%s came back as %+v from:\n%s", want.SLOs[i].Name, got.SLOs[i], text.String())
		}
	}
}
