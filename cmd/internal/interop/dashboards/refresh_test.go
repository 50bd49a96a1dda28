//go:build interop

package dashboards_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	stage "github.com/headway-sidecar/headway/cmd/internal/interop/dashboards"
	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// scraping is how often Prometheus scrapes, as it stands in Grafana's data source.
const scraping = 30 * time.Second

// TestInteropFleetRefresh times each query of every dashboard with --recorded over 200 pods of
// 5 models and 6 hours, with the range and the step that Grafana asks for on a page 1280 px
// wide, in a Prometheus that has the rules' series as shipped. All queries of a panel together
// may take 2 s of CPU, and one evaluation of the rules less than their interval. It takes
// minutes, so that it runs only with HEADWAY_TEST_FLEET=1.
func TestInteropFleetRefresh(t *testing.T) {
	if os.Getenv("HEADWAY_TEST_FLEET") == "" {
		t.Skip("HEADWAY_TEST_FLEET is not set")
	}
	const slowest, interval = 2 * time.Second, time.Minute
	queries, recording := refreshes(t), recordingRules(t)
	f := stage.Fleet{Pods: 200, Models: 5, Span: 6 * time.Hour, End: time.Now().Truncate(time.Minute), Names: asked(queries, recording)}
	data := t.TempDir()
	others, err := os.ReadFile(interop.Path(t, "dashboards/testdata/others.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := f.Write(data, scrape(t), others)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pods have %d series", f.Pods, n)
	if took := record(t, f, data, recording); took > interval {
		t.Errorf("the rules take %s, longer than their interval", took)
	}
	p := stage.Over(t, data)
	panels := map[string]time.Duration{}
	for i := range queries {
		q := &queries[i]
		q.took = p.CPU(t, func() { q.series = q.ask(t, p, f) })
		panels[q.panel] += q.took
	}
	slices.SortStableFunc(queries, func(a, b refresh) int { return int(b.took - a.took) })
	for _, q := range queries[:10] {
		t.Logf("query %s: %s, %d series, a value every %s\n%s", q.took, q.panel, q.series, q.step(f.Span), q.expr)
	}
	names := slices.SortedFunc(maps.Keys(panels), func(a, b string) int { return int(panels[b] - panels[a]) })
	for _, name := range names[:10] {
		t.Logf("panel %s: %s", panels[name], name)
	}
	if most := names[0]; panels[most] > slowest {
		t.Errorf("%s takes %s, want %s at most", most, panels[most], slowest)
	}
}

// refresh is a query of a panel, and how it went.
type refresh struct {
	panel, expr string
	width       int // of the panel in px
	instant     bool
	series      int
	took        time.Duration
}

// refreshes lists the queries of the dashboards that read recorded series.
func refreshes(t *testing.T) (all []refresh) {
	t.Helper()
	built, err := dashboards.All(dashboards.Options{Recorded: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range built {
		var g struct {
			Panels []struct {
				Title   string
				GridPos struct{ W int }
				Targets []struct {
					Expr    string
					Instant bool
				}
			}
		}
		if err := json.Unmarshal(d.JSON, &g); err != nil {
			t.Fatal(err)
		}
		for _, p := range g.Panels {
			for _, target := range p.Targets {
				all = append(all, refresh{panel: d.UID + ": " + p.Title, expr: target.Expr, width: 1280 * p.GridPos.W / 24, instant: target.Instant})
			}
		}
	}
	if len(all) < 150 {
		t.Fatalf("%d queries", len(all))
	}
	return all
}

// step is the time between two values: a pixel for each, rounded as Grafana rounds it, and no
// less than the scrapes are apart.
func (q refresh) step(span time.Duration) time.Duration {
	switch apart := span / time.Duration(q.width); {
	case apart <= 45*time.Second:
		return scraping
	case apart <= 90*time.Second:
		return time.Minute
	default:
		return 2 * time.Minute
	}
}

// ask asks p the query as Grafana does, with all variables at All, and returns the number of
// series in the answer.
func (q refresh) ask(t *testing.T, p stage.Stored, f stage.Fleet) int {
	t.Helper()
	step := q.step(f.Span)
	expr := strings.NewReplacer(
		"$__rate_interval", max(step+scraping, 4*scraping).String(), "$__range", f.Span.String(), "$role", "client|server",
		"$namespace", ".*", "$pod", ".*", "$model", ".*", "$cell", ".*", "$slo", ".*",
	).Replace(q.expr)
	at := func(when time.Time) string { return strconv.FormatInt(when.Unix(), 10) }
	if q.instant {
		return len(results(t, p, "query", url.Values{"query": {expr}, "time": {at(f.End)}}))
	}
	return len(results(t, p, "query_range", url.Values{
		"query": {expr}, "start": {at(f.End.Add(-f.Span))}, "end": {at(f.End)}, "step": {step.String()},
	}))
}

type result struct {
	Metric map[string]string
	Value  [2]any
}

func results(t *testing.T, p stage.Stored, path string, query url.Values) []result {
	t.Helper()
	client := http.Client{Timeout: 3 * time.Minute} // queries that take seconds take longer on a busy machine
	response, err := client.PostForm(p.API+path, query)
	if err != nil {
		t.Fatalf("%s: %v", query.Get("query"), err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error string
		Data  struct{ Result []result }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %s %v", query.Get("query"), answer.Error, err)
	}
	return answer.Data.Result
}

// recordingRules lists the rules that a fleet loads: those of the dashboards and those of the
// demo's SLOs.
func recordingRules(t *testing.T) (all []rules.Rule) {
	t.Helper()
	text, err := dashboards.Rules(dashboards.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []rules.Group }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	path := interop.Path(t, "cmd/internal/interop/dashboards/slos.yaml")
	objectives, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = objectives.Close() }()
	set, _, err := slo.Parse(path, objectives)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range slices.Concat(file.Groups, rules.Render(set, rules.Options{})) {
		all = append(all, slices.DeleteFunc(g.Rules, func(r rules.Rule) bool { return r.Record == "" })...)
	}
	return all
}

// asked returns a function that says whether a query or a rule asks for a name.
func asked(queries []refresh, recording []rules.Rule) func(name string) bool {
	var text strings.Builder
	for _, q := range queries {
		text.WriteString(q.expr + "\n")
	}
	for _, r := range recording {
		text.WriteString(r.Expr + "\n")
	}
	all := text.String() + "gen_ai_client_operation_time_to_first_chunk_seconds_bucket"
	return func(name string) bool { return strings.Contains(all, name) }
}

// scrape returns the metrics of a demo with faults of every kind, after some traffic.
func scrape(t *testing.T) []byte {
	t.Helper()
	demo := stage.StartDemo(t, interop.Build(t))
	demo.Ask(t)
	interop.Eventually(t, time.Minute, func() error {
		n, err := demo.Query(`sum(headway_slo_missed_total > 2)`)
		if err == nil && n < 20 {
			err = fmt.Errorf("%v requests missed an SLO, want more", n)
		}
		return err
	})
	return []byte(interop.Fetch(t, demo.Metrics))
}

// record evaluates the rules once and writes their results as the course of the whole span. It
// returns the CPU time that the evaluation took. Rules that read recorded series come in a
// second turn.
func record(t *testing.T, f stage.Fleet, data string, recording []rules.Rule) (total time.Duration) {
	t.Helper()
	for turn := 2; turn <= 3; turn++ {
		var all []stage.Recorded
		var again []rules.Rule
		p := stage.Over(t, data)
		for _, r := range recording {
			took := p.CPU(t, func() {
				found := results(t, p, "query", url.Values{"query": {r.Expr}, "time": {strconv.FormatInt(f.End.Unix(), 10)}})
				if len(found) == 0 {
					again = append(again, r)
				}
				all = append(all, series(t, r, found)...)
			})
			total += took
		}
		p.Stop(t)
		if err := f.WriteRecorded(data, turn, all); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d rules take %s of CPU and record %d series", len(recording), total, len(all))
		recording = again
	}
	return total
}

// series names the results of a rule.
func series(t *testing.T, r rules.Rule, found []result) (all []stage.Recorded) {
	t.Helper()
	for _, one := range found {
		v, err := strconv.ParseFloat(fmt.Sprint(one.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		of := maps.Clone(one.Metric)
		maps.Copy(of, r.Labels)
		of["__name__"] = r.Record
		all = append(all, stage.Recorded{Labels: of, Value: v})
	}
	return all
}
