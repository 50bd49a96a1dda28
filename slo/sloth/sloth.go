// Package sloth writes SLOs as a Sloth spec (prometheus/v1), for teams whose rules
// Sloth generates.
package sloth

import (
	"fmt"
	"io"
	"maps"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// period is the window of every SLO, unless `sloth generate` gets another one with
// --default-slo-period.
const period = 30 * 24 * time.Hour

type spec struct {
	Version string  `yaml:"version"`
	Service string  `yaml:"service"`
	SLOs    []entry `yaml:"slos"`
}

type entry struct {
	Name        string   `yaml:"name"`
	Objective   float64  `yaml:"objective"`
	Description string   `yaml:"description"`
	SLI         sli      `yaml:"sli"`
	Alerting    alerting `yaml:"alerting"`
}

type sli struct {
	Events events `yaml:"events"`
}

type events struct {
	ErrorQuery string `yaml:"error_query"`
	TotalQuery string `yaml:"total_query"`
}

type alerting struct {
	Name        string            `yaml:"name"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
	Page        alert             `yaml:"page_alert"`
	Ticket      alert             `yaml:"ticket_alert"`
}

type alert struct {
	Disable bool              `yaml:"disable,omitempty"`
	Labels  map[string]string `yaml:"labels,omitempty"`
}

// Write writes set as the SLOs of service. It returns a Warning for every part that has no
// place in a spec.
func Write(w io.Writer, set slo.Set, service string) ([]slo.Warning, error) {
	document := spec{Version: "prometheus/v1", Service: service, SLOs: make([]entry, len(set.SLOs))}
	var lost []slo.Warning
	for i := range set.SLOs {
		document.SLOs[i] = write(&set.SLOs[i])
		lost = append(lost, unsaid(&set.SLOs[i])...)
	}
	text, err := yaml.Dump(document, yaml.WithLineWidth(-1))
	if err != nil {
		return lost, fmt.Errorf("writing a Sloth spec: %w", err)
	}
	_, err = w.Write(text)
	return lost, err
}

func write(s *slo.SLO) entry {
	query := func(matchers ...string) string {
		return fmt.Sprintf("sum(rate(%s[{{.window}}]))", rules.Selector(s, matchers...))
	}
	a := &s.Alerting
	annotations := maps.Clone(a.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	for name, link := range map[string]string{"runbook_url": a.Runbook, "dashboard_url": a.Dashboard} {
		if link != "" {
			annotations[name] = link
		}
	}
	return entry{
		Name: s.Name, Objective: s.Objective,
		Description: "goodput as headway judges it: the thresholds are in headway's own SLO file",
		SLI:         sli{events{ErrorQuery: query(`verdict="bad"`), TotalQuery: query()}},
		Alerting: alerting{
			Name: "HeadwaySLOBurn", Labels: a.Labels, Annotations: annotations,
			Page:   alert{Disable: !a.Page, Labels: severity(a.Page, rules.Page)},
			Ticket: alert{Disable: !a.Ticket, Labels: severity(a.Ticket, rules.Ticket)},
		},
	}
}

func severity(wanted bool, s rules.Severity) map[string]string {
	if !wanted {
		return nil
	}
	return map[string]string{"severity": string(s)}
}

// unsaid lists the parts of s that have no place in the spec.
func unsaid(s *slo.SLO) []slo.Warning {
	var lost []slo.Warning
	if s.Window != period {
		lost = append(lost, s.Problem("window", "a Sloth spec has none", fmt.Sprintf("run sloth generate with --default-slo-period=%dh, on SLOs of this window only", int(s.Window.Hours()))))
	}
	if s.Alerting.MinRequests > 0 && (s.Alerting.Page || s.Alerting.Ticket) {
		lost = append(lost, s.Problem("alerting.min_requests", "Sloth knows no traffic floor", "expect alerts on single requests where traffic is low, or use headway rules"))
	}
	if len(s.Alerting.By) > 0 {
		lost = append(lost, s.Problem("alerting.by", "a Sloth SLO is one series", "write a spec for each part of the fleet, or use headway rules"))
	}
	return lost
}
