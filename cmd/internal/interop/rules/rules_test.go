//go:build interop

package rules_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// ruleScenarios is the folder of rendered rules, and of promtool scenarios for them:
// series of numbers and the alerts that must fire.
const ruleScenarios = "slo/rules/testdata"

// TestInteropRulesPassPromtool checks with promtool that Prometheus reads the rules
// that headway renders, and that every alert fires and clears when it should.
func TestInteropRulesPassPromtool(t *testing.T) {
	promtool := interop.Tool(t, "bin/promtool")
	scenarioDir := interop.Path(t, ruleScenarios)
	rendered, err := filepath.Glob(scenarioDir + "/*.rules.yaml")
	if err != nil || len(rendered) == 0 {
		t.Fatalf("no rules in %s: %v", scenarioDir, err)
	}
	check := append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, rendered...)
	mimir := []string{"check", "rules", "--lint=all", "--lint-fatal", "--ignore-unknown-fields", scenarioDir + "/chat.mimir.yaml"}
	for _, args := range [][]string{check, mimir} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	scenarios, err := filepath.Glob(scenarioDir + "/*.test.yaml")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios in %s: %v", scenarioDir, err)
	}
	for _, file := range scenarios {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if out, err := exec.Command(promtool, "test", "rules", inFileOrder(t, file)).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// inFileOrder copies a scenario and its rules, and names the order in which promtool
// evaluates the groups: that of the file. Otherwise promtool chooses an order by chance,
// and a group that sums the recordings of another misses the last one now and then.
func inFileOrder(t *testing.T, scenario string) string {
	t.Helper()
	text, err := os.ReadFile(scenario)
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "rule_files: [")
	name, _, _ := strings.Cut(list, "]")
	rules, err := os.ReadFile(filepath.Join(filepath.Dir(scenario), name))
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for line := range strings.Lines(string(rules)) {
		if group, ok := strings.CutPrefix(line, "- name: "); ok {
			groups = append(groups, strings.TrimSpace(group))
		}
	}
	if len(groups) == 0 {
		t.Fatalf("no groups in %s", name)
	}
	dir := t.TempDir()
	ordered := filepath.Join(dir, filepath.Base(scenario))
	write(t, filepath.Join(dir, name), string(rules))
	write(t, ordered, "group_eval_order: ["+strings.Join(groups, ", ")+"]\n"+string(text))
	return ordered
}

// TestInteropRuleScenariosCanFail runs a scenario with a wrong factor in its rules. A
// scenario without assertions would pass even then.
func TestInteropRuleScenariosCanFail(t *testing.T) {
	text, err := os.ReadFile(interop.Path(t, ruleScenarios+"/chat.test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	broken, err := os.ReadFile(interop.Path(t, ruleScenarios+"/chat.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "chat.rules.yaml"), strings.ReplaceAll(string(broken), "> 14.4 * 0.01", "> 14.3 * 0.01"))
	test := filepath.Join(dir, "chat.test.yaml")
	write(t, test, string(text))
	out, err := exec.Command(interop.Tool(t, "bin/promtool"), "test", "rules", "--run=HeadwaySLOBurnPageFast at", test).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "exp: nil") {
		t.Errorf("a factor of 14.3 passes the scenario of 14.4: %v\n%s", err, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The fleet of TestInteropRulesEvaluateInTime has counters as if Prometheus scraped
// them every 15 s. They are in Prometheus's head, as in production the counters of the
// last minutes are, and continue beyond the end of the test. For the time before, the
// test has only the series that the rules recorded, in a block.
const (
	fleetPods, fleetModels = 200, 5
	fleetStep              = 15 * time.Second
	fleetBefore            = 6 * time.Minute
	fleetAfter             = 3 * time.Minute
	// mostReadings is how many times as long as one reading of all series a group may take.
	mostReadings = 4
)

const fleetSLO = `slos:
  - name: chat
    objective: 99
    window: 30d
    good: {ttft: 500ms, tpot: 50ms, itl_p99: 200ms, e2e: 20s}
    alerting: {page: true, ticket: true}
`

// TestInteropRulesEvaluateInTime measures each evaluation of the rule groups of one SLO
// in a real Prometheus, over the metrics of 200 pods with 5 models and 30 days of
// recorded rates. Prometheus evaluates the same expressions as in production, but more
// often.
func TestInteropRulesEvaluateInTime(t *testing.T) {
	dir := t.TempDir()
	data, slos, rules := filepath.Join(dir, "data"), filepath.Join(dir, "slo.yaml"), filepath.Join(dir, "rules.yaml")
	now := time.Now()
	backfill(t, data, now)
	write(t, slos, fleetSLO)
	text, err := exec.Command(string(interop.Build(t)), "rules", "--slo", slos).Output()
	if err != nil {
		t.Fatal(err)
	}
	often := strings.NewReplacer("interval: 30s", "interval: 2s", "interval: 5m", "interval: 4s", "interval: 1m", "interval: 3s").Replace(string(text))
	write(t, rules, often)
	prometheus := startRuler(t, dir, data, rules)
	writeFleet(t, prometheus, now)
	prometheus.EventuallyIs(t, "count(headway_slo:goodput:tokens_rate)", 1)

	times := map[string][]time.Duration{}
	reading := time.Duration(math.MaxInt64) // of all series, once
	interop.Eventually(t, 90*time.Second, func() error { return gatherEvaluations(prometheus.API, times, &reading, 12) })
	t.Logf("one reading of all series takes %s", reading)
	t.Logf("%v series of requests, %v samples of each in a window", prometheus.Value(t, `count(headway_slo_requests_total)`),
		prometheus.Value(t, `min(count_over_time(headway_slo_requests_total[5m]))`))
	logSlowest(t, prometheus.API)
	for _, group := range slices.Sorted(maps.Keys(times)) {
		all := times[group]
		slices.Sort(all)
		median := all[len(all)/2]
		t.Logf("%s: %d evaluations, median %s, from %s to %s", group, len(all), median, all[0], all[len(all)-1])
		if all[0] > mostReadings*reading { // the fastest, because other work of the machine slows the rest down
			t.Errorf("%s takes %s at least, more than %d times the %s of one reading", group, all[0], mostReadings, reading)
		}
	}
}

// backfill writes a block with the series that the rules would have recorded in the 30
// days before the fleet's counters begin. The block ends before the counters, because
// Prometheus accepts no samples older than the end of a block.
func backfill(t *testing.T, data string, now time.Time) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openmetrics")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "# TYPE headway_slo:requests:rate gauge")
	for verdict, rate := range map[string]int64{"good": 30000, "bad": 100} {
		for at := now.Add(-30 * 24 * time.Hour).Unix(); at < now.Add(-fleetBefore-time.Minute).Unix(); at += 30 {
			fmt.Fprintf(w, "headway_slo:requests:rate{slo=\"chat\",verdict=%q} %d %d\n", verdict, rate+at%7, at)
		}
	}
	fmt.Fprintln(w, "# EOF")
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interop.Tool(t, "bin/promtool"), "tsdb", "create-blocks-from", "--quiet", "--max-block-duration=1440h", "openmetrics", path, data).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool tsdb create-blocks-from: %v\n%s", err, out)
	}
}

// writeFleet sends the fleet's metrics about one SLO to p, with one request for each
// pod.
func writeFleet(t *testing.T, p interop.Prometheus, now time.Time) {
	t.Helper()
	interop.Eventually(t, 30*time.Second, func() error { _, err := p.Query("vector(1)"); return err })
	good, bad := []string{"verdict", "good", "missed", "none"}, []string{"error", "ttft", "tpot", "itl_p99", "e2e"} // bad has everything that fleetSLO can miss
	for pod := range fleetPods {
		place := []string{"slo", "chat", "namespace", "shop", "pod", fmt.Sprintf("chat-%d", pod)}
		var r remoteWrite
		series := func(name string, perStep float64, labels ...string) {
			r.add(name, slices.Concat(place, labels), now, perStep)
		}
		series("headway_slo_objective_ratio", 0)
		for model := range fleetModels {
			exchange := []string{"operation", "chat", "model", fmt.Sprintf("model-%d", model), "upstream", "api.openai.com:443"}
			series("headway_slo_requests_total", 450, slices.Concat(exchange, good)...)
			for _, missed := range bad {
				series("headway_slo_requests_total", 1, slices.Concat(exchange, []string{"verdict", "bad", "missed", missed})...)
			}
			series("headway_slo_tokens_total", 9000, slices.Concat(exchange, good[:2])...)
			series("headway_slo_tokens_total", 20, slices.Concat(exchange, []string{"verdict", "bad"})...)
			series("headway_slo_tokens_on_time_total", 8900, exchange...)
			series("headway_slo_tokens_timed_total", 9000, exchange...)
		}
		if err := r.send(p.API + "write"); err != nil {
			t.Fatal(err)
		}
	}
}

// remoteWrite is a WriteRequest of Prometheus's remote-write protocol, 1.0.
type remoteWrite struct{ message []byte }

// add adds a counter that grows by perStep.
func (r *remoteWrite) add(name string, labels []string, now time.Time, perStep float64) {
	pairs := append([]string{"__name__", name}, labels...)
	sorted := make([][2]string, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		sorted = append(sorted, [2]string{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(sorted, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	var series []byte
	for _, pair := range sorted {
		label := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), pair[0])
		label = protowire.AppendString(protowire.AppendTag(label, 2, protowire.BytesType), pair[1])
		series = protowire.AppendBytes(protowire.AppendTag(series, 1, protowire.BytesType), label)
	}
	value := 0.
	for at := now.Add(-fleetBefore); at.Before(now.Add(fleetAfter)); at = at.Add(fleetStep) {
		sample := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(value))
		sample = protowire.AppendVarint(protowire.AppendTag(sample, 2, protowire.VarintType), uint64(at.UnixMilli()))
		series = protowire.AppendBytes(protowire.AppendTag(series, 2, protowire.BytesType), sample)
		value += perStep
	}
	r.message = protowire.AppendBytes(protowire.AppendTag(r.message, 1, protowire.BytesType), series)
}

func (r *remoteWrite) send(url string) error {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(snappy.Encode(nil, r.message)))
	if err != nil {
		return err
	}
	request.Header = http.Header{
		"Content-Type": {"application/x-protobuf"}, "Content-Encoding": {"snappy"}, "X-Prometheus-Remote-Write-Version": {"0.1.0"},
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("remote write: %s: %s", response.Status, text)
	}
	return err
}

// startRuler starts a Prometheus that evaluates rules over data and scrapes nothing.
func startRuler(t *testing.T, dir, data, rules string) interop.Prometheus {
	t.Helper()
	config, address := filepath.Join(dir, "prometheus.yml"), interop.FreeAddress(t)
	write(t, config, fmt.Sprintf("rule_files: [%q]\n", rules))
	interop.Start(t, nil, interop.Tool(t, "bin/prometheus"),
		"--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=60d",
		"--web.enable-remote-write-receiver", "--web.listen-address="+address)
	return interop.Prometheus{API: "http://" + address + "/api/v1/"}
}

// ruleGroups is Prometheus's answer about the last evaluation of each rule, with times
// in seconds.
type ruleGroups struct {
	Data struct {
		Groups []struct {
			Name           string
			EvaluationTime float64
			Rules          []struct {
				Name, Query, Health, LastError string
				EvaluationTime                 float64
			}
		}
	}
}

// gatherEvaluations adds the times of the rule groups' latest evaluations to times. It
// returns an error until every group has enough of them, and for good if a rule fails.
func gatherEvaluations(api string, times map[string][]time.Duration, reading *time.Duration, enough int) error {
	var answer ruleGroups
	if err := interop.GetJSON(api+"rules", &answer); err != nil {
		return err
	}
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			if r.Health != "ok" {
				return fmt.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
			}
			if r.Name == "headway_slo:requests:rate" && r.EvaluationTime > 0 {
				*reading = min(*reading, time.Duration(r.EvaluationTime*float64(time.Second)))
			}
		}
		took := time.Duration(g.EvaluationTime * float64(time.Second))
		if !slices.Contains(times[g.Name], took) {
			times[g.Name] = append(times[g.Name], took)
		}
	}
	for name, all := range times {
		if len(all) < enough {
			return fmt.Errorf("%s was evaluated %d times", name, len(all))
		}
	}
	return nil
}

// logSlowest logs the rules with the longest last evaluations.
func logSlowest(t *testing.T, api string) {
	t.Helper()
	var answer ruleGroups
	if err := interop.GetJSON(api+"rules", &answer); err != nil {
		t.Fatal(err)
	}
	for _, g := range answer.Data.Groups {
		slices.SortFunc(g.Rules, func(a, b struct {
			Name, Query, Health, LastError string
			EvaluationTime                 float64
		}) int {
			return cmp.Compare(b.EvaluationTime, a.EvaluationTime)
		})
		for _, r := range g.Rules[:3] {
			t.Logf("%s: %.1f ms for %s: %s", g.Name, 1000*r.EvaluationTime, r.Name, r.Query)
		}
	}
}
