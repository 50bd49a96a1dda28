// Package pyrra writes SLOs as Pyrra's objects (pyrra.dev/v1alpha1), for teams whose
// rules Pyrra generates.
package pyrra

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

type object struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       spec     `yaml:"spec"`
}

type metadata struct {
	Name        string            `yaml:"name"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

type spec struct {
	Target      string    `yaml:"target"`
	Window      string    `yaml:"window"`
	Description string    `yaml:"description"`
	Indicator   indicator `yaml:"indicator"`
	Alerting    alerting  `yaml:"alerting"`
}

type indicator struct {
	Ratio ratio `yaml:"ratio"`
}

type ratio struct {
	Errors   query    `yaml:"errors"`
	Total    query    `yaml:"total"`
	Grouping []string `yaml:"grouping,omitempty"`
}

type query struct {
	Metric string `yaml:"metric"`
}

type alerting struct {
	Name       string     `yaml:"name"`
	AbsentName string     `yaml:"absentName"`
	Disabled   bool       `yaml:"disabled,omitempty"`
	Severities severities `yaml:"severities"`
}

type severities struct {
	Absent       rules.Severity `yaml:"absent"`
	FastBurn     rules.Severity `yaml:"fastBurn"`
	MediumBurn   rules.Severity `yaml:"mediumBurn"`
	SlowBurn     rules.Severity `yaml:"slowBurn"`
	LongTermBurn rules.Severity `yaml:"longTermBurn"`
}

// Write writes an object for each SLO of set, in namespace if that is not empty. It
// returns a Warning for every part that has no place in an object.
func Write(w io.Writer, set slo.Set, namespace string) ([]slo.Warning, error) {
	var lost []slo.Warning
	objects := make([]object, len(set.SLOs))
	seen := map[string]bool{}
	for i := range set.SLOs {
		s := &set.SLOs[i]
		objects[i] = write(s, namespace)
		name := objects[i].Metadata.Name
		if seen[name] {
			return nil, slo.Problems{s.Problem("name", "another SLO would be called "+name+", too", "let names differ in more than case and punctuation")}
		}
		seen[name] = true
		lost = append(lost, unsaid(s, name)...)
	}
	text, err := yaml.Dump(objects, yaml.WithAllDocuments(), yaml.WithLineWidth(-1))
	if err != nil {
		return lost, fmt.Errorf("writing Pyrra objects: %w", err)
	}
	_, err = w.Write(text)
	return lost, err
}

// propagated is the prefix of labels and annotations that Pyrra hands on to alerts.
const propagated = "pyrra.dev/"

func write(s *slo.SLO, namespace string) object {
	labels, annotations := map[string]string{}, map[string]string{}
	for name, value := range s.Alerting.Labels {
		labels[propagated+name] = value
	}
	for name, link := range map[string]string{"runbook_url": s.Alerting.Runbook, "dashboard_url": s.Alerting.Dashboard} {
		if link != "" {
			annotations[propagated+name] = link
		}
	}
	for name, value := range s.Alerting.Annotations {
		annotations[propagated+name] = value
	}
	return object{
		APIVersion: "pyrra.dev/v1alpha1", Kind: "ServiceLevelObjective",
		Metadata: metadata{Name: s.DNSLabel(), Namespace: namespace, Labels: labels, Annotations: annotations},
		Spec: spec{
			Target: strconv.FormatFloat(s.Objective, 'f', -1, 64), Window: window(s.Window),
			Description: "goodput as headway judges it: the thresholds are in headway's own SLO file",
			Indicator: indicator{ratio{
				Errors:   query{rules.Selector(s, `verdict="bad"`)},
				Total:    query{rules.Selector(s)},
				Grouping: s.Alerting.By,
			}},
			Alerting: alerting{
				Name: "HeadwaySLOBurn", AbsentName: "HeadwaySLOMetricAbsent",
				Disabled:   !s.Alerting.Page && !s.Alerting.Ticket,
				Severities: severities{rules.Ticket, rules.Page, rules.Page, rules.Ticket, rules.Ticket},
			},
		},
	}
}

// window is d as Prometheus writes durations: SLO windows are whole hours.
func window(d time.Duration) string {
	hours := int(d.Hours())
	switch {
	case hours%(7*24) == 0:
		return fmt.Sprintf("%dw", hours/(7*24))
	case hours%24 == 0:
		return fmt.Sprintf("%dd", hours/24)
	}
	return fmt.Sprintf("%dh", hours)
}

// unsaid lists the parts of s that have no place in its object.
func unsaid(s *slo.SLO, name string) []slo.Warning {
	var lost []slo.Warning
	add := func(key, wrong, right string) { lost = append(lost, s.Problem(key, wrong, right)) }
	if name != s.Name {
		add("name", "Kubernetes allows no such name, so the object is called "+name, "use lower case, digits and -")
	}
	a := &s.Alerting
	if a.MinRequests > 0 && (a.Page || a.Ticket) {
		add("alerting.min_requests", "Pyrra knows no traffic floor", "expect alerts on single requests where traffic is low, or use headway rules")
	}
	if a.Page != a.Ticket {
		add("alerting", "Pyrra makes alerts of every severity or none", "silence the others in Alertmanager, or use headway rules")
	}
	return lost
}
