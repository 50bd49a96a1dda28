package main

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/rules"
)

// known has every name that the docs may use, as the program itself has it.
type known struct {
	environment map[string]string                 // the default of each variable
	otel        map[string]bool                   // OpenTelemetry's variables that headway reads
	metric      map[string][]string               // the labels of each metric of /metrics
	label       map[string]bool                   // of any metric, of a rule or of a scraped target
	value       map[string][]string               // the values of labels with few
	record      map[string]bool                   // series that rules record
	alert       map[string]bool                   // alerts of rules
	command     map[string]map[string]string      // the flags of each command, with defaults
	target      map[string]bool                   // of make
	made        map[string]bool                   // files that make puts into bin
	test        map[string]bool                   // tests, benchmarks and fuzz targets
	attribute   map[string]bool                   // headway's own names in OpenTelemetry
	chain       map[string]bool                   // chains of iptables
	service     map[string]bool                   // host:port of the Services in deploy
	endpoint    map[string]bool                   // paths of the admin port
	heading     func(path string) map[string]bool // the anchors of a page
}

func knownThings(t *testing.T) *known {
	t.Helper()
	k := &known{environment: map[string]string{}, heading: headings(t)}
	for _, v := range config.Variables() {
		k.environment[v.Name] = v.Default
	}
	for _, v := range injector.Variables() {
		k.environment[v.Name] = v.Default
	}
	k.readOpenTelemetry(t)
	k.readMetrics()
	k.readInjector(t)
	k.readRules(t)
	k.readCommands(t)
	k.readSources(t)
	k.readServices(t)
	k.readEndpoints(t)
	k.target = set(matches(`(?m)^([a-z]+):`, read(t, "Makefile")))
	k.made = set(matches(`\b(bin/[a-z-]+(?:\.tar)?)`, read(t, "Makefile")))
	k.chain = set(matches(`(HEADWAY_[A-Z]+)`, run(t, "redirect", "show", "--backend", "iptables", "--inbound-port", "8000")))
	return k
}

// readOpenTelemetry reads the tags of the configuration's fields.
func (k *known) readOpenTelemetry(t *testing.T) {
	t.Helper()
	source := read(t, "cmd/internal/config/opentelemetry.go")
	k.otel = set(matches(`env:"(OTEL_[A-Z_]+)"`, source))
	for _, prefix := range matches(`envPrefix:"([A-Z_]+)"`, source) {
		for _, name := range matches(`env:"([A-Z_]+)"`, source) {
			if !strings.HasPrefix(name, "OTEL_") {
				k.otel[prefix+name] = true
			}
		}
	}
	// docs/opentelemetry.md says that this one has no effect.
	k.otel["OTEL_PROPAGATORS"] = true
}

func (k *known) readMetrics() {
	k.metric, k.label, k.attribute = map[string][]string{}, map[string]bool{}, map[string]bool{}
	for _, names := range []exporter.SemConv{exporter.V141, exporter.V01, exporter.Dup} {
		for _, in := range exporter.Table(names) {
			labels := prometheus.Labels(&in)
			name := prometheus.Name(&in)
			k.metric[name] = labels
			k.attribute[in.Name] = true
			if in.Kind == exporter.Histogram {
				k.metric[name+"_bucket"] = append(slices.Clone(labels), "le")
				k.metric[name+"_sum"], k.metric[name+"_count"] = labels, labels
			}
			maps.Copy(k.label, set(labels))
		}
	}
	for _, i := range exchange.Indicators() {
		k.attribute["headway.limit."+i.String()], k.attribute["headway.limit."+i.String()+".verdict"] = true, true
	}
	// Of buckets; of rules and alerts; of the targets that Prometheus scrapes; of examples of HEADWAY_LABELS.
	maps.Copy(k.label, set([]string{"le", "window", "severity", "alertname", "job", "instance", "namespace", "pod", "cluster", "tenant", "team"}))
	var outcomes []string
	for _, o := range exchange.Outcomes() {
		outcomes = append(outcomes, string(o))
	}
	for _, o := range exchange.ChainOutcomes() {
		outcomes = append(outcomes, string(o))
	}
	for _, o := range exchange.TurnOutcomes() {
		outcomes = append(outcomes, string(o))
	}
	k.value = map[string][]string{
		"outcome": outcomes, "verdict": {"good", "bad"}, "by": {"upstream", "proxy", "client"},
		"source": {string(exchange.Reported), string(exchange.Running), string(exchange.Counted)},
	}
}

// readInjector reads the metrics of the injector from their source.
func (k *known) readInjector(t *testing.T) {
	t.Helper()
	for _, name := range matches(`Name: "(headway_injector_[a-z_]+)"`, read(t, "cmd/internal/injector/metrics.go")) {
		k.metric[name] = []string{"result", "version"}
	}
	k.label["result"] = true
}

// readRules renders rules for the demo's SLOs, and reads those of deploy.
func (k *known) readRules(t *testing.T) {
	t.Helper()
	k.record, k.alert = map[string]bool{}, set(rules.Alerts())
	texts := []string{run(t, "rules", "--slo", "demo.slo.yaml")}
	files, _ := filepath.Glob(root + "/deploy/prometheus/*.rules.yaml")
	for _, file := range files {
		texts = append(texts, read(t, strings.TrimPrefix(file, root+"/")))
	}
	for _, text := range texts {
		maps.Copy(k.record, set(matches(`(?m)record: (\S+)$`, text)))
		maps.Copy(k.alert, set(matches(`(?m)alert: (\S+)$`, text)))
	}
}

// readCommands asks every command for its help.
func (k *known) readCommands(t *testing.T) {
	t.Helper()
	k.command = map[string]map[string]string{}
	for _, c := range commands() {
		help := run(t, c.name, "-h")
		k.command[c.name] = flagsOf(help)
		for _, actions := range matches(`(?m)^(?:usage:)? +headway `+c.name+` ([a-z]+(?:\|[a-z]+)*)\b`, help) {
			for action := range strings.SplitSeq(actions, "|") {
				var help bytes.Buffer // of an action without flags it may be empty
				_ = dispatch(t.Context(), []string{c.name, action, "-h"}, &help, io.Discard)
				k.command[c.name+" "+action] = flagsOf(help.String())
			}
		}
	}
	k.command["headway-bench"] = map[string]string{"h": ""}
	for _, name := range matches(`f\.\w+(?:Var)?\((?:&\w+(?:\.\w+)?, )?"([a-z-]+)"`, read(t, "cmd/headway-bench/options.go")) {
		k.command["headway-bench"][name] = ""
	}
}

// flagsOf reads the flags of a help, and their defaults.
func flagsOf(help string) map[string]string {
	flags := map[string]string{"h": "", "help": ""}
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+).*?(?: \(default (.*)\))?$`).FindAllStringSubmatch(help, -1) {
		flags[m[1]] = m[2]
	}
	return flags
}

// readSources reads the names of tests from all of the tree, and the names of span
// attributes from exporter.
func (k *known) readSources(t *testing.T) {
	t.Helper()
	k.test = map[string]bool{}
	own := regexp.MustCompile(`^headway\.[a-z_.]+$`)
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			maps.Copy(k.test, set(matches(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`, read(t, path))))
		case strings.HasPrefix(path, "exporter/") && filepath.Ext(path) == ".go":
			for _, text := range literals(t, path) {
				if own.MatchString(text) {
					k.attribute[text] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// literals returns the text constants in a Go file.
func literals(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// readServices parses every example, and notes the Services. Templates of a chart are no
// YAML before Helm has rendered them.
func (k *known) readServices(t *testing.T) {
	t.Helper()
	k.service = map[string]bool{}
	for _, d := range documents(t) {
		if filepath.Ext(d.path) != ".yaml" || strings.Contains(d.path, "/templates/") {
			continue
		}
		for decoder := yaml.NewDecoder(bytes.NewReader([]byte(d.text))); ; {
			var object yaml.Node
			if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", d.path, err)
			}
			var service struct {
				Kind     string
				Metadata struct{ Name string }
				Spec     struct{ Ports []struct{ Port int } }
			}
			// Objects of other kinds need not fit.
			if object.Decode(&service) == nil && service.Kind == "Service" {
				for _, p := range service.Spec.Ports {
					k.service[service.Metadata.Name+":"+strconv.Itoa(p.Port)] = true
				}
			}
		}
	}
}

// readEndpoints reads the paths that the sidecar's admin port serves.
func (k *known) readEndpoints(t *testing.T) {
	t.Helper()
	k.endpoint = map[string]bool{}
	files, err := filepath.Glob(root + "/cmd/internal/sidecar/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, text := range literals(t, strings.TrimPrefix(file, root+"/")) {
			_, at, found := strings.Cut(text, "/")
			if found {
				k.endpoint["/"+at] = true
			}
		}
	}
}

// headings returns a function that reads the anchors of a page, as GitHub makes them.
func headings(t *testing.T) func(path string) map[string]bool {
	return func(path string) map[string]bool {
		t.Helper()
		return anchors(read(t, path))
	}
}

func anchors(page string) map[string]bool {
	all := map[string]bool{}
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	for _, title := range matches(`(?m)^#+ (.+)$`, page) {
		title = strings.ToLower(regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, ""))
		all[strings.ReplaceAll(title, " ", "-")] = true
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// matches returns the first group of each match.
func matches(pattern, text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func set(names []string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all
}
