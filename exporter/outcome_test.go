package exporter_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
)

// A refused request is over at once, so that it makes a duration look short: readers of
// every duration must be able to leave out those that failed.
func TestEveryDurationTellsFailedOnesApart(t *testing.T) {
	for _, setting := range exporter.SemConvs() {
		found := 0
		for _, in := range exporter.Table(setting) {
			if in.Kind != exporter.Histogram || !strings.HasSuffix(in.Name, "duration") || in.Family == exporter.Canaries {
				continue // canaries that failed are in no duration
			}
			found++
			if !slices.Contains(in.Labels, "error.type") && !slices.Contains(in.Labels, "outcome") {
				t.Errorf("%s: %s has neither error.type nor outcome", setting, in.Name)
			}
		}
		if found < 4 {
			t.Errorf("%s: only %d durations were looked at", setting, found)
		}
	}
}
