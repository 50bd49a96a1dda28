//go:build interop

package main_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// simulator is a `headway sim` with nothing in its past.
type simulator struct{ url string }

func (p program) startSimulator(t *testing.T, flags ...string) simulator {
	t.Helper()
	address := freeAddress(t)
	start(t, nil, string(p), append([]string{"sim", "--listen", address, "--seed", "1"}, flags...)...)
	s := simulator{url: "http://" + address}
	eventually(t, 10*time.Second, func() error { return getJSON(s.url+"/sim/exchanges", new(any)) })
	return s
}

// exchanges is the ground truth of every request to one of the APIs, in order of arrival.
func (s simulator) exchanges(t *testing.T) []modelsim.Exchange {
	t.Helper()
	var all []modelsim.Exchange
	if err := getJSON(s.url+"/sim/exchanges", &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// lines ends the sidecar and returns what it captured of the APIs it knows, in
// order of start.
func (s *sidecar) lines(t *testing.T) []captureLine {
	t.Helper()
	s.process.stop(t)
	text, err := os.ReadFile(s.capture)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.DeleteFunc(decodeLines[captureLine](t, text), func(l captureLine) bool { return l.Dialect == "" })
	slices.SortFunc(known, func(a, b captureLine) int { return a.Start.Compare(b.Start) })
	return known
}
