package dashboards_test

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo/rules"
)

func rendered(t *testing.T, o dashboards.Options) (string, []rules.Group) {
	t.Helper()
	text, err := dashboards.Rules(o)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []rules.Group }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return string(text), file.Groups
}

func TestGoldenRulesAreThoseOfDeploy(t *testing.T) {
	text, _ := rendered(t, dashboards.Options{})
	golden.Check(t, "../deploy/prometheus/dashboards.rules.yaml", text)
}

// A dashboard that reads recorded series asks for those that the rules make, and the rules
// for those that headway exports.
func TestRecordedDashboardsAskForWhatTheRulesRecord(t *testing.T) {
	for _, kind := range dashboards.Kinds() {
		for _, names := range exporter.SemConvs() {
			o := dashboards.Options{Histograms: kind, SemConv: names, Recorded: true}
			known := exported(t)
			if kind == dashboards.Classic {
				known = known.classic()
			}
			known.record(t, alerting(t))
			_, groups := rendered(t, o)
			checkAll(t, known, ofRules(groups), 5)
			known.record(t, groups)
			checkAll(t, known, ofDashboards(t, o), 100)
		}
	}
}

func TestEveryRecordedSeriesIsShown(t *testing.T) {
	known := exported(t)
	known.record(t, alerting(t))
	for _, kind := range dashboards.Kinds() {
		o := dashboards.Options{Histograms: kind, Recorded: true}
		_, groups := rendered(t, o)
		known.record(t, groups)
		queries := ofDashboards(t, o)
		for _, r := range ofRules(groups) {
			name := strings.TrimPrefix(r.where, "rule ")
			labels := known[name]
			delete(known, name)
			if !slices.ContainsFunc(queries, func(q asked) bool { return len(known.problems(q.expr)) > 0 }) {
				t.Errorf("no dashboard shows %s", name)
			}
			known[name] = labels
		}
	}
}
