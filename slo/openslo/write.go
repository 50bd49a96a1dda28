package openslo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// prefix begins the annotations for everything that has no field in OpenSLO: keys of an SLO
// in headway's own file, each as JSON. Where there is a field, too, the field counts.
const prefix = "headway-sidecar.github.io/"

// kept lists the keys that become annotations.
func kept() []string { return []string{"match", "good", "exclude", "judge", "alerting"} }

// alertmanager is the notification target of every written policy, because Alertmanager
// decides whom to notify.
const alertmanager = "alertmanager"

// Write writes set as SLO documents of service. Parse reads them back to an equal
// set.
func Write(w io.Writer, set slo.Set, service string) error {
	objects := make([]Object, len(set.SLOs))
	seen := map[string]bool{}
	for i := range set.SLOs {
		s := &set.SLOs[i]
		o, err := object(s, set.First, service)
		if err != nil {
			return err
		}
		if seen[o.Metadata.Name] {
			return slo.Problems{s.Problem("name", "another SLO would be called "+o.Metadata.Name+", too", "let names differ in more than case and punctuation")}
		}
		seen[o.Metadata.Name] = true
		objects[i] = o
	}
	return Encode(w, objects)
}

func object(s *slo.SLO, first bool, service string) (Object, error) {
	annotations, err := annotate(s)
	if err != nil {
		return Object{}, err
	}
	name := s.DNSLabel()
	if name != s.Name {
		annotations[prefix+"name"] = s.Name
	}
	if first {
		annotations[prefix+"first"] = "true"
	}
	target, rolling := s.Objective, true
	return Object{
		APIVersion: APIVersion, Kind: KindSLO,
		Metadata: Metadata{Name: name, Annotations: annotations},
		Spec: &SLOSpec{
			Service: service,
			Indicator: &Indicator{
				Metadata: Metadata{Name: name}, Spec: SLISpec{RatioMetric: &Ratio{
					Counter: new(true),
					Good:    query(rules.Selector(s, `verdict="good"`)),
					Total:   query(rules.Selector(s)),
				}},
			},
			TimeWindow:      []TimeWindow{{Duration: shorthand(s.Window), IsRolling: &rolling}},
			BudgetingMethod: "Occurrences",
			Objectives:      []Objective{{TargetPercent: &target}},
			AlertPolicies:   policies(s),
		},
	}, nil
}

func query(promql string) *Metric {
	return &Metric{MetricSource{Type: "Prometheus", Spec: map[string]any{"query": promql}}}
}

// annotate returns the annotations for everything that has no field in OpenSLO.
func annotate(s *slo.SLO) (map[string]string, error) {
	var text bytes.Buffer
	if err := slo.Write(&text, slo.Set{SLOs: []slo.SLO{*s}}); err != nil {
		return nil, err
	}
	var file struct{ SLOs []map[string]any }
	if err := yaml.Load(text.Bytes(), &file); err != nil {
		return nil, fmt.Errorf("annotating %s: %w", s.Name, err)
	}
	// An SLO that only counts errors has no thresholds, and says so.
	annotations := map[string]string{prefix + "good": "{}"}
	for _, key := range kept() {
		value, ok := file.SLOs[0][key]
		if !ok {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("annotating %s with %s: %w", s.Name, key, err)
		}
		annotations[prefix+key] = string(text)
	}
	return annotations, nil
}

// policies lists the alerts that headway's rules have for s. OpenSLO has no field for the
// short window of an alert, so that it goes into the description.
func policies(s *slo.SLO) []Policy {
	var all []Policy
	for _, pair := range rules.Pairs(s, rules.Options{}) {
		name := fmt.Sprintf("%s-%s", pair.Severity, shorthand(pair.Long))
		factor := pair.Factor
		condition := inline(KindCondition, name, ConditionSpec{
			Severity:  string(pair.Severity),
			Condition: BurnRate{Kind: "burnrate", Op: "gt", Threshold: &factor, LookbackWindow: shorthand(pair.Long)},
		})
		target := inline(KindNotification, alertmanager, NotificationSpec{Target: alertmanager})
		all = append(all, Policy{Inline: inline(KindPolicy, name, PolicySpec{
			Description:     pair.Alert + ": as long as it also holds over " + shorthand(pair.Short),
			AlertWhenNoData: new(true), AlertWhenBreaching: new(true),
			Conditions:          []Condition{{Inline: condition}},
			NotificationTargets: []Notification{{Inline: target}},
		})})
	}
	return all
}

func inline[S any](kind Kind, name string, spec S) Inline[S] {
	return Inline[S]{Kind: kind, Metadata: &Metadata{Name: name}, Spec: &spec}
}

// shorthand is d in one unit of OpenSLO's, the greatest that divides it, up to days.
func shorthand(d time.Duration) string {
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}} {
		if d%unit.d == 0 {
			return fmt.Sprintf("%d%s", d/unit.d, unit.name)
		}
	}
	return fmt.Sprintf("%dm", d.Round(time.Minute)/time.Minute)
}

// duration reads a shorthand whose unit has one length. Months, quarters and years have
// several.
func duration(text string) (time.Duration, bool) {
	var n int
	var unit string
	if _, err := fmt.Sscanf(text, "%d%s", &n, &unit); err != nil || n <= 0 || n > 100_000 {
		return 0, false
	}
	const day = 24 * time.Hour
	units := []string{"m", "h", "d", "w"}
	i := slices.Index(units, unit)
	if i < 0 || strings.TrimSpace(text) != text {
		return 0, false
	}
	return time.Duration(n) * []time.Duration{time.Minute, time.Hour, day, 7 * day}[i], true
}
