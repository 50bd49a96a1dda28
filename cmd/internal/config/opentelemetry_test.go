package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy"
)

// settingsOf reads an environment of OpenTelemetry's variables. Each problem that it
// returns begins with its variable.
func settingsOf(environ ...string) (s config.OpenTelemetry, problems []string) {
	s, _, problems = warned(environ...)
	return s, problems
}

// warned is settingsOf with the warnings, each of which begins with its variable too.
func warned(environ ...string) (s config.OpenTelemetry, warnings, problems []string) {
	c, err := config.Read(slices.Concat(environ, []string{"HEADWAY_UPSTREAM=http://h"}))
	if err != nil {
		problems = strings.Split(err.Error(), "\n")
	}
	for _, w := range c.Warnings {
		warnings = append(warnings, w.Error())
	}
	return c.OpenTelemetry, warnings, problems
}

func TestAnEndpointSaysWhatIsExportedAndHow(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT="
	type want struct {
		traces, metrics string
		grpc, insecure  bool
	}
	for name, tt := range map[string]struct {
		environ []string
		want    want
	}{
		"none":                         {nil, want{}},
		"one for both":                 {[]string{endpoint + "http://c:4318"}, want{"http://c:4318/v1/traces", "http://c:4318/v1/metrics", false, false}},
		"one with a path":              {[]string{endpoint + "https://c/otlp/"}, want{"https://c/otlp/v1/traces", "https://c/otlp/v1/metrics", false, false}},
		"one of a signal is whole":     {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://c/spans"}, want{traces: "https://c/spans"}},
		"a signal's wins":              {[]string{endpoint + "http://c:4318", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://m/x"}, want{"http://c:4318/v1/traces", "http://m/x", false, false}},
		"empty is unset":               {[]string{endpoint + "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="}, want{"http://c/v1/traces", "http://c/v1/metrics", false, false}},
		"gRPC without TLS":             {[]string{endpoint + "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, want{"c:4317", "c:4317", true, true}},
		"gRPC with TLS":                {[]string{endpoint + "https://c", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, want{"c:4317", "c:4317", true, false}},
		"gRPC without a scheme":        {[]string{endpoint + "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, want{"c:4317", "c:4317", true, false}},
		"and insecure":                 {[]string{endpoint + "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_INSECURE=TRUE"}, want{"c:4317", "c:4317", true, true}},
		"a scheme says more than that": {[]string{endpoint + "https://c:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_INSECURE=true"}, want{"c:1", "c:1", true, false}},
		"several exporters":            {[]string{endpoint + "http://c", "OTEL_TRACES_EXPORTER=Console,OTLP", "OTEL_METRICS_EXPORTER=prometheus"}, want{traces: "http://c/v1/traces"}},
		"no traces":                    {[]string{endpoint + "http://c", "OTEL_TRACES_EXPORTER=none"}, want{metrics: "http://c/v1/metrics"}},
		"disabled":                     {[]string{endpoint + "http://c", "OTEL_SDK_DISABLED=true"}, want{}},
	} {
		t.Run(name, func(t *testing.T) {
			s, problems := settingsOf(tt.environ...)
			got := want{s.Traces.Endpoint, s.Metrics.Endpoint, s.Traces.GRPC || s.Metrics.GRPC, s.Traces.Insecure || s.Metrics.Insecure}
			if got != tt.want || problems != nil {
				t.Errorf("%+v, want %+v; %q", got, tt.want, problems)
			}
		})
	}
}

func TestASignalsOwnVariableTakesPrecedence(t *testing.T) {
	s, problems := settingsOf(
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_EXPORTER_OTLP_HEADERS=a=1,b=two%20words", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
		"OTEL_EXPORTER_OTLP_TIMEOUT=1500", "OTEL_EXPORTER_OTLP_TRACES_HEADERS=c=3", "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=none",
		"OTEL_METRIC_EXPORT_INTERVAL=5000", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=Delta",
		"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram",
	)
	if problems != nil {
		t.Fatal(problems)
	}
	if !maps.Equal(s.Traces.Headers, map[string]string{"c": "3"}) || !maps.Equal(s.Metrics.Headers, map[string]string{"a": "1", "b": "two words"}) {
		t.Errorf("headers are %v and %v", s.Traces.Headers, s.Metrics.Headers)
	}
	if !s.Traces.Gzip || s.Metrics.Gzip || s.Traces.Timeout != 1500*time.Millisecond {
		t.Errorf("traces: %+v, metrics: %+v", s.Traces, s.Metrics)
	}
	if s.Interval != 5*time.Second || s.Temporality != "delta" || !s.Exponential {
		t.Errorf("%+v", s)
	}
}

func TestTheResourceNamesThePodAndUsersOverrideIt(t *testing.T) {
	s, problems := settingsOf("OTEL_EXPORTER_OTLP_ENDPOINT=http://c",
		"OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=k8s.pod.name=mine,service.name=other,team=a%2Cb",
		"HEADWAY_POD_NAME=shop-1", "HEADWAY_POD_UID=u", "HEADWAY_POD_NAMESPACE=ns", "HEADWAY_NODE_NAME=n")
	if problems != nil {
		t.Fatal(problems)
	}
	got := s.Resource
	want := map[string]string{
		"service.name": "shop", "service.instance.id": "u", "k8s.pod.name": "mine", "k8s.pod.uid": "u", "k8s.namespace.name": "ns",
		"k8s.node.name": "n", "team": "a,b", "telemetry.distro.name": "headway", "telemetry.distro.version": build.Info().Version,
	}
	all := map[string]string{}
	for _, a := range got {
		all[a.Key] = a.Value
	}
	if !maps.Equal(all, want) || len(got) != len(want) {
		t.Errorf("%v, want %v", all, want)
	}
}

func TestAValueThatLeavesNoWayToSendIsAProblem(t *testing.T) {
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noCertificate, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems := settingsOf(
		"OTEL_EXPORTER_OTLP_ENDPOINT=user:s3cret@collector", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://user:s3cret@c",
		"OTEL_EXPORTER_OTLP_HEADERS=authorization s3cret", "OTEL_EXPORTER_OTLP_METRICS_HEADERS=a=s3cret%zz",
		"OTEL_EXPORTER_OTLP_CERTIFICATE="+noCertificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY=k",
	)
	wantKeys(t, problems,
		"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
		"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if text := strings.Join(problems, "\n"); strings.Contains(text, "s3cret") {
		t.Errorf("a secret is in\n%s", text)
	}
}

// Users often set the variables for an application and share them with its sidecar.
func TestAValueThatHeadwayCannotHonourIsAWarning(t *testing.T) {
	odd := []string{
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_COMPRESSION=zstd", "OTEL_EXPORTER_OTLP_TIMEOUT=10s",
		"OTEL_EXPORTER_OTLP_INSECURE=yes", "OTEL_METRIC_EXPORT_INTERVAL=0", "OTEL_TRACES_SAMPLER=traceidratio",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=both", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=none",
		"OTEL_RESOURCE_ATTRIBUTES=a=b,junk", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true",
	}
	s, warnings, problems := warned(append(odd, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c/spans")...)
	wantKeys(t, problems)
	wantKeys(t, warnings,
		"OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TIMEOUT",
		"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER")
	if s.Traces.GRPC || s.Traces.Gzip || s.Traces.Timeout != 10*time.Second || s.Interval != time.Minute || s.Temporality != "cumulative" || s.Exponential {
		t.Errorf("no defaults: %+v", s)
	}
	for _, nothing := range []string{"OTEL_TRACES_EXPORTER=console", "OTEL_SDK_DISABLED=true"} {
		if _, warnings, problems := warned(append(odd, nothing)...); warnings != nil || problems != nil {
			t.Errorf("%s: nothing is exported, yet %q %q", nothing, warnings, problems)
		}
	}
}

func TestAMisspeltVariableOfOpenTelemetryIsAWarning(t *testing.T) {
	_, warnings, problems := warned(
		"OTEL_EXPORTER_OTLP_ENDPIONT=http://c", "OTEL_EXPORTER_OTLP_END_POINT=http://c", "OTEL_EXPORTER_OTLP_ENDPOINTS=http://c",
		"OTEL_EXPORTER_OTLP_HEADER=a=s3cret", "OTEL_TRACE_EXPORTER=otlp", "otel_service_name=x",
		// Variables that OpenTelemetry defines and headway does not read.
		"OTEL_TRACES_SAMPLER_ARG=0.5", "OTEL_LOGS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://c", "OTEL_METRIC_EXPORT_TIMEOUT=9",
		"OTEL_BSP_SCHEDULE_DELAY=9", "OTEL_PROPAGATORS=b3", "OTEL_METRICS_EXEMPLAR_FILTER=trace_based", "OTEL_LOG_LEVEL=info",
		"OTEL_EXPORTER_OTLP_LOGS_HEADERS=a=b", "OTEL_BLRP_EXPORT_TIMEOUT=9", "OTEL_EXPORTER_PROMETHEUS_PORT=9", "OTEL_CONFIG_FILE=x",
		"OTEL_PYTHON_LOG_CORRELATION=true", "OTEL_EXPORTER_OTLP_PROFILES_TIMEOUT=9", "OTEL_ENTITIES=x", "OTEL_EXPORTER_ZIPKIN_TIMEOUT=9",
	)
	wantKeys(t, problems)
	wantKeys(t, warnings, "OTEL_EXPORTER_OTLP_ENDPIONT", "OTEL_EXPORTER_OTLP_ENDPOINTS", "OTEL_EXPORTER_OTLP_END_POINT",
		"OTEL_EXPORTER_OTLP_HEADER", "OTEL_TRACE_EXPORTER", "otel_service_name")
	text := strings.Join(warnings, "\n")
	if !strings.Contains(text, "OTEL_EXPORTER_OTLP_ENDPIONT: headway reads no such variable; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?") || strings.Contains(text, "s3cret") {
		t.Errorf("warnings are\n%s", text)
	}
}

// wantKeys fails the test unless the problems are about the variables want, which are
// in alphabetical order.
func wantKeys(t *testing.T, problems []string, want ...string) {
	t.Helper()
	var keys []string
	for _, p := range problems {
		key, _, _ := strings.Cut(p, ":")
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if got := slices.Compact(keys); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant problems of\n%s", strings.Join(problems, "\n"), strings.Join(want, "\n"))
	}
}

func TestHeadwayWarnsThatItExportsNoContent(t *testing.T) {
	for value, refused := range map[string]bool{
		"": false, "false": false, "False": false, "NO_CONTENT": false, "true": true, "span_only": true, "EVENT_ONLY": true, "span_and_event": true,
	} {
		_, warnings, problems := warned("OTEL_EXPORTER_OTLP_ENDPOINT=http://c", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="+value)
		if (warnings != nil) != refused || problems != nil {
			t.Errorf("%q: %q %q", value, warnings, problems)
		}
	}
}

func TestRequestsNameSpansOnlyIfHeadwayExportsThem(t *testing.T) {
	const inject, upstream = "HEADWAY_PROPAGATE=inject", "HEADWAY_UPSTREAM=http://h"
	for endpoint, want := range map[string]proxy.Propagation{"": proxy.Off, "http://c": proxy.Inject} {
		c, err := config.Read([]string{upstream, inject, "OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint})
		if err != nil || c.Propagation() != want || (c.Warnings != nil) != (want == proxy.Off) {
			t.Errorf("endpoint %q: %v, warnings %v, %v", endpoint, c.Propagation(), c.Warnings, err)
		}
	}
}

func TestAnEndpointWithThePortOfTheOtherProtocolGivesAWarning(t *testing.T) {
	for _, tt := range []struct{ name, endpoint, protocol, want string }{
		{"HTTP to gRPC's", "http://collector:4317", "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT: \"http://collector:4317\" has the port of OTLP over gRPC"},
		{"gRPC to HTTP's", "http://collector:4318", "grpc", "has the port of OTLP over HTTP, and the protocol is grpc"},
		{"HTTP to its own", "http://collector:4318", "http/protobuf", ""},
		{"gRPC to its own", "http://collector:4317", "grpc", ""},
		{"another port", "http://collector:80", "http/protobuf", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := read("OTEL_EXPORTER_OTLP_ENDPOINT="+tt.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+tt.protocol)
			if err != nil || (tt.want == "") != (len(c.Warnings) == 0) {
				t.Fatalf("%v, %v", c.Warnings, err)
			}
			if tt.want != "" && !strings.Contains(c.Warnings[0].Error(), tt.want) {
				t.Errorf("%v, want %s", c.Warnings[0], tt.want)
			}
		})
	}
}
