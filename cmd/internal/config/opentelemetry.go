package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// otelVariables are the variables that OpenTelemetry defines for its SDKs (its
// specification: Environment Variables, OTLP Exporter) and that headway honours. An
// empty variable counts as one that is not set.
type otelVariables struct {
	Disabled string `env:"OTEL_SDK_DISABLED"`

	Both    signalVariables `envPrefix:"OTEL_EXPORTER_OTLP_"`
	Traces  signalVariables `envPrefix:"OTEL_EXPORTER_OTLP_TRACES_"` // takes precedence over Both, as Metrics does
	Metrics signalVariables `envPrefix:"OTEL_EXPORTER_OTLP_METRICS_"`

	TracesExporter  string `env:"OTEL_TRACES_EXPORTER"`
	MetricsExporter string `env:"OTEL_METRICS_EXPORTER"`
	Sampler         string `env:"OTEL_TRACES_SAMPLER"`

	Interval    string `env:"OTEL_METRIC_EXPORT_INTERVAL"`
	Temporality string `env:"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"`
	Aggregation string `env:"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"`

	ServiceName        string `env:"OTEL_SERVICE_NAME"`
	ResourceAttributes string `env:"OTEL_RESOURCE_ATTRIBUTES"`

	Stability string `env:"OTEL_SEMCONV_STABILITY_OPT_IN"`
	Content   string `env:"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"`
}

// signalVariables are the variables about the export of one signal, or of both.
type signalVariables struct {
	Endpoint          string `env:"ENDPOINT"`
	Protocol          string `env:"PROTOCOL"`
	Headers           string `env:"HEADERS"`
	Compression       string `env:"COMPRESSION"`
	Timeout           string `env:"TIMEOUT"`
	Insecure          string `env:"INSECURE"`
	Certificate       string `env:"CERTIFICATE"`
	ClientKey         string `env:"CLIENT_KEY"`
	ClientCertificate string `env:"CLIENT_CERTIFICATE"`
}

// OpenTelemetry says which signals headway exports to a collector, and how. The zero
// value exports nothing.
type OpenTelemetry struct {
	Traces, Metrics Destination
	Interval        time.Duration // between exports of metrics
	Temporality     string
	Exponential     bool // histograms
	Resource        []Attribute
	latest          bool // a variable asks for the newest semantic conventions
}

// Attribute is a key and a value of a resource.
type Attribute struct{ Key, Value string }

// verdicts collects warnings and problems of variables. Users often set these variables
// for an application and share them with its sidecars. So a value that headway cannot
// honour is a warning, as in OpenTelemetry's specification, and the default applies. A
// value that leaves headway no destination, or no way to send to it, is a problem. Both
// functions ignore a nil error.
type verdicts struct {
	problem, warn func(key string, err error)
}

// readOTel reads the variables of OpenTelemetry's SDKs. If headway exports nothing, no
// variable is a problem, and the one warning is that of a misspelt variable.
func readOTel(f *findings, p place) OpenTelemetry {
	var o otelVariables
	// Every field is a string, so nothing can fail to parse.
	_ = env.ParseWithOptions(&o, env.Options{Environment: f.values})
	var s OpenTelemetry
	s.latest = slices.Contains(strings.Split(o.Stability, ","), "gen_ai_latest_experimental")
	if strings.EqualFold(o.Disabled, "true") {
		return s
	}
	say := verdicts{problem: f.checkOnce, warn: f.warn}
	warnOfSlips(f.values, say)
	s.Traces = o.signal("TRACES", o.Traces, o.TracesExporter, say)
	s.Metrics = o.signal("METRICS", o.Metrics, o.MetricsExporter, say)
	if s.Traces.Endpoint == "" && s.Metrics.Endpoint == "" {
		return s
	}
	o.readRest(&s, p, say)
	return s
}

// warnOfSlips warns of each variable that differs from a variable of otelVariables by a few
// slips of the keyboard: OTEL_EXPORTER_OTLP_ENDPIONT. It leaves out longer names, such as
// OTEL_TRACES_SAMPLER_ARG, which OpenTelemetry defines and headway does not read.
func warnOfSlips(environ map[string]string, say verdicts) {
	const prefix = "OTEL_"
	// The fields have tags that parse, as every test of this package shows.
	fields, _ := env.GetFieldParams(&otelVariables{})
	var known []string
	for _, field := range fields {
		known = append(known, field.Key)
	}
	for key := range environ {
		longer := func(name string) bool { return strings.HasPrefix(key+"_", name+"_") }
		if !strings.HasPrefix(strings.ToUpper(key), prefix) || slices.ContainsFunc(known, longer) {
			continue
		}
		if near := spelling.Nearest(key, known); len(near) > 0 {
			say.warn(key, fmt.Errorf("headway reads no such variable; did you mean %s?", strings.Join(near, " or ")))
		}
	}
}

// readRest reads the variables that are not about one signal. It warns about those that
// have no effect.
func (o *otelVariables) readRest(s *OpenTelemetry, p place, say verdicts) {
	if asksForContent(o.Content) {
		say.warn("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", errors.New(
			"refused: headway exports no prompts and no completions, for it has no redaction that could be trusted with them"))
	}
	if o.Sampler != "" {
		say.warn("OTEL_TRACES_SAMPLER", errors.New("has no effect: "+Prefix+"TRACE_RATIO sets the ratio"))
	}
	var err error
	s.Interval, err = milliseconds(o.Interval, time.Minute)
	say.warn("OTEL_METRIC_EXPORT_INTERVAL", err)
	s.Temporality = choice(o.Temporality, say, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "delta", "lowmemory")
	const explicit, exponential = "explicit_bucket_histogram", "base2_exponential_bucket_histogram"
	s.Exponential = choice(o.Aggregation, say, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", explicit, exponential) == exponential
	s.Resource, err = o.resource(p)
	say.warn("OTEL_RESOURCE_ATTRIBUTES", err)
}

// choice returns the one of words that equals value; case does not matter. For an empty
// value it returns the first word. For a value that is none of words it does so too,
// with a warning.
func choice(value string, say verdicts, key string, words ...string) string {
	if lower := strings.ToLower(value); value == "" || slices.Contains(words, lower) {
		return cmp.Or(lower, words[0])
	}
	say.warn(key, fmt.Errorf("%q is none of %s, so %s applies", value, strings.Join(words, ", "), words[0]))
	return words[0]
}

// asksForContent says whether v asks for the content of messages.
func asksForContent(v string) bool {
	return v != "" && !slices.Contains([]string{"false", "0", "no_content", "none"}, strings.ToLower(v))
}

// signal reads the destination of one signal from own, the variables with name in their
// names, and from those for both. exporters is a list: if it has words and otlp is none
// of them, the signal has no destination.
func (o *otelVariables) signal(name string, own signalVariables, exporters string, say verdicts) Destination {
	list := strings.FieldsFunc(strings.ToLower(exporters), func(r rune) bool { return r == ',' || r == ' ' })
	if len(list) > 0 && !slices.Contains(list, "otlp") {
		return Destination{}
	}
	return newDestination(variablesOf{own: own, both: o.Both, name: name}, say)
}

// place says where headway runs. Its fields come from Kubernetes' downward API.
type place struct{ pod, uid, namespace, node string }

// resource describes the source of the telemetry. OTEL_RESOURCE_ATTRIBUTES takes
// precedence over the place, unless it cannot be parsed. OTEL_SERVICE_NAME takes
// precedence over both.
func (o *otelVariables) resource(p place) ([]Attribute, error) {
	given, err := keyValues(o.ResourceAttributes)
	known := []Attribute{
		{"service.name", "headway"}, {"service.instance.id", p.uid},
		{"k8s.pod.name", p.pod}, {"k8s.pod.uid", p.uid}, {"k8s.namespace.name", p.namespace}, {"k8s.node.name", p.node},
		{"telemetry.distro.name", "headway"}, {"telemetry.distro.version", build.Info().Version},
	}
	var all []Attribute
	for _, a := range append(append(known, given...), Attribute{"service.name", o.ServiceName}) {
		if a.Value == "" {
			continue
		}
		if i := slices.IndexFunc(all, func(b Attribute) bool { return a.Key == b.Key }); i >= 0 {
			all[i] = a
			continue
		}
		all = append(all, a)
	}
	return all, err
}

// milliseconds parses a number of milliseconds. For an empty or wrong text it returns
// otherwise.
func milliseconds(text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return otherwise, fmt.Errorf("%q is no number of milliseconds above 0, so %d applies; for example 10000", text, otherwise.Milliseconds())
	}
	return time.Duration(n) * time.Millisecond, nil
}
