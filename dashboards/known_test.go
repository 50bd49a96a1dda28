package dashboards_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/slo/rules"
)

// series says of every name that a query may use which labels its series have.
type series map[string][]string

// scraped lists the labels that scrapes add, in the ways of Prometheus and its operator.
var scraped = []string{"job", "instance", "namespace", "pod"}

// add adds the names of an instrument.
func (s series) add(name, kind string, own ...string) {
	s[name] = slices.Concat(own, scraped)
	if kind == string(exporter.Histogram) {
		s[name+"_bucket"] = append(slices.Clone(s[name]), "le")
		s[name+"_sum"], s[name+"_count"] = s[name], s[name]
	}
}

// exported lists the series of headway and of the programs in testdata/others.txt.
func exported(t *testing.T) series {
	t.Helper()
	all := series{}
	for _, names := range exporter.SemConvs() {
		for _, in := range exporter.Table(names) {
			labels := prometheus.Labels(&in)
			if in.PerTenant { // the labels in examples of the docs
				labels = append(labels, "tenant", "team")
			}
			all.add(prometheus.Name(&in), string(in.Kind), labels...)
		}
	}
	others, err := os.ReadFile("testdata/others.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(others)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] != "#" {
			all.add(words[0], words[1], words[2:]...)
		}
	}
	return all
}

// record adds the series that recording rules make. A rule may read what another one
// records, so that the labels spread in rounds.
func (s series) record(t *testing.T, groups []rules.Group) {
	t.Helper()
	for range 5 {
		for _, g := range groups {
			for _, r := range g.Rules {
				if r.Record == "" {
					continue
				}
				expr, err := parsed(r.Expr)
				if err != nil {
					t.Fatal(err)
				}
				of := slices.Concat(s[r.Record], slices.Collect(maps.Keys(r.Labels)), s.walk(expr, func(string) {}))
				slices.Sort(of)
				s[r.Record] = slices.Compact(of)
			}
		}
	}
}

// parsed parses PromQL, with values in place of Grafana's variables.
func parsed(query string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(strings.NewReplacer(
		"$__rate_interval", "5m", "$__range", "1h", "$namespace", ".*", "$pod", ".*", "$model", ".*", "$slo", ".*",
	).Replace(query))
}

// problems returns what is wrong with a query: names and labels that no series has, and
// whatever the parser finds.
func (s series) problems(query string) []string {
	var all []string
	for _, role := range []string{"client", "server"} {
		expr, err := parsed(strings.ReplaceAll(query, "$role", role))
		if err != nil {
			return []string{err.Error()}
		}
		s.walk(expr, func(problem string) { all = append(all, problem) })
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// walk reports the problems of expr and returns the labels of the series in it.
func (s series) walk(node parser.Node, report func(string)) []string {
	var of []string
	if selected, ok := node.(*parser.VectorSelector); ok {
		return s.selected(selected, report)
	}
	for child := range parser.ChildrenIter(node) {
		of = append(of, s.walk(child, report)...)
	}
	switch n := node.(type) {
	case *parser.AggregateExpr:
		missing(n.Grouping, of, report)
		if !n.Without && n.Op != parser.TOPK && n.Op != parser.BOTTOMK {
			return n.Grouping
		}
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			missing(n.VectorMatching.MatchingLabels, of, report)
			missing(n.VectorMatching.Include, of, report)
		}
	}
	return of
}

func missing(want, have []string, report func(string)) {
	for _, label := range want {
		if !slices.Contains(have, label) {
			report("no series in it has the label " + label)
		}
	}
}

// selected reports the problems of a selector and returns the labels of its series.
func (s series) selected(v *parser.VectorSelector, report func(string)) []string {
	names := s.named(v.LabelMatchers)
	if len(names) == 0 {
		report("no series is called " + v.String())
		return nil
	}
	for _, name := range names {
		for _, m := range v.LabelMatchers {
			if m.Name != model.MetricNameLabel && !slices.Contains(s[name], m.Name) {
				report(fmt.Sprintf("%s has no label %s", name, m.Name))
			}
		}
	}
	return s[names[0]]
}

// named lists the names that the matchers select.
func (s series) named(matchers []*labels.Matcher) (names []string) {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel {
			for name := range s {
				if m.Matches(name) {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

var legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// legend returns what is wrong with the name of a query's lines: a label that its result
// lacks.
func (s series) legend(query, name string) []string {
	expr, err := parsed(strings.ReplaceAll(query, "$role", "client"))
	if err != nil {
		return nil // problems says so
	}
	var all []string
	have := s.walk(expr, func(string) {})
	for _, label := range legendLabel.FindAllStringSubmatch(name, -1) {
		if !slices.Contains(have, label[1]) {
			all = append(all, fmt.Sprintf("the result has no label %s for the legend %s", label[1], name))
		}
	}
	return all
}
