package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// TestCostsAddUpByCurrency: two exchanges have a cost in dollars, the failed one among them,
// one has a cost in euros, and one has none.
func TestCostsAddUpByCurrency(t *testing.T) {
	lines := retried(0)
	lines[0].Cost = &capture.Cost{Currency: "USD", Total: .000225}
	lines[1].Cost = &capture.Cost{Currency: "USD", Total: .001}
	lines[2].Call.Waste[0].Cost, lines[2].Call.Waste[0].Currency = .000225, "USD"
	other := firstTry(time.Second)
	other.Cost = &capture.Cost{Currency: "EUR", Total: .5}
	s := summarize(report.ByModel, nil, append(lines, other, firstTry(2*time.Second)))
	if want := []report.Cost{{"EUR", .5, 1}, {"USD", .001225, 2}}; !slices.Equal(s.All.Costs, want) {
		t.Errorf("costs %v, want %v", s.All.Costs, want)
	}
	if want := []report.Cost{{"USD", .000225, 1}}; !slices.Equal(s.All.Calls.WastedCosts, want) {
		t.Errorf("wasted %v, want %v", s.All.Calls.WastedCosts, want)
	}
	var out strings.Builder
	if err := s.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Cost (EUR)", "0.500000 (of 1 of 4 requests)", "0.001225 (of 2 of 4 requests)", "Cost of failed attempts, where known (USD)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
