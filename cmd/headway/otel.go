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
	latest          bool    // the newest semantic conventions were asked for
	warnings        []error // each naming its variable
}

type keyValue struct{ key, value string }

// verdicts is where what is wrong with variables goes. They are often set for the
// application and shared with its sidecars: what cannot be honoured is a warning, as
// the specification has it, and the default holds. Only what leaves nowhere to send
// to, or no way to, is a problem. No error is nothing.
type verdicts struct {
	problem, warn func(key string, err error)
}

// readOTel reads what environ says to OpenTelemetry's SDKs. Nothing is said of
// variables as long as nothing is exported.
func readOTel(environ []string, p place, problem func(key string, err error)) telemetrySettings {
	var o otelConfig
	// Every field is a string, so nothing can fail to parse.
	_ = env.ParseWithOptions(&o, env.Options{Environment: env.ToMap(environ)})
	var s telemetrySettings
	say := verdicts{problem: problem, warn: func(key string, err error) {
		if err != nil {
			s.warnings = append(s.warnings, fmt.Errorf("%s: %w", key, err))
		}
	}}
	s.latest = slices.Contains(strings.Split(o.Stability, ","), "gen_ai_latest_experimental")
	if strings.EqualFold(o.Disabled, "true") {
		return s
	}
	s.traces = o.signal("TRACES", o.Traces, o.TracesExporter, say)
	s.metrics = o.signal("METRICS", o.Metrics, o.MetricsExporter, say)
	if s.traces.endpoint == "" && s.metrics.endpoint == "" {
		s.warnings = nil
		return s
	}
	o.readRest(&s, p, say)
	return s
}

// readRest reads what both signals share, and what has no effect.
func (o *otelConfig) readRest(s *telemetrySettings, p place, say verdicts) {
	if asksForContent(o.Content) {
		say.warn("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", errors.New(
			"refused: headway exports no prompts and no completions, for it has no redaction that could be trusted with them"))
	}
	if o.Sampler != "" {
		say.warn("OTEL_TRACES_SAMPLER", errors.New("has no effect: "+envPrefix+"TRACE_RATIO is what counts"))
	}
	var err error
	s.interval, err = milliseconds(o.Interval, time.Minute)
	say.warn("OTEL_METRIC_EXPORT_INTERVAL", err)
	s.temporality = choice(o.Temporality, say, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative", "delta", "lowmemory")
	const explicit, exponential = "explicit_bucket_histogram", "base2_exponential_bucket_histogram"
	s.exponential = choice(o.Aggregation, say, "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", explicit, exponential) == exponential
	s.resource, err = o.resource(p)
	say.warn("OTEL_RESOURCE_ATTRIBUTES", err)
}

// choice is which of some words value is, whatever its case: the first of them when it
// is empty or, with a warning, none.
func choice(value string, say verdicts, key string, words ...string) string {
	value = strings.ToLower(value)
	if value == "" || slices.Contains(words, value) {
		return cmp.Or(value, words[0])
	}
	say.warn(key, fmt.Errorf("%q is none of %q, and taken for %q", value, words, words[0]))
	return words[0]
}

// asksForContent tells whether v asks for the content of messages.
func asksForContent(v string) bool {
	return v != "" && !slices.Contains([]string{"false", "0", "no_content", "none"}, strings.ToLower(v))
}

// signal settles how one signal is exported. Name is that of its variables; exporters is a
// list, of which OTLP may be one.
func (o *otelConfig) signal(name string, own otlpConfig, exporters string, say verdicts) otlpSettings {
	list := strings.FieldsFunc(strings.ToLower(exporters), func(r rune) bool { return r == ',' || r == ' ' })
	if len(list) > 0 && !slices.Contains(list, "otlp") {
		return otlpSettings{}
	}
	return newOTLPSettings(otlpVariables{own: own, both: o.Both, name: name}, say)
}

// place is where headway runs, as Kubernetes' downward API tells it.
type place struct{ pod, uid, namespace, node string }

// resource describes what the telemetry is of. OTEL_RESOURCE_ATTRIBUTES, unless it cannot
// be read, wins over what is known otherwise, and OTEL_SERVICE_NAME over that.
func (o *otelConfig) resource(p place) ([]keyValue, error) {
	given, err := keyValues(o.ResourceAttributes)
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
	return all, err
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
