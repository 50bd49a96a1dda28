package spans_test

import (
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// known lists the attributes of the semantic conventions that spans may have, each with a
// value of its type in the conventions.
func known() map[attribute.Key]pcommon.ValueType {
	m := map[attribute.Key]pcommon.ValueType{}
	for _, kv := range []attribute.KeyValue{
		semconv.GenAIOperationNameChat, semconv.GenAIProviderNameOpenAI, semconv.GenAIRequestModel(""), semconv.GenAIResponseModel(""),
		semconv.GenAIRequestStream(true), semconv.GenAIResponseFinishReasons(""), semconv.GenAIResponseTimeToFirstChunk(1),
		semconv.GenAIUsageInputTokens(1), semconv.GenAIUsageOutputTokens(1), semconv.GenAIUsageCacheReadInputTokens(1),
		semconv.GenAIUsageCacheCreationInputTokens(1), semconv.GenAIUsageReasoningOutputTokens(1),
		semconv.ServerAddress(""), semconv.ServerPort(1), semconv.ErrorTypeOther,
		semconv.HTTPResponseStatusCode(1), semconv.HTTPRequestResendCount(1),
	} {
		m[kv.Key] = map[attribute.Type]pcommon.ValueType{
			attribute.STRING: pcommon.ValueTypeStr, attribute.BOOL: pcommon.ValueTypeBool, attribute.INT64: pcommon.ValueTypeInt,
			attribute.FLOAT64: pcommon.ValueTypeDouble, attribute.STRINGSLICE: pcommon.ValueTypeSlice,
		}[kv.Value.Type()]
	}
	return m
}

// everything returns spans that together have every attribute.
func everything(t *testing.T, v exporter.SemConv) []ptrace.Span {
	t.Helper()
	return built(t, spans.Config{SemConv: v}, func(b *spans.Builder) {
		first, second, c := failed(), retried(), recovered()
		second.Usage.CacheWrite, second.Usage.Reasoning = exchange.Known(1), exchange.Known(2)
		second.Engine = exchange.Engine{Queue: exchange.Took(1), Prefill: exchange.Took(1), Decode: exchange.Took(1)}
		second.Outcome, second.ErrorType = exchange.StreamError, exchange.ErrUpstreamEvent
		second.Attempt.Fallback, second.Attempt.Ambiguous, c.Fallback, c.Ambiguous = true, true, true, true
		second.Timing.End += 5e9
		second.Cost = exchange.Cost{Currency: "USD", Parts: [exchange.CostKinds]float64{0.25}}
		second.Notes = []string{"usage_after_finish"}
		second.Prefix = exchange.Prefix{Missed: exchange.PrefixChanged, Changed: exchange.MessagePart, Message: 3, Lost: 128}
		second.Verdicts = []exchange.Verdict{{SLO: "chat", Missed: exchange.Misses(0).With(exchange.TTFT), Chain: true}}
		c.Waste[0].Input, c.Outcome = exchange.Known(7), exchange.Exhausted
		c.Last = second
		second.Trace.SpanID = clientSpan // so that there are links
		b.Observe(first)
		b.Observe(second)
		b.ObserveChain(c)
	})
}

func walk(s ptrace.Span, f func(key string, v pcommon.Value)) {
	maps := []pcommon.Map{s.Attributes()}
	for i := range s.Events().Len() {
		maps = append(maps, s.Events().At(i).Attributes())
	}
	for i := range s.Links().Len() {
		maps = append(maps, s.Links().At(i).Attributes())
	}
	for _, m := range maps {
		for key, v := range m.All() {
			f(key, v)
		}
	}
}

func TestNamesAreThoseOfTheSemanticConventions(t *testing.T) {
	known, seen := known(), map[attribute.Key]bool{}
	for _, s := range everything(t, exporter.V141) {
		walk(s, func(key string, v pcommon.Value) {
			if strings.HasPrefix(key, "headway.") {
				return
			}
			seen[attribute.Key(key)] = true
			if want, ok := known[attribute.Key(key)]; !ok || v.Type() != want {
				t.Errorf("%s is a %s, want %s", key, v.Type(), want)
			}
		})
	}
	for key := range known {
		if !seen[key] {
			t.Errorf("no span has %s", key)
		}
	}
	var r receiver
	b := spans.New(spans.Config{Send: r.send})
	b.Observe(plain())
	b.Close()
	if got := decoded(t, r.payloads[0]).ResourceSpans().At(0).ScopeSpans().At(0).SchemaUrl(); got != semconv.SchemaURL {
		t.Errorf("the schema is %s, not %s", got, semconv.SchemaURL)
	}
}

// The renamed attribute is the only one that later versions add.
func TestLaterNamesDifferInOneOnly(t *testing.T) {
	known := known()
	for _, v := range []exporter.SemConv{exporter.V01, exporter.Dup} {
		for _, s := range everything(t, v) {
			walk(s, func(key string, _ pcommon.Value) {
				_, ok := known[attribute.Key(key)]
				if !ok && !strings.HasPrefix(key, "headway.") && key != "gen_ai.usage.cache_write.input_tokens" {
					t.Errorf("%v: %s", v, key)
				}
			})
		}
	}
}

// The values of exchange are those that the conventions name.
func TestValuesAreThoseOfTheSemanticConventions(t *testing.T) {
	if got, want := string(exchange.ErrOther), semconv.ErrorTypeOther.Value.AsString(); got != want {
		t.Errorf("error.type is %s, not %s", got, want)
	}
	for operation, want := range map[exchange.Operation]attribute.KeyValue{
		exchange.Chat:            semconv.GenAIOperationNameChat,
		exchange.GenerateContent: semconv.GenAIOperationNameGenerateContent,
		exchange.TextCompletion:  semconv.GenAIOperationNameTextCompletion,
		exchange.Embeddings:      semconv.GenAIOperationNameEmbeddings,
	} {
		r := plain()
		r.Operation = operation
		s, name := read(observed(t, r)[0]), want.Value.AsString()
		if s.attrs[string(want.Key)] != name || !strings.HasPrefix(s.name, name+" ") {
			t.Errorf("%s: %+v", operation, s)
		}
	}
	if s := read(observed(t, plain())[0]); s.attrs[string(semconv.GenAIProviderNameOpenAI.Key)] != semconv.GenAIProviderNameOpenAI.Value.AsString() {
		t.Errorf("%+v", s)
	}
}

// No span has the conventions' attributes for prompts, answers and tools, nor any that
// sounds like them.
func TestNoContentIsExported(t *testing.T) {
	content := []attribute.Key{
		semconv.GenAIInputMessagesKey, semconv.GenAIOutputMessagesKey, semconv.GenAISystemInstructionsKey, semconv.GenAIToolDefinitionsKey,
		semconv.GenAIToolCallArgumentsKey, semconv.GenAIToolCallResultKey, semconv.GenAIPromptNameKey, semconv.GenAIRetrievalQueryTextKey,
		semconv.GenAIRequestStopSequencesKey, semconv.ExceptionMessageKey, semconv.ExceptionStacktraceKey,
	}
	words := []string{"message", "prompt", "completion", "body", "header", "authorization", "api_key", "instructions", "arguments", "text"}
	for _, v := range []exporter.SemConv{exporter.V141, exporter.V01, exporter.Dup} {
		for _, s := range everything(t, v) {
			walk(s, func(key string, _ pcommon.Value) {
				if slices.Contains(content, attribute.Key(key)) {
					t.Errorf("%s is content", key)
				}
				for _, word := range words {
					if strings.Contains(key, word) {
						t.Errorf("%s sounds like content", key)
					}
				}
			})
		}
	}
}
