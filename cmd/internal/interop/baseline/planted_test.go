//go:build interop

package baseline_test

import (
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// A refused request is over in 2 ms, and the fastest success took 300 ms. The check must
// notice the refused one in each place where a cell can have it, and in no other.
func TestInteropFailureAmongFastRequestsIsNoticed(t *testing.T) {
	const refused, fastest = .002, .3
	for _, tt := range []struct {
		name    string
		e2e     baseline.Indicator
		noticed bool
	}{
		{"a refused request is the least value", baseline.Indicator{Min: new(refused)}, true},
		{"refused requests are the lowest percentile", baseline.Indicator{Quantiles: baseline.Quantiles{{P: .1, Value: refused}, {P: .5, Value: fastest}}}, true},
		{"a refused request is one of the single values", baseline.Indicator{Min: new(fastest), Values: baseline.Values{fastest, refused}}, true},
		{"the least value is that of a success", baseline.Indicator{Min: new(fastest), Quantiles: baseline.Quantiles{{P: .1, Value: fastest}}}, false},
		{"a clock of whole milliseconds rounds down", baseline.Indicator{Min: new(.299)}, false},
		{"the lowest percentile is that of a success", baseline.Indicator{Quantiles: baseline.Quantiles{{P: .1, Value: fastest}}}, false},
		{"a file has only a mean", baseline.Indicator{Mean: new(refused)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := baseline.Cell{Indicators: map[baseline.Name]baseline.Indicator{baseline.E2E: tt.e2e}}
			err := fastFailures(c, truth{Seconds: map[string]*spread{"e2e_last_token": {Min: fastest}}})
			if (err != nil) != tt.noticed {
				t.Errorf("the check says: %v", err)
			}
		})
	}
}
