//go:build interop

package dashboards_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/exporter"
)

// checked runs TypeScript's compiler over dashboards, as values of the types in Grafana's
// package @grafana/schema. It returns the problems, and whether there are none.
func checked(t *testing.T, files ...string) (problems string, fine bool) {
	t.Helper()
	check := exec.Command("node", append([]string{interop.Driver(t, "grafana/check.mjs")}, files...)...)
	check.Env = append(os.Environ(), "GRAFANA_TOOLS="+interop.Tool(t, "grafana"))
	out, err := check.CombinedOutput()
	if !strings.Contains(string(out), fmt.Sprintf("%d dashboards, ", len(files))) {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out), err == nil
}

func TestInteropGrafanasTypesTakeEveryDashboard(t *testing.T) {
	dir, files := t.TempDir(), []string(nil)
	for _, o := range []dashboards.Options{
		{Histograms: dashboards.Classic},
		{Histograms: dashboards.Native},
		{Histograms: dashboards.Classic, Recorded: true},
		{Histograms: dashboards.Native, Recorded: true, SemConv: exporter.V01},
	} {
		all, err := dashboards.All(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			file := filepath.Join(dir, fmt.Sprintf("%s-%s-%t.json", d.UID, o.Histograms, o.Recorded))
			write(t, file, string(d.JSON))
			files = append(files, file)
		}
	}
	problems, fine := checked(t, files...)
	t.Log(problems)
	if !fine || len(files) < 36 {
		t.Errorf("Grafana's types refuse some of %d dashboards", len(files))
	}
}

// TestInteropGrafanasTypesRefusePlantedFaults, each at its own line.
func TestInteropGrafanasTypesRefusePlantedFaults(t *testing.T) {
	built, err := dashboards.All(dashboards.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole, dir := string(built[0].JSON), t.TempDir()
	faults := []struct{ name, was, is string }{
		{"field of the dashboard", `"refresh":`, `"refreshed":`},
		{"field of a variable", `"includeAll":`, `"includesAll":`},
		{"field of an annotation", `"titleFormat":`, `"title":`},
		{"kind of panel", `"type": "timeseries"`, `"type": "graph"`},
		{"option of a panel", `"graphMode":`, `"graphMod":`},
		{"value of an option", `"graphMode": "area"`, `"graphMode": "nothing"`},
		{"setting of a field", `"fillOpacity":`, `"opacity":`},
		{"type of a value", `"h": 4`, `"h": "four"`},
	}
	files := make([]string, len(faults))
	for i, f := range faults {
		if !strings.Contains(whole, f.was) {
			t.Fatalf("%s: the dashboard has no %s", f.name, f.was)
		}
		files[i] = filepath.Join(dir, fmt.Sprintf("fault%d.json", i))
		write(t, files[i], strings.Replace(whole, f.was, f.is, 1))
	}
	problems, _ := checked(t, files...)
	for i, f := range faults {
		if !strings.Contains(problems, fmt.Sprintf("%d-fault%d:", i, i)) {
			t.Errorf("the fault passes: %s", f.name)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
