package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDashboardsWritesTheFilesOfTheRepository(t *testing.T) {
	for _, kind := range []string{"classic", "native"} {
		dir := filepath.Join(t.TempDir(), "new")
		run(t, "dashboards", "--out", dir, "--histograms", kind)
		golden := filepath.Join(root, "dashboards/grafana", kind)
		files, err := os.ReadDir(golden)
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, f := range files {
			want, _ := os.ReadFile(filepath.Join(golden, f.Name()))
			if got, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil || string(got) != string(want) {
				t.Errorf("%s differs from the one in dashboards/grafana/%s: %v", f.Name(), kind, err)
			}
		}
	}
}

func TestDashboardsOfALargeFleetComeWithTheirRules(t *testing.T) {
	dir := t.TempDir()
	run(t, "dashboards", "--out", dir, "--recorded")
	want, _ := os.ReadFile(filepath.Join(root, "deploy/prometheus/dashboards.rules.yaml"))
	if got, err := os.ReadFile(filepath.Join(dir, "headway-dashboards.rules.yaml")); err != nil || string(got) != string(want) {
		t.Errorf("the rules differ from those in deploy/prometheus: %v", err)
	}
}

func TestDashboardsAsConfigMapsNameNamespaceAndFolder(t *testing.T) {
	dir := t.TempDir()
	run(t, "dashboards", "--out", dir, "--configmaps", "--namespace", "monitoring", "--folder", "LLM")
	object, err := os.ReadFile(filepath.Join(dir, "headway-overview.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kind: ConfigMap", "namespace: monitoring", `grafana_dashboard: "1"`, `grafana_folder: "LLM"`} {
		if !strings.Contains(string(object), want) {
			t.Errorf("%s is not in the ConfigMap", want)
		}
	}
}

func TestDashboardsSaysEveryProblemOfItsFlagsAtOnce(t *testing.T) {
	var out, errs strings.Builder
	code := dispatch(t.Context(), []string{"dashboards", "--histograms", "nativ", "--semconv", "v1.14", "--folder", "x"}, &out, &errs)
	want := "headway dashboards: where to? --out DIR\n" +
		"--histograms \"nativ\": want classic or native; did you mean native?\n" +
		"--semconv \"v1.14\": want v1.41, v0.1 or dup; did you mean v1.41?\n" +
		"--folder has no place without --configmaps\n"
	if code != exitUsage || errs.String() != want {
		t.Errorf("code %d, %q, want %q", code, errs.String(), want)
	}
}
