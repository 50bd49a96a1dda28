//go:build interop

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// tools is where .ci/interop/install puts things, seen from this package.
const tools = "../../.tools"

// tool is the path of an installed part.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(tools, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run .ci/interop/install (%v)", name, err)
	}
	return path
}

func build(t *testing.T) program {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "headway")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("building headway: %v\n%s", err, out)
	}
	return program(exe)
}

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

func getJSON(url string, into any) error {
	body, err := get(url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
