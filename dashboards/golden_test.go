package dashboards_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

func TestGoldenDashboardsAreWhatTheCodeBuilds(t *testing.T) {
	for _, kind := range dashboards.Kinds() {
		folder := filepath.Join("grafana", string(kind))
		present := map[string]bool{}
		for _, d := range build(t, dashboards.Options{Histograms: kind}) {
			golden.Check(t, filepath.Join(folder, d.UID+".json"), string(d.JSON))
			present[d.UID+".json"] = true
		}
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !present[f.Name()] {
				t.Errorf("%s/%s is a file that no code builds", folder, f.Name())
			}
		}
	}
}

func build(t *testing.T, o dashboards.Options) []dashboards.Dashboard {
	t.Helper()
	all, err := dashboards.All(o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
