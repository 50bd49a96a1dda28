package rules_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

const day = 24 * time.Hour

// chat is an SLO that asks for everything.
func chat() slo.SLO {
	return slo.SLO{
		Name: "chat", Match: slo.Match{Operation: "chat", Model: "gpt-4o*"},
		Objective: 99, Window: 30 * day,
		Good:     []slo.Objective{{Indicator: exchange.TTFT, Limit: 500 * time.Millisecond}},
		Alerting: slo.Alerting{Page: true, Ticket: true, MinRequests: 10},
	}
}

// with is chat as change made it.
func with(change func(*slo.SLO)) slo.Set {
	s := chat()
	change(&s)
	return slo.Set{SLOs: []slo.SLO{s}}
}

func byNamespace(s *slo.SLO) {
	s.Name, s.Window, s.Objective = "teams", 28*day, 99.9
	s.Alerting.By = []string{"cluster", "namespace"}
	s.Alerting.Runbook = "https://runbooks.example.com/chat"
	s.Alerting.Dashboard = "https://grafana.example.com/d/headway-slo"
	s.Alerting.Labels = map[string]string{"team": "chat", "severity": "never wins"}
	s.Alerting.Annotations = map[string]string{"channel": "#chat"}
}

func TestRenderedFiles(t *testing.T) {
	tests := []struct {
		file    string
		set     slo.Set
		options rules.Options
		format  rules.Format
		object  rules.Object
	}{
		{"chat.rules.yaml", with(func(*slo.SLO) {}), rules.Options{Probes: true}, rules.Prometheus, rules.Object{}},
		{"drift.rules.yaml", slo.Set{}, rules.Options{Probes: true, Drift: true}, rules.Prometheus, rules.Object{}},
		{"streams.rules.yaml", slo.Set{}, rules.Options{Streams: true}, rules.Prometheus, rules.Object{}},
		{"teams.rules.yaml", with(byNamespace), rules.Options{}, rules.Prometheus, rules.Object{}},
		{
			"short.rules.yaml", with(func(s *slo.SLO) { s.Name, s.Window, s.Objective, s.Alerting.Page = "short", 6*time.Hour, 95, false }),
			rules.Options{}, rules.Prometheus, rules.Object{},
		},
		{
			"scaled.rules.yaml", with(func(s *slo.SLO) { s.Name = "scaled" }), rules.Options{Scale: 1. / 60, Runbooks: "https://wiki.example.com/"},
			rules.Prometheus, rules.Object{},
		},
		{
			"chat.operator.yaml", with(func(s *slo.SLO) { s.Alerting.Ticket = false }), rules.Options{}, rules.Operator,
			rules.Object{Name: "headway-slo", Namespace: "monitoring", Labels: map[string]string{"release": "kube-prometheus-stack"}},
		},
		{
			"chat.mimir.yaml", with(func(s *slo.SLO) { s.Alerting = slo.Alerting{} }), rules.Options{}, rules.Mimir,
			rules.Object{Name: "headway-slo"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			var got bytes.Buffer
			if err := rules.Write(&got, rules.Render(tt.set, tt.options), tt.format, tt.object); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", tt.file), got.String())
		})
	}
}

func factor(f float64) string { return strconv.FormatFloat(f, 'g', 12, 64) }

// runbook fails the test unless docs has a page about alert, and its index leads there.
func runbook(t *testing.T, alert string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("../../docs/runbooks", alert+".md"))
	if err != nil {
		t.Error(err)
	} else if !bytes.HasPrefix(page, []byte("# "+alert+"\n")) {
		t.Errorf("the page of %s does not begin with its name", alert)
	}
	index, err := os.ReadFile("../../docs/slos.md")
	if err != nil {
		t.Error(err)
	} else if !bytes.Contains(index, []byte("(runbooks/"+alert+".md)")) {
		t.Errorf("docs/slos.md does not lead to %s", alert)
	}
}
