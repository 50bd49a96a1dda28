package main

import (
	"bytes"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// The rules of deploy/compose are those of the demo's SLOs, which compose.yaml runs.
func TestRulesOfTheComposeFileAreTheDemos(t *testing.T) {
	var out, problems bytes.Buffer
	if err := runRules(t.Context(), []string{"--slo", "demo.slo.yaml"}, &out, &problems); err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	golden.Check(t, "../../deploy/compose/slo.rules.yaml", out.String())
}
