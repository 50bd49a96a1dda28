package openslo_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/openslo"
	"github.com/headway-sidecar/headway/slo/slotest"
)

const (
	ms  = time.Millisecond
	day = 24 * time.Hour
)

// everything has SLOs that use every key.
func everything() slo.Set {
	return slo.Set{First: true, SLOs: []slo.SLO{
		{
			Name: "chat-interactive", Objective: 99.9, Window: 30 * day, Judge: slo.Chain,
			Match: slo.Match{
				Operation: "chat", Model: "gpt-4o*", Upstream: "*.openai.com", Stream: new(true),
				Header: map[string]string{"x-team": "a*"}, InputTokens: slo.Range{Min: 1001, Max: 8000},
			},
			Good: []slo.Objective{
				{Indicator: exchange.TTFT, Limit: 500 * ms}, {Indicator: exchange.TPOT, Limit: 50 * ms},
				{Indicator: exchange.ITLP99, Limit: 200 * ms}, {Indicator: exchange.E2EPerOutputToken, Limit: 1500 * time.Microsecond},
			},
			Exclude: []exchange.Outcome{exchange.ClientGone}, ExcludeTypes: []exchange.ErrorType{"400"},
			Alerting: slo.Alerting{
				Page: true, Ticket: true, MinRequests: 25, By: []string{"cluster", "namespace"},
				Runbook: "https://example.com/runbook", Dashboard: "https://example.com/d/slo",
				Labels: map[string]string{"team": "chat"}, Annotations: map[string]string{"channel": "#chat"},
			},
		},
		{Name: "Errors.Only", Objective: 95, Window: 7 * day, Alerting: slo.Alerting{Ticket: true, MinRequests: 10}},
		{Name: "silent", Objective: 99.95, Window: 36 * time.Hour, Good: []slo.Objective{{Indicator: exchange.E2E, Limit: 20 * time.Second}}},
	}}
}

func TestWrittenDocuments(t *testing.T) {
	var text bytes.Buffer
	if err := openslo.Write(&text, everything(), "headway"); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/written.yaml", text.String())
}

func TestWhatWasWrittenIsReadBackWhole(t *testing.T) {
	want := everything()
	var text bytes.Buffer
	if err := openslo.Write(&text, want, "headway"); err != nil {
		t.Fatal(err)
	}
	got, lost, err := openslo.Parse("a.yaml", bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	for _, w := range lost {
		if !strings.Contains(w.Key, "spec.service") && !strings.Contains(w.Wrong, "response in one piece") {
			t.Errorf("lost: %v", w)
		}
	}
}

func same(t *testing.T, got, want slo.Set) {
	t.Helper()
	if got.First != want.First || len(got.SLOs) != len(want.SLOs) {
		t.Fatalf("got %d SLOs, first %t; want %d, %t", len(got.SLOs), got.First, len(want.SLOs), want.First)
	}
	for i := range want.SLOs {
		if !want.SLOs[i].Equal(&got.SLOs[i]) {
			t.Errorf("got  %+v\nwant %+v", got.SLOs[i], want.SLOs[i])
		}
	}
}

func TestStandardFieldsWinOverAnnotations(t *testing.T) {
	var text bytes.Buffer
	if err := openslo.Write(&text, everything(), "headway"); err != nil {
		t.Fatal(err)
	}
	edited := strings.NewReplacer("targetPercent: 99.9\n", "targetPercent: 99\n", "duration: 30d", "duration: 14d").Replace(text.String())
	got, _, err := openslo.Parse("a.yaml", strings.NewReader(edited))
	if err != nil {
		t.Fatal(err)
	}
	want := everything()
	want.SLOs[0].Objective, want.SLOs[0].Window = 99, 14*day
	same(t, got, want)
}

func TestDocumentsOfHeadway(t *testing.T) {
	in, err := os.Open("testdata/native.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	got, lost, err := openslo.Parse("native.yaml", in)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, slo.Set{SLOs: []slo.SLO{
		{
			Name: "first-token", Match: slo.Match{Operation: "chat", Stream: new(true)}, Objective: 99.5, Window: 28 * day,
			Good: []slo.Objective{{Indicator: exchange.TTFT, Limit: 500 * ms}}, Exclude: []exchange.Outcome{exchange.ClientGone},
			Alerting: slo.Alerting{Page: true, MinRequests: 10},
		},
		{
			Name: "interactive", Match: slo.Match{Model: "gpt-4o*", Stream: new(true)}, Objective: 99, Window: 30 * day, Judge: slo.Chain,
			Good: []slo.Objective{{Indicator: exchange.TTFT, Limit: 500 * ms}, {Indicator: exchange.TPOT, Limit: 50 * ms}},
		},
	}})
	named(t, lost, "native.yaml:6: SLO first-token: spec.service", "native.yaml:21: SLO interactive: spec.service", "notification target on-call")
}

// named fails the test unless each of want is in one of got, and there are no others.
func named(t *testing.T, got []slo.Problem, want ...string) {
	t.Helper()
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || strings.Contains(g.Error(), w)
		}
		if !found {
			t.Errorf("%q is not among:\n%v", w, slo.Problems(got))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d are named, want %d:\n%v", len(got), len(want), slo.Problems(got))
	}
}

// Documents come back with every value that they had.
func TestDocumentsOfTheSpecificationRoundTrip(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := openslo.Decode(file, bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			var again bytes.Buffer
			if err := openslo.Encode(&again, objects); err != nil {
				t.Fatal(err)
			}
			if got, want := plain(t, again.Bytes()), plain(t, text); !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// plain is the documents of text as maps, without keys that say nothing.
func plain(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var documents []map[string]any
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments()); err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		prune(d)
	}
	return documents
}

func prune(m map[string]any) {
	for key, value := range m {
		switch v := value.(type) {
		case nil:
			delete(m, key)
		case time.Time: // a date is text to OpenSLO
			m[key] = v.Format(time.DateTime)
		case int:
			m[key] = float64(v)
		case map[string]any:
			prune(v)
		case []any:
			for _, entry := range v {
				if entry, ok := entry.(map[string]any); ok {
					prune(entry)
				}
			}
		}
	}
}

// Parse refuses parts that headway cannot do and without which it cannot judge an SLO.
func TestWhatHeadwayCannotDoIsNamed(t *testing.T) {
	tests := []struct {
		file string
		want []string
	}{
		{"occurrences.yaml", []string{
			"occurrences.yaml:15: SLO search-slo: spec.indicator.spec.thresholdMetric: headway judges exchanges by what it measured itself, and cannot ask Any; say what is good in the annotation",
		}},
		{"ratio-timeslices.yaml", []string{
			`spec.budgetingMethod: "RatioTimeslices" is not how headway counts`,
			"spec.objectives: there are no time slices",
			"spec.indicator.spec.ratioMetric: headway judges exchanges",
		}},
		{"timeslices.yaml", []string{
			`spec.budgetingMethod: "Timeslices" is not how headway counts`,
			"timeslices.yaml:17: SLO service-availability: spec.timeWindow.isRolling: headway's windows roll, and begin on no date",
			"spec.objectives: there are 2; write an SLO for each",
			"spec.indicator.spec.ratioMetric: headway judges exchanges",
		}},
		{"kinds.yaml", []string{"SLI foo-error: spec.ratioMetric: headway judges exchanges by what it measured itself, and cannot ask Datadog"}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			in, err := os.Open(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close() }()
			_, _, err = openslo.Parse(tt.file, in)
			var problems slo.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v", err)
			}
			named(t, problems, tt.want...)
		})
	}
}

const head = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a"

func TestBadDocuments(t *testing.T) {
	const good = `, annotations: {headway-sidecar.github.io/good: '{"ttft": "500ms"}'}}
spec:
  service: chat
  indicator: {metadata: {name: a}, spec: {ratioMetric: {total: {metricSource: {type: Prometheus, spec: {query: 'headway_slo_requests_total{slo="a"}'}}}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
`
	if _, _, err := openslo.Parse("a", strings.NewReader(head+good)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown key", "  service: chat", "  servise: chat", `a:5: servise: there is no such key; did you mean service?`},
		{"unknown key of the document", "apiVersion: openslo/v1", "apiVersion: openslo/v1\nmetdata: {}", `a:2: metdata: there is no such key; did you mean metadata?`},
		{"unknown key inside", "{target: 0.99}", "{traget: 0.99}", `traget: there is no such key; did you mean target?`},
		{"unknown key of an inline object", "  timeWindow", "  alertPolicies: [{knid: b}]\n  timeWindow", "knid: there is no such key; did you mean kind?"},
		{"a value in place of a list", "[{target: 0.99}]", "4", `a:9: "4" is no list; write a list: `},
		{"a list in place of a mapping", "metadata: {name: a}, spec", "metadata: [a], spec", "a list is no mapping; write a mapping with name, displayName, labels, annotations"},
		{"a word in place of a number", "target: 0.99", "target: high", `"high" is no number; write a number: 0.99`},
		{"a kind with a slip", "kind: SLO", "kind: SOL", `kind: "SOL" is none of OpenSLO's; did you mean SLO`},
		{"an operation with a slip", `{"ttft": "500ms"}'`, `{"ttft": "500ms"}', headway-sidecar.github.io/match: '{operation: chta}'`, `match.operation: "chta" is no operation; did you mean chat?`},
		{"another version", "openslo/v1", "openslo/v1alpha", `a:1: apiVersion: "openslo/v1alpha" is not read; write openslo/v1`},
		{"another kind", "kind: SLO", "kind: Pod", `kind: "Pod" is none of OpenSLO's`},
		{"no name", "{name: a,", "{", "metadata.name: there is none"},
		{"target beyond 1", "target: 0.99", "target: 99", "99"},
		{"both targets", "target: 0.99", "target: 0.99, targetPercent: 99", "spec.objectives: it needs target or targetPercent, and not both"},
		{"no target", "{target: 0.99}", "{displayName: x}", "spec.objectives: it needs target or targetPercent, and not both"},
		{"a month", "30d", "1M", `spec.timeWindow.duration: "1M" has no one length`},
		{"a composite", "target: 0.99", "target: 0.99, compositeWeight: 2", "a composite SLO cannot be judged"},
		{"a threshold without unit", `"500ms"`, `"500"`, "good.ttft: 500 has no unit"},
		{"a threshold that is not there", `"ttft"`, `"tft"`, "good.tft: there is no such key"},
		{"an annotation that is no key", "github.io/good", "github.io/well", "headway-sidecar.github.io/well is no key of an SLO"},
		{"an annotation that is no YAML", `{"ttft": "500ms"}`, `{"ttft`, "is neither JSON nor YAML"},
		{"a reference to nothing", "  timeWindow", "  alertPolicies: [{alertPolicyRef: b}]\n  timeWindow", "there is no AlertPolicy called b"},
		{"broken YAML", "spec:", "spec: [", `a:6: "  indicator: {metadata: {name: a}, spec: {ratioMetric: {total: {metricSource: {t…": did not find expected ',' or ']'; close every bracket`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(head+good, tt.old, tt.new, 1)
			_, _, err := openslo.Parse("a", strings.NewReader(text))
			var problems slo.Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestLostPartsAreNamed(t *testing.T) {
	const text = head + `, displayName: A, labels: {team: x}, annotations: {other.example.com/x: y, headway-sidecar.github.io/good: '{e2e: 2s}'}}
spec:
  description: A.
  service: chat
  indicator: {metadata: {name: a, displayName: A}, spec: {description: A., thresholdMetric: {metricSource: {type: Prometheus, spec: {query: up}}}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: A, target: 0.99}]
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: a}
      spec:
        alertWhenResolved: true
        alertWhenBreaching: false
        conditions: [{kind: AlertCondition, metadata: {name: a}, spec: {severity: critical, condition: {kind: burnrate, op: gte, threshold: 2, lookbackWindow: 1h, alertAfter: 5m}}}]
        notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: a}, spec: {target: email}}]
---
{apiVersion: openslo/v1, kind: Service, metadata: {name: chat}, spec: {description: A.}}
---
{apiVersion: openslo/v1, kind: AlertCondition, metadata: {name: b}, spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 2, lookbackWindow: 1h}}}
`
	set, lost, err := openslo.Parse("a", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if a := set.SLOs[0].Alerting; !a.Page || a.Ticket || a.MinRequests != 10 {
		t.Errorf("alerting is %+v", a)
	}
	named(t, lost,
		"metadata.displayName", "metadata.labels", "spec.description: ", "spec.service", "spec.objectives.displayName",
		"other.example.com/x is not headway's", "spec.indicator.metadata.displayName", "spec.indicator.spec.description",
		"spec.indicator.spec.thresholdMetric: its query is not run",
		"alertWhenResolved is not headway's to say", "alertWhenBreaching: false is not honoured", "alertWhenNoData is always true",
		"notification target email", "critical at a burn rate gte 2 over 1h becomes page above 14.4 over 1h and 5m, page above 6 over 6h and 30m",
		"Service chat: kind: headway has no use for it", "AlertCondition b: metadata.name: no SLO refers to it")
}

func TestNamesThatBecomeEqualAreRefused(t *testing.T) {
	if err := openslo.Write(new(bytes.Buffer), slotest.Twins(), "headway"); err == nil || !strings.Contains(err.Error(), "another SLO would be called a-b") {
		t.Errorf("got %v", err)
	}
}
