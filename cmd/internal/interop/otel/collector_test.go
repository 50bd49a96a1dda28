//go:build interop

package otel_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// collector is a real OpenTelemetry Collector that writes the requests that it gets
// into files. A test can stop it and start it again on the same ports and files.
type collector struct {
	process    *interop.Process
	grpc, http string // host and port of the receivers
	dir        string // of its configuration and files
	traces     tailed
	metrics    tailed
}

const collectorConfig = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: %q}
      http: {endpoint: %q}
exporters:
  debug: {verbosity: detailed, use_internal_logger: false}
  file/traces: {path: %q, append: true, flush_interval: 100ms}
  file/metrics: {path: %q, append: true, flush_interval: 100ms}
extensions:
  health_check: {endpoint: %q}
service:
  extensions: [health_check]
  telemetry:
    metrics: {level: none}
  pipelines:
    traces: {receivers: [otlp], exporters: [%s]}
    metrics: {receivers: [otlp], exporters: [file/metrics]}
`

// newCollector chooses ports and files for a collector, and does not start it.
func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{grpc: interop.FreeAddress(t), http: interop.FreeAddress(t), dir: t.TempDir()}
	c.traces.path = filepath.Join(c.dir, "traces.jsonl")
	c.metrics.path = filepath.Join(c.dir, "metrics.jsonl")
	return c
}

// start starts the collector with these exporters for traces, and returns when it is
// healthy.
func (c *collector) start(t *testing.T, exporters ...string) {
	t.Helper()
	health, config := interop.FreeAddress(t), filepath.Join(c.dir, "collector.yaml")
	text := fmt.Appendf(nil, collectorConfig, c.grpc, c.http, c.traces.path, c.metrics.path, health, strings.Join(exporters, ", "))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.process = interop.Start(t, nil, interop.Tool(t, "bin/otelcol"), "--config", config)
	interop.Eventually(t, 20*time.Second, func() error {
		_, err := interop.Get("http://" + health)
		return err
	})
}

// stop ends the collector. After that, its files have every request that it has
// answered.
func (c *collector) stop(t *testing.T) { t.Helper(); c.process.Stop(t) }

// environment returns the variables that make headway export to the collector.
func (c *collector) environment(protocol string) []string {
	endpoint := "http://" + c.http
	if protocol == "grpc" {
		endpoint = "http://" + c.grpc
	}
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol}
}

// arrivedSpan is a span with its resource and scope.
type arrivedSpan struct {
	ptrace.Span
	resource map[string]any
	scope    string
}

// spans returns the spans that have arrived since the last call.
func (c *collector) spans(t *testing.T) []arrivedSpan {
	t.Helper()
	var all []arrivedSpan
	for _, line := range c.traces.lines(t) {
		all = append(all, readSpans(t, line)...)
	}
	return all
}

// readSpans decodes an OTLP request in JSON.
func readSpans(t *testing.T, text []byte) []arrivedSpan {
	t.Helper()
	traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text)
	if err != nil {
		t.Fatalf("reading spans: %v in %s", err, text)
	}
	var all []arrivedSpan
	for _, of := range traces.ResourceSpans().All() {
		for _, in := range of.ScopeSpans().All() {
			for _, span := range in.Spans().All() {
				all = append(all, arrivedSpan{span, of.Resource().Attributes().AsRaw(), in.Scope().Name()})
			}
		}
	}
	return all
}

// requests returns the metrics of each request since the last call, in order.
func (c *collector) requests(t *testing.T) []pmetric.Metrics {
	t.Helper()
	var all []pmetric.Metrics
	for _, line := range c.metrics.lines(t) {
		metrics, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line)
		if err != nil {
			t.Fatalf("reading metrics: %v in %s", err, line)
		}
		all = append(all, metrics)
	}
	return all
}

// tailed is a file that grows by lines. It remembers how far the test has read.
type tailed struct {
	path string
	read int64
}

// lines returns the complete lines that the file has gained since the last call.
func (f *tailed) lines(t *testing.T) [][]byte {
	t.Helper()
	file, err := os.Open(f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // a file that was only read has nothing to lose
	text, err := io.ReadAll(io.NewSectionReader(file, f.read, 1<<62))
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	f.read += int64(end)
	return bytes.FieldsFunc(text[:end], func(r rune) bool { return r == '\n' })
}

// TestInteropTheCollectorsConfigurationsLoad makes the collector validate the
// configurations in deploy. In one that needs the contrib distribution of the
// collector, the component of that distribution must be the only unknown one.
func TestInteropTheCollectorsConfigurationsLoad(t *testing.T) {
	files, err := filepath.Glob(interop.Path(t, "deploy/otel-collector/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configurations: %v", err)
	}
	contrib := map[string]string{"azure-monitor.yaml": "azure_auth"}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text := configuration(t, file)
			path := filepath.Join(t.TempDir(), "collector.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			command := exec.Command(interop.Tool(t, "bin/otelcol"), "validate", "--config", path)
			command.Env = append(os.Environ(), variables(text)...)
			out, err := command.CombinedOutput()
			missing := contrib[filepath.Base(file)]
			switch {
			case missing == "" && err != nil:
				t.Errorf("%v\n%s", err, out)
			case missing != "" && (err == nil || strings.Count(string(out), "unknown type") != 1 || !strings.Contains(string(out), missing)):
				t.Errorf("only %s should be unknown: %v\n%s", missing, err, out)
			}
		})
	}
}

// configuration returns the content of the file, or of the ConfigMap in it.
func configuration(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Kind string
		Data map[string]string
	}
	if err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Kind == "ConfigMap" {
		return manifest.Data["collector.yaml"]
	}
	return string(text)
}

// variables returns an environment in which every variable that config needs, and that
// has no default, is a URL that can be an endpoint.
func variables(config string) []string {
	var set []string
	for _, part := range strings.Split(config, "${env:")[1:] {
		name, _, _ := strings.Cut(part, "}")
		if !strings.Contains(name, ":-") {
			set = append(set, name+"=https://127.0.0.1:1/"+name)
		}
	}
	return set
}
