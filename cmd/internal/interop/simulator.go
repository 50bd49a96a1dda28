package interop

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// Simulator is a `headway sim` of the test's own.
type Simulator struct{ URL string }

// StartSimulator starts a simulator and returns when it answers. flags are those beside
// the flags that every simulator needs.
func (p Program) StartSimulator(t *testing.T, flags ...string) Simulator {
	t.Helper()
	address := FreeAddress(t)
	Start(t, nil, string(p), append([]string{"sim", "--listen", address, "--seed", "1"}, flags...)...)
	s := Simulator{URL: "http://" + address}
	Eventually(t, 10*time.Second, func() error { return GetJSON(s.URL+"/sim/exchanges", new(any)) })
	return s
}

// Exchanges returns the ground truth of every request to one of the APIs, in order of
// arrival.
func (s Simulator) Exchanges(t *testing.T) []modelsim.Exchange {
	t.Helper()
	var all []modelsim.Exchange
	if err := GetJSON(s.URL+"/sim/exchanges", &all); err != nil {
		t.Fatal(err)
	}
	return all
}
