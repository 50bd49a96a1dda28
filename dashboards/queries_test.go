package dashboards_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// asked is a query and where it stands.
type asked struct{ where, expr, legend string }

// grafana is what the tests read of a dashboard.
type grafana struct {
	Title  string
	Panels []struct {
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Options                  struct{ Content string }
		Targets                  []struct{ Expr, LegendFormat string }
	}
	Annotations struct{ List []struct{ Name, Expr string } }
	Templating  struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
}

func read(t *testing.T, d dashboards.Dashboard) grafana {
	t.Helper()
	var g grafana
	if err := json.Unmarshal(d.JSON, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// ofDashboards lists the queries of panels, annotations and variables.
func ofDashboards(t *testing.T, o dashboards.Options) (all []asked) {
	t.Helper()
	for _, d := range build(t, o) {
		g := read(t, d)
		for _, p := range g.Panels {
			for _, target := range p.Targets {
				all = append(all, asked{d.UID + ": " + p.Title, target.Expr, target.LegendFormat})
			}
		}
		for _, a := range g.Annotations.List {
			all = append(all, asked{d.UID + ": " + a.Name, a.Expr, ""})
		}
		for _, v := range g.Templating.List {
			text, _ := v.Query.(string)
			if call := labelValues.FindStringSubmatch(text); call != nil {
				all = append(all, asked{d.UID + ": " + v.Name, "count by (" + call[2] + ") (" + call[1] + ")", "{{" + call[2] + "}}"})
			} else if v.Type == "query" {
				t.Errorf("%s: the variable %s asks %q, which is no label_values", d.UID, v.Name, text)
			}
		}
	}
	return all
}

// alerting lists the rules that headway renders for an SLO file with every key, and those
// in deploy.
func alerting(t *testing.T) []rules.Group {
	t.Helper()
	path := "../slo/testdata/every-key.yaml"
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	set, _, err := slo.Parse(path, file)
	if err != nil {
		t.Fatal(err)
	}
	all := rules.Render(set, rules.Options{})
	deployed, err := filepath.Glob("../deploy/prometheus/*.rules.yaml")
	if err != nil || len(deployed) == 0 {
		t.Fatalf("rules in deploy: %q, %v", deployed, err)
	}
	for _, path := range deployed {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Groups []rules.Group }
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, file.Groups...)
	}
	return all
}

// ofRules lists the queries of rules.
func ofRules(groups []rules.Group) (all []asked) {
	for _, g := range groups {
		for _, r := range g.Rules {
			all = append(all, asked{"rule " + r.Record + r.Alert, r.Expr, ""})
		}
	}
	return all
}

// ofScaler lists the queries by which KEDA scales.
func ofScaler(t *testing.T) (all []asked) {
	t.Helper()
	const path = "../deploy/kubernetes/keda/scaledobject.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Spec struct {
			Triggers []struct{ Metadata struct{ Query string } }
		}
	}
	if err := yaml.Unmarshal(text, &object); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, trigger := range object.Spec.Triggers {
		all = append(all, asked{path, trigger.Metadata.Query, ""})
	}
	return all
}

var (
	block = regexp.MustCompile("(?s)```promql\n(.*?)```")
	span  = regexp.MustCompile("`([^`\n]+)`")
	query = regexp.MustCompile(`^(?:1 - )?(sum|avg|min|max|count|topk|rate|increase|histogram_\w+)\b.*\(.*\)`)
)

// ofDocs lists the queries of the pages: blocks of PromQL, and code in the text that
// begins like a query.
func ofDocs(t *testing.T) (all []asked) {
	t.Helper()
	err := filepath.WalkDir("../docs", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			all = append(all, asked{path, found[1], ""})
		}
		for _, found := range span.FindAllStringSubmatch(string(text), -1) {
			if code := strings.ReplaceAll(found[1], `\|`, "|"); query.MatchString(code) {
				all = append(all, asked{path, code, ""})
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryQueryAsksForSeriesThatExist(t *testing.T) {
	known := exported(t)
	groups := alerting(t)
	known.record(t, groups)
	for _, kind := range dashboards.Kinds() {
		for _, names := range exporter.SemConvs() {
			have := known
			if kind == dashboards.Classic {
				have = known.classic()
			}
			checkAll(t, have, ofDashboards(t, dashboards.Options{Histograms: kind, SemConv: names}), 100)
		}
	}
	checkAll(t, known, ofRules(groups), 20)
	checkAll(t, known, ofDocs(t), 30)
	checkAll(t, known, ofScaler(t), 1)
}

// checkAll fails the test for every query that asks for what is not there, and if there
// are fewer than least.
func checkAll(t *testing.T, known series, queries []asked, least int) {
	t.Helper()
	for _, q := range queries {
		for _, problem := range slices.Concat(known.problems(q.expr), known.legend(q.expr, q.legend)) {
			t.Errorf("%s: %s\n%s", q.where, problem, q.expr)
		}
	}
	if len(queries) < least {
		t.Errorf("%d queries, want %d at least: does the test still find them?", len(queries), least)
	}
}

// classic returns s without native histograms: a dashboard for classic ones finds none.
func (s series) classic() series {
	out := series{}
	for name, of := range s {
		if _, histogram := s[name+"_bucket"]; !histogram {
			out[name] = of
		}
	}
	return out
}

func TestTheCheckOfQueriesFindsPlantedFaults(t *testing.T) {
	known := exported(t)
	for _, c := range []struct{ name, in, want string }{
		{"right", `sum by (model) (rate(headway_requests_total{outcome="ok"}[5m]))`, ""},
		{"right in both roles", `rate({__name__=~"gen_ai_($role)_(operation|request)_duration_seconds_bucket"}[5m])`, ""},
		{"metric", `sum(headway_request_total)`, "no series is called headway_request_total"},
		{"metric of one role", `rate({__name__=~"gen_ai_($role)_operation_duration_seconds_bucket"}[5m])`, `no series is called {__name__=~"gen_ai_(server)_operation_duration_seconds_bucket"}`},
		{"label", `headway_requests_total{slo="a"}`, "headway_requests_total has no label slo"},
		{"label of a grouping", `sum by (slo) (headway_requests_total)`, "no series in it has the label slo"},
		{"label that an inner sum took away", `sum by (model) (sum by (outcome) (headway_requests_total))`, "no series in it has the label model"},
		{"label of a join", `headway_requests_total * on (slo) group_left () headway_build_info`, "no series in it has the label slo"},
		{"buckets of a counter", `headway_requests_total_bucket`, "no series is called headway_requests_total_bucket"},
		{"metric of an engine", `vllm:kv_cache_usage_percent`, "no series is called vllm:kv_cache_usage_percent"},
		{"syntax", `sum(headway_requests_total`, `1:27: parse error: unclosed left parenthesis`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(known.problems(c.in), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if got := known.legend(`sum by (model) (headway_requests_total)`, "{{outcome}}"); len(got) != 1 {
		t.Errorf("a legend of a label that the sum took away: %q", got)
	}
	if got := known.classic().problems(`rate(headway_stall_seconds[5m])`); len(got) != 1 {
		t.Errorf("a native histogram in a dashboard for classic ones: %q", got)
	}
}

// TestTheCheckOfQueriesFailsWhenAMetricIsRenamed: each name that a dashboard, a rule or a page
// asks for alone gets another one in turn.
func TestTheCheckOfQueriesFailsWhenAMetricIsRenamed(t *testing.T) {
	known := exported(t)
	groups := alerting(t)
	known.record(t, groups)
	queries := slices.Concat(ofDashboards(t, dashboards.Options{}), ofRules(groups), ofDocs(t))
	for name, q := range askedAlone(t, known, queries) {
		renamed := maps.Clone(known)
		renamed[name+"_renamed"] = renamed[name]
		delete(renamed, name)
		if len(renamed.problems(q.expr)) == 0 {
			t.Errorf("%s does not notice that %s has another name\n%s", q.where, name, q.expr)
		}
	}
}

// askedAlone returns the names that a selector of a query selects and no other name beside it,
// with the first query of each. A selector for several names still finds the others when one
// has another name.
func askedAlone(t *testing.T, known series, queries []asked) map[string]asked {
	t.Helper()
	alone := map[string]asked{}
	for _, q := range queries {
		expr, err := parsed(strings.ReplaceAll(q.expr, "$role", "client"))
		if err != nil {
			t.Fatal(err)
		}
		for _, selector := range parser.ExtractSelectors(expr) {
			if names := known.named(selector); len(names) == 1 && alone[names[0]].expr == "" {
				alone[names[0]] = q
			}
		}
	}
	if len(alone) < 60 {
		t.Errorf("the queries ask for %d names, want 60 at least: does the test still find them?", len(alone))
	}
	return alone
}
