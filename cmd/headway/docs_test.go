package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/slo/rules"
)

// root is the folder of the repository.
const root = "../.."

// document is a page of the docs or an example, by its path from the root.
type document struct{ path, text string }

// documents returns everything that users read, run or copy.
func documents(t *testing.T) []document {
	t.Helper()
	paths := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, folder := range []string{"docs", "deploy"} {
		err := fs.WalkDir(os.DirFS(root), folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && !slices.Contains([]string{".svg", ".png"}, filepath.Ext(path)) {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []document
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, document{path, string(text)})
	}
	return all
}

// problems returns every name in d that leads nowhere, and every other fault.
func (k *known) problems(d document) []string {
	var all []string
	for _, check := range []func(document) []string{
		k.variables, k.openTelemetry, k.defaults, k.metrics, k.labels, k.records, k.alerts, k.attributes,
		k.links, k.paths, k.commands, k.flags, k.targets, k.tests, k.endpoints, k.collectors, k.images, k.files, tables,
		k.values, faults, ports, k.pages, k.templates, objectives, prices, rows,
	} {
		all = append(all, check(d)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestDocsAndExamplesNameOnlyThingsThatExist(t *testing.T) {
	k := knownThings(t)
	for _, d := range documents(t) {
		for _, problem := range k.problems(d) {
			t.Errorf("%s: %s", d.path, problem)
		}
	}
}

// Each case plants a fault in a page that is right without it.
func TestTheCheckOfTheDocsFindsPlantedFaults(t *testing.T) {
	k := knownThings(t)
	for _, c := range []struct{ name, right, wrong, want string }{
		{"price file", "```yaml\ncurrency: USD\nprices: [{model: m, per_request: 1}]\n```", "```yaml\ncurrency: USD\nprices: [{model: m, per_request: 1, from: July}]\n```", "prices.yaml:2: prices[0].from: \"July\" is no date; write 2026-07-01; it begins at midnight UTC"},
		{"variable", "`HEADWAY_UPSTREAM`", "`HEADWAY_UPSTRAEM`", "no variable HEADWAY_UPSTRAEM"},
		{"variable in YAML", "{name: HEADWAY_ROLE}", "{name: HEADWAY_ROLES}", "no variable HEADWAY_ROLES"},
		{"variables by their beginning", "`HEADWAY_SPOOL_…`", "`HEADWAY_SPOON_…`", "no variable HEADWAY_SPOON_…"},
		{"variable of OpenTelemetry", "`OTEL_SERVICE_NAME`", "`OTEL_SERVICES_NAME`", "headway reads no OTEL_SERVICES_NAME"},
		{"default", "| variable | default |\n| --- | --- |\n| `HEADWAY_PREWARM` | `2` |", "| variable | default |\n| --- | --- |\n| `HEADWAY_PREWARM` | `3` |", "HEADWAY_PREWARM is 2 by default, not 3"},
		{"defaults of two", "| setting | default |\n| --- | --- |\n| `HEADWAY_PREWARM`, `HEADWAY_STATE_DIR` | `2`, — |", "| setting | default |\n| --- | --- |\n| `HEADWAY_PREWARM`, `HEADWAY_STATE_DIR` | `2`, `/tmp` |", "HEADWAY_STATE_DIR is — by default, not /tmp"},
		{"default of a flag", "| flag | default |\n| --- | --- |\n| `headway sim --step` | `12ms` |", "| flag | default |\n| --- | --- |\n| `headway sim --step` | `21ms` |", "headway sim --step is 12ms by default, not 21ms"},
		{"metric", "`headway_requests_total`", "`headway_request_total`", "no metric headway_request_total"},
		{"counter without its ending", "`rate(headway_requests_total[5m])`", "`rate(headway_requests[5m])`", "no metric headway_requests"},
		{"buckets of a histogram", "headway_chain_attempts_bucket", "headway_requests_total_bucket", "no metric headway_requests_total_bucket"},
		{"metric of the conventions", "gen_ai_client_token_usage", "gen_ai_client_tokens_usage", "no metric gen_ai_client_tokens_usage"},
		{"metrics by their beginning", "`headway_chain_*`", "`headway_train_*`", "no metric headway_train_*"},
		{"label", `headway_requests_total{outcome="ok"}`, `headway_requests_total{slo="ok"}`, "headway_requests_total has no label slo"},
		{"label without a value", "`headway_export_dropped_total{signal}`", "`headway_export_dropped_total{signals}`", "headway_export_dropped_total has no label signals"},
		{"label of a grouping", "sum by (model, le) (x)", "sum by (modell, le) (x)", "no metric has a label modell"},
		{"value of a label", `headway_requests_total{outcome="client_gone"}`, `headway_requests_total{outcome="client_left"}`, `no outcome is "client_left"`},
		{"recorded series", "headway_slo:burn_rate:ratio", "headway_slo:burned_rate:ratio", "no rule records headway_slo:burned_rate:ratio"},
		{"alert", "HeadwaySLOAbsent", "HeadwaySLOAbscent", "no alert HeadwaySLOAbscent"},
		{"attribute of a span", "`headway.chain.attempts`", "`headway.chain.tries`", "no attribute headway.chain.tries"},
		{"link", "[x](docs/slos.md)", "[x](docs/slo.md)", "docs/slo.md is not there"},
		{"anchor", "[x](docs/slos.md#alerts)", "[x](docs/slos.md#alarms)", "docs/slos.md has no heading #alarms"},
		{"anchor of the page itself", "## Two words\n[x](#two-words)", "## Two words\n[x](#to-words)", "README.md has no heading #to-words"},
		{"path", "see deploy/kubernetes/job.yaml.", "see deploy/kubernetes/jobs.yaml.", "deploy/kubernetes/jobs.yaml is not there"},
		{"program", "`bin/headway-bench`", "`bin/headway-benches`", "bin/headway-benches is not there"},
		{"command", "`headway report x`", "`headway reports x`", "no command headway reports"},
		{"command in a block", "    $ bin/headway report x", "    $ bin/headway reports x", "no command headway reports"},
		{"subcommand", "`headway redirect show`", "`headway redirect list`", "no command headway redirect list"},
		{"flag of a command", "`headway redirect show --installed`", "`headway redirect remove --installed`", "headway redirect remove has no --installed"},
		{"flag after a variable", "```\nHEADWAY_ROLE=client headway run --check\n```", "```\nHEADWAY_ROLE=client headway run --chek\n```", "headway run has no --chek"},
		{"flag by itself", "`--goodput`", "`--goodputs`", "no command has --goodputs"},
		{"flag of the benchmark", "`bin/headway-bench -output json`", "`bin/headway-bench -outputs json`", "headway-bench has no -outputs"},
		{"target of make", "`make demo`", "`make demos`", "no target demos"},
		{"test", "`TestConformance`", "`TestConformity`", "no test TestConformity"},
		{"endpoint", "`/healthz/ready`", "`/healthz/readiness`", "the admin port has no /healthz/readiness"},
		{"endpoint in a command", "    curl -s http://127.0.0.1:8481/api/v1/slo", "    curl -s http://127.0.0.1:8481/api/v1/slos", "the admin port has no /api/v1/slos"},
		{"collector", "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-gateway:4317", "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-gate:4317", "deploy has no service otel-gate:4317"},
		{"port of the collector", "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-gateway:4318", "OTEL_EXPORTER_OTLP_ENDPOINT=http://otel-gateway:4319", "deploy has no service otel-gateway:4319"},
		{"image", "image: headway:VERSION", "image: headway", "the image is headway:VERSION, not headway"},
		{"name of the SLO file", "HEADWAY_SLO_FILE=slos.yaml", "HEADWAY_SLO_FILE=slo.yaml", "the SLO file of the examples is slos.yaml, not slo.yaml"},
		{"name of the SLO file of a command", "`headway rules --slo slos.yaml`", "`headway rules --slo slo.yaml`", "the SLO file of the examples is slos.yaml, not slo.yaml"},
		{"value of a variable", "`HEADWAY_HISTOGRAMS=classic`", "`HEADWAY_HISTOGRAMS=native_only`", `HEADWAY_HISTOGRAMS: `},
		{"value in YAML", "{name: HEADWAY_ROLE, value: server}", "{name: HEADWAY_ROLE, value: sever}", `HEADWAY_ROLE: `},
		{"value in YAML on two lines", "- name: HEADWAY_PREWARM\n  value: \"2\"", "- name: HEADWAY_PREWARM\n  value: \"two\"", `HEADWAY_PREWARM: `},
		{"value in a command", "    HEADWAY_UPSTREAM=http://localhost:8000 headway run", "    HEADWAY_UPSTREAM=localhost:8000 headway run", `HEADWAY_UPSTREAM: `},
		{"value of a variable of OpenTelemetry", "`OTEL_EXPORTER_OTLP_PROTOCOL=grpc`", "`OTEL_EXPORTER_OTLP_PROTOCOL=grcp`", `OTEL_EXPORTER_OTLP_PROTOCOL: `},
		{"fault of the demo", "`headway demo fault http=503:0.5`", "`headway demo fault htpp=503:0.5`", `headway demo fault: "htpp=503:0.5": there is no fault "htpp"; did you mean http?`},
		{"value of a fault", "    headway sim --fault http=503:0.1", "    headway sim --fault http=5:0.1", `headway sim: `},
		{"faults by HTTP", "`curl -T - URL/sim/faults <<< cut@20:0.5`", "`curl -T - URL/sim/faults <<< cutt@20:0.5`", `fault rule "cutt@20:0.5": `},
		{"fault of a request", "`X-Sim-Fault: stall=1s@12`", "`X-Sim-Fault: stall=1@12`", `fault "stall=1@12": `},
		{"fault in a list", "`reset@20`", "`rest@20`", `fault "rest@20": `},
		{"value of a flag", "`headway report x --by model`", "`headway report x --by upstraem`", `headway report: --by "upstraem": want model, upstream or operation; did you mean upstream?`},
		{"format of rules", "`headway rules --format mimir`", "`headway rules --format mimr`", `headway rules: `},
		{"SLO file", "```yaml\nslos:\n  - name: a\n    match: {operation: chat}\n    objective: 99\n    window: 30d\n    good: {ttft: 1s}\n```", "```yaml\nslos:\n  - name: a\n    mach: {operation: chat}\n    objective: 99\n    window: 30d\n    good: {ttft: 1s}\n```", "slos.yaml:3: slos[0].mach: there is no such key; did you mean match?"},
		{"endpoint of curl", "    curl localhost:8481/metrics", "    curl localhost:8481/metricz", "the admin port has no /metricz"},
		{"port", "    curl localhost:8481/metrics", "    curl localhost:8418/metrics", "nothing listens on port 8418"},
		{"port of the traffic", "    curl localhost:8481/metrics", "    curl localhost:8480/metrics", "/metrics is on the admin port, not on 8480"},
		{"page in the web", "https://github.com/headway-sidecar/headway/blob/main/docs/slos.md", "https://github.com/headway-sidecar/headway/blob/main/docs/nope.md", "docs/nope.md is not there"},
		{"anchor in code", "`docs/slos.md#alerts`", "`docs/slos.md#alarms`", "docs/slos.md has no heading #alarms"},
		{"label of a template", "{{ $labels.model }}", "{{ $labels.modell }}", "no metric has a label modell"},
		{"row with a bar too many", "| a | b |\n| --- | --- |\n| `x\\|y` | z |\n", "| a | b |\n| --- | --- |\n| `x|y` | z |\n", "3 cells, where the table has 2: | `x|y` | z |"},
		{"row with a cell too few", "| a | b |\n| --- | --- |\n| c | d |\n", "| a | b |\n| --- | --- |\n| c |\n", "1 cells, where the table has 2: | c |"},
		{"table", "| a |\n| --- |\n| b |\n", "| a |\n| --- |\n| b |\n\n| c |\n", "a blank line breaks the table before | c |"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := k.problems(document{"README.md", c.right}); len(got) > 0 {
				t.Errorf("the right text: %q", got)
			}
			got := k.problems(document{"README.md", c.wrong})
			if strings.HasSuffix(c.want, ": ") && len(got) == 1 && strings.HasPrefix(got[0], c.want) {
				return // the rest is for the tests of the parser that said it
			}
			if !slices.Equal(got, []string{c.want}) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The rules that users load are checked like the pages: no rule may wait for a metric
// that nothing measures.
func TestRulesNameOnlyMetricsThatExist(t *testing.T) {
	k := knownThings(t)
	for _, format := range []string{"prometheus", "operator", "mimir"} {
		text := run(t, "rules", "--slo", "demo.slo.yaml", "--format", format)
		for _, problem := range k.problems(document{"deploy/rendered.rules.yaml", text}) {
			t.Errorf("%s: %s", format, problem)
		}
	}
}

func TestHelpNamesOnlyPagesAndVariablesThatExist(t *testing.T) {
	k := knownThings(t)
	pages := 0
	for _, c := range commands() {
		d := document{"headway " + c.name + " -h", run(t, c.name, "-h")}
		pages += strings.Count(d.text, "docs/")
		for _, problem := range slices.Concat(k.paths(d), k.variables(d), k.metrics(d)) {
			t.Errorf("%s: %s", d.path, problem)
		}
	}
	if pages == 0 {
		t.Error("no help names a page")
	}
}

func TestTheReadmeLeadsToEveryPage(t *testing.T) {
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(len(pages), err)
	}
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if link := "(docs/" + filepath.Base(page) + ")"; !strings.Contains(string(readme), link) {
			t.Errorf("no link %s", link)
		}
	}
}

// Users copy the SLO files and the OpenSLO documents that the pages show.
func TestSLOFilesInTheDocsAreValid(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		for _, block := range matches("(?ms)^```yaml\n(.*?)^```", d.text) {
			if !strings.HasPrefix(block, "slos:") && !strings.HasPrefix(block, "apiVersion: openslo/") {
				continue
			}
			found++
			if _, _, err := config.ParseSLOs(d.path, []byte(block), rules.Options{}); err != nil {
				t.Errorf("%v in\n%s", err, block)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d files", found)
	}
}

// code returns the code in a page: spans between backquotes, and the lines of blocks.
// All of an example that is no page is code.
func (d document) code() (spans, lines []string) {
	if filepath.Ext(d.path) != ".md" {
		for line := range strings.SplitSeq(d.text, "\n") {
			if _, comment, ok := strings.Cut(line, "#"); ok {
				spans = append(spans, betweenQuotes(comment)...)
			}
		}
		return spans, nil
	}
	fenced := false
	for line := range strings.SplitSeq(d.text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced, strings.HasPrefix(line, "    "):
			lines = append(lines, strings.TrimSpace(line))
		default:
			spans = append(spans, betweenQuotes(line)...)
		}
	}
	return spans, lines
}

var quoted = regexp.MustCompile("`([^`]+)`")

func betweenQuotes(text string) []string {
	var all []string
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}
