package main

import (
	"bytes"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// chartFiles is the folder of the files that the templates of the chart read.
const chartFiles = "../../deploy/helm/headway/files/"

// The chart cannot run headway, so it has the rules of its SLO file as a file.
func TestRulesOfTheChartAreThoseOfItsSLOs(t *testing.T) {
	var out, problems bytes.Buffer
	if err := runRules(t.Context(), []string{"--slo", chartFiles + "slos.yaml"}, &out, &problems); err != nil || problems.Len() > 0 {
		t.Fatalf("%v\n%s", err, &problems)
	}
	golden.Check(t, chartFiles+"slo.rules.yaml", out.String())
}
