package exporter_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// convention is a metric in the conventions' own package. All those of gen_ai are
// histograms.
type convention interface {
	Name() string
	Unit() string
}

func TestConventionsAreThoseOfTheirPackage(t *testing.T) {
	shared := []attribute.Key{
		semconv.GenAIOperationNameKey, semconv.GenAIProviderNameKey, semconv.GenAIRequestModelKey, semconv.GenAIResponseModelKey,
		semconv.ServerAddressKey, semconv.ServerPortKey,
	}
	want := map[string]bool{}
	for _, tt := range []struct {
		metric convention
		own    []attribute.Key
	}{
		{genaiconv.ClientOperationDuration{}, []attribute.Key{semconv.ErrorTypeKey}},
		{genaiconv.ClientOperationTimeToFirstChunk{}, nil},
		{genaiconv.ClientOperationTimePerOutputChunk{}, nil},
		{genaiconv.ClientTokenUsage{}, []attribute.Key{semconv.GenAITokenTypeKey}},
		{genaiconv.ServerRequestDuration{}, []attribute.Key{semconv.ErrorTypeKey}},
		{genaiconv.ServerTimeToFirstToken{}, nil},
		{genaiconv.ServerTimePerOutputToken{}, nil},
	} {
		want[tt.metric.Name()] = true
		in := instrument(t, tt.metric.Name())
		if in.Unit != tt.metric.Unit() || in.Kind != exporter.Histogram {
			t.Errorf("%s is a %s of %q, want a histogram of %q", in.Name, in.Kind, in.Unit, tt.metric.Unit())
		}
		var keys []string
		for _, key := range slices.Concat(shared, tt.own) {
			keys = append(keys, string(key))
		}
		if got := in.AllLabels(); !slices.Equal(got, keys) {
			t.Errorf("%s has attributes %q, want %q", in.Name, got, keys)
		}
	}
	for _, in := range exporter.Table(exporter.V141) {
		if strings.HasPrefix(in.Name, "gen_ai.") && !want[in.Name] {
			t.Errorf("%s is none of the conventions", in.Name)
		}
	}
}

func TestEverySettingHasTheRowsThatAllShare(t *testing.T) {
	rows := map[exporter.SemConv][]string{}
	for _, setting := range exporter.SemConvs() {
		for _, in := range exporter.Table(setting) {
			if in.Family != exporter.GenAIClient {
				rows[setting] = append(rows[setting], in.Name)
			}
		}
	}
	for setting, names := range rows {
		if len(names) == 0 || !slices.Equal(names, rows[exporter.V141]) {
			t.Errorf("%s shares %q, want %q", setting, names, rows[exporter.V141])
		}
	}
	if len(exporter.Table("")) != len(exporter.Table(exporter.V141)) {
		t.Error("no setting is not v1.41")
	}
}

// counts is streamed with another operation, and with every count of tokens.
func counts(operation exchange.Operation) exchange.Record {
	return with(func(r *exchange.Record) { r.Operation, r.Usage.CacheWrite = operation, exchange.Known(3) })
}

func TestInstrumentsOfTheNewerConventionsDraw(t *testing.T) {
	failed := with(func(r *exchange.Record) { r.Outcome, r.ErrorType = exchange.UpstreamCut, exchange.ErrTruncated })
	guessed := with(func(r *exchange.Record) { r.Usage.Source = exchange.Counted })
	const client, inference = "gen_ai.client.", "gen_ai.client.inference."
	for _, tt := range []struct {
		name, instrument string
		in               exchange.Record
		want             []sample
	}{
		{"E2E of a chat", inference + "duration", streamed(), []sample{one(.21, "")}},
		{"E2E of a failure with its type", inference + "duration", failed, []sample{one(.21, "stream_truncated")}},
		{"no inference in embeddings", inference + "duration", counts("embeddings"), nil},
		{"E2E of embeddings", client + "operation.duration", counts("embeddings"), []sample{one(.21, "")}},
		{"no E2E of a chat by its old name", client + "operation.duration", streamed(), nil},
		{"TTFT", inference + "time_to_first_chunk", counts("generate_content"), []sample{one(.1)}},
		{"gaps", inference + "time_per_output_chunk", counts("text_completion"), []sample{one(.04), one(.01), one(.05)}},
		{"input", inference + "usage.input_tokens", counts("chat"), []sample{one(20, "unknown")}},
		{"input that can be but text", inference + "usage.input_tokens", counts("text_completion"), []sample{one(20, "text")}},
		{"output", inference + "usage.output_tokens", counts("chat"), []sample{one(12, "unknown")}},
		{"output of a failure, as far as it was reported", inference + "usage.output_tokens", failed, []sample{one(12, "unknown")}},
		{"no guess", inference + "usage.output_tokens", guessed, nil},
		{"none of embeddings", inference + "usage.input_tokens", counts("embeddings"), nil},
		{"read from the cache", inference + "usage.cache_read.input_tokens", counts("chat"), []sample{one(0, "unknown")}},
		{"written to the cache", inference + "usage.cache_write.input_tokens", counts("chat"), []sample{one(3, "unknown")}},
		{"nothing written where nobody told", inference + "usage.cache_write.input_tokens", streamed(), nil},
		{"reasoning", inference + "usage.reasoning.output_tokens", counts("chat"), []sample{one(2, "unknown")}},
		{"input of an exchange", inference + "operation.input_tokens", streamed(), []sample{one(20, "")}},
		{"output of a failed exchange", inference + "operation.output_tokens", failed, []sample{one(12, "stream_truncated")}},
		{"no guess of an exchange", inference + "operation.output_tokens", guessed, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkDraws(t, instrumentOf(t, exporter.V01, tt.instrument), tt.in, tt.want)
		})
	}
}

// In dup, dashboards of both kinds must see every exchange.
func TestBothConventionsAtOnceSayTheSame(t *testing.T) {
	r := with(func(r *exchange.Record) { r.Timing.End = 3 * time.Second })
	for older, newer := range map[string]string{
		"gen_ai.client.operation.duration":              "gen_ai.client.inference.duration",
		"gen_ai.client.operation.time_to_first_chunk":   "gen_ai.client.inference.time_to_first_chunk",
		"gen_ai.client.operation.time_per_output_chunk": "gen_ai.client.inference.time_per_output_chunk",
	} {
		a, b := instrumentOf(t, exporter.Dup, older), instrumentOf(t, exporter.Dup, newer)
		var reading exporter.Reading
		var of, as exporter.Samples
		reading.Fill(r, exporter.NewNames(1, 64))
		a.Draw(&reading, &of)
		b.Draw(&reading, &as)
		if len(of) == 0 || !slices.Equal(of, as) || !slices.Equal(a.Bounds, b.Bounds) || a.Unit != b.Unit || a.Zero != b.Zero {
			t.Errorf("%s draws %v, %s %v", older, of, newer, as)
		}
	}
}
