package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/exporter/prometheus"
)

const byTenant = "HEADWAY_LABELS=tenant=header:X-Tenant,team=header:X-Team"

// costOf returns the figures of `headway run --check`.
func costOf(t *testing.T, environ ...string) sidecar.SeriesCost {
	t.Helper()
	c, err := config.Read(append([]string{"HEADWAY_UPSTREAM=http://h"}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	cost, err := sidecar.SeriesCostOf(c)
	if err != nil {
		t.Fatal(err)
	}
	return cost
}

// TestSizingTellsWhatASettingCosts holds docs/sizing.md to the figures of run --check.
func TestSizingTellsWhatASettingCosts(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	slos := "HEADWAY_SLO_FILE=" + file("slos.yaml", "slos:\n  - {name: chat, objective: 99, window: 30d, good: {ttft: 500ms, tpot: 50ms}}\n")
	prices := "HEADWAY_PRICE_FILE=" + file("prices.yaml", "currency: USD\nprices:\n  - {model: \"*\", per_million: {input: 1, output: 4}}\n")
	rows := []string{"| setting | a model at an upstream | each further tenant |", "| --- | ---: | ---: |"}
	for _, row := range []struct {
		setting string
		environ []string
	}{
		{"the defaults", nil},
		{"`HEADWAY_ROLE=server`", []string{"HEADWAY_ROLE=server"}},
		{"`HEADWAY_SEMCONV=v0.1`", []string{"HEADWAY_SEMCONV=v0.1"}},
		{"`HEADWAY_SEMCONV=dup`", []string{"HEADWAY_SEMCONV=dup"}},
		{"`HEADWAY_SLO_FILE` with an SLO of TTFT and TPOT", []string{slos}},
		{"`HEADWAY_PRICE_FILE`", []string{prices}},
		{"`HEADWAY_LABELS`, any number of labels", []string{byTenant}},
		{"`HEADWAY_LABELS` beside a model server", []string{byTenant, "HEADWAY_ROLE=server"}},
		{"`HEADWAY_LABELS` and `HEADWAY_SLO_FILE`", []string{byTenant, slos}},
		{"`HEADWAY_LABELS` and `HEADWAY_PRICE_FILE`", []string{byTenant, prices}},
	} {
		cost, tenant := costOf(t, row.environ...), "–"
		if len(row.environ) > 0 && row.environ[0] == byTenant {
			tenant = inBothForms(cost.Tenant)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |", row.setting, inBothForms(cost.Model), tenant))
	}
	holds(t, "../../docs/sizing.md", "settings", strings.Join(rows, "\n")+"\n")
}

func inBothForms(n prometheus.Count) string { return fmt.Sprintf("%d, native %d", n.Classic, n.Native) }

// TestSizingMeasuresTheSameAsItTells: a process gains as many series as run --check says, for the
// first tenant and for the second one.
func TestSizingMeasuresTheSameAsItTells(t *testing.T) {
	exe := self(t)
	sim := exe.StartSimulator(t)
	cost := costOf(t, byTenant)
	for kind, of := range map[string]func(prometheus.Count) int{
		"classic": func(n prometheus.Count) int { return n.Classic }, "native": func(n prometheus.Count) int { return n.Native },
	} {
		running := exe.StartSidecar(t, sim.URL, "HEADWAY_HISTOGRAMS="+kind, byTenant)
		before := series(t, running.Admin, kind)
		for i, want := range []int{of(cost.Model), of(cost.Tenant)} {
			interop.Stream(t, running.URL, "counted", 8, http.Header{"X-Tenant": {fmt.Sprint("t", i)}, "X-Team": {"search"}})
			after := settled(t, running.Admin, kind)
			if after-before != want {
				t.Errorf("%s: tenant %d brought %d series, and run --check says %d", kind, i+1, after-before, want)
			}
			before = after
		}
	}
}
