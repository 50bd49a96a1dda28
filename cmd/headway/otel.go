package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// otelConfig is the environment that OpenTelemetry defines for its SDKs (its
// specification: Environment Variables, OTLP Exporter), as far as headway honours
// it. An empty variable is one that is not set.
type otelConfig struct {
	Disabled string `env:"OTEL_SDK_DISABLED"`

	Both    otlpConfig `envPrefix:"OTEL_EXPORTER_OTLP_"`
	Traces  otlpConfig `envPrefix:"OTEL_EXPORTER_OTLP_TRACES_"` // wins over Both, as Metrics does
	Metrics otlpConfig `envPrefix:"OTEL_EXPORTER_OTLP_METRICS_"`

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

// otlpConfig is how one signal is exported, or both.
type otlpConfig struct {
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

// telemetrySettings is what an otelConfig comes to.
type telemetrySettings struct {
	traces, metrics otlpSettings
	interval        time.Duration // between exports of metrics
	temporality     string
	exponential     bool // histograms
	resource        []keyValue
	latest          bool     // the newest semantic conventions were asked for
	ignored         []string // variables that have no effect
}

type keyValue struct{ key, value string }

// readOTel reads what environ says to OpenTelemetry's SDKs. Check is told of every
// variable's problem; no error is none.
func readOTel(environ []string, p place, check func(key string, err error)) telemetrySettings {
	var o otelConfig
	// Every field is a string, so nothing can fail to parse.
	_ = env.ParseWithOptions(&o, env.Options{Environment: env.ToMap(environ)})
	var s telemetrySettings
	if refusesContent(o.Content) {
		check("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", errors.New(
			"headway exports no prompts and no completions: it has no redaction that could be trusted with them"))
	}
	if !strings.EqualFold(o.Disabled, "true") {
		s.traces = o.signal("TRACES", o.Traces, o.TracesExporter, check)
		s.metrics = o.signal("METRICS", o.Metrics, o.MetricsExporter, check)
	}
	var err error
	s.interval, err = milliseconds(o.Interval, time.Minute)
	check("OTEL_METRIC_EXPORT_INTERVAL", err)
	s.temporality = cmp.Or(strings.ToLower(o.Temporality), "cumulative")
	check("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", oneOf(s.temporality, "cumulative", "delta", "lowmemory"))
	const explicit, exponential = "explicit_bucket_histogram", "base2_exponential_bucket_histogram"
	aggregation := cmp.Or(strings.ToLower(o.Aggregation), explicit)
	check("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", oneOf(aggregation, explicit, exponential))
	s.exponential = aggregation == exponential
	s.resource, err = o.resource(p)
	check("OTEL_RESOURCE_ATTRIBUTES", err)
	if o.Sampler != "" {
		s.ignored = append(s.ignored, "OTEL_TRACES_SAMPLER")
	}
	s.latest = slices.Contains(strings.Split(o.Stability, ","), "gen_ai_latest_experimental")
	return s
}

// refusesContent tells whether v asks for the content of messages.
func refusesContent(v string) bool {
	return v != "" && !slices.Contains([]string{"false", "0", "no_content", "none"}, strings.ToLower(v))
}

// signal settles how one signal is exported. Name is that of its variables.
func (o *otelConfig) signal(name string, own otlpConfig, exporter string, check func(key string, err error)) otlpSettings {
	check("OTEL_"+name+"_EXPORTER", oneOf(cmp.Or(exporter, "otlp"), "otlp", "none"))
	if exporter == "none" {
		return otlpSettings{}
	}
	return newOTLPSettings(otlpVariables{own: own, both: o.Both, name: name}, check)
}

// place is where headway runs, as Kubernetes' downward API tells it.
type place struct{ pod, uid, namespace, node string }

// resource describes what the telemetry is of. OTEL_RESOURCE_ATTRIBUTES wins over
// what is known otherwise, and OTEL_SERVICE_NAME over that.
func (o *otelConfig) resource(p place) ([]keyValue, error) {
	given, err := keyValues(o.ResourceAttributes)
	if err != nil {
		return nil, err
	}
	known := []keyValue{
		{"service.name", "headway"}, {"service.instance.id", p.uid},
		{"k8s.pod.name", p.pod}, {"k8s.pod.uid", p.uid}, {"k8s.namespace.name", p.namespace}, {"k8s.node.name", p.node},
		{"telemetry.distro.name", "headway"}, {"telemetry.distro.version", build().Version},
	}
	var all []keyValue
	for _, a := range append(append(known, given...), keyValue{"service.name", o.ServiceName}) {
		if a.value == "" {
			continue
		}
		if i := slices.IndexFunc(all, func(b keyValue) bool { return a.key == b.key }); i >= 0 {
			all[i] = a
			continue
		}
		all = append(all, a)
	}
	return all, nil
}

// milliseconds reads a number of them, or is otherwise when there is none.
func milliseconds(text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return otherwise, fmt.Errorf("%q is no number of milliseconds above 0", text)
	}
	return time.Duration(n) * time.Millisecond, nil
}
