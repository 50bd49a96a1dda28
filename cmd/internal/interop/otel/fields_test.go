//go:build interop

package otel_test

import (
	"maps"
	"math"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// rounding is the most by which a time in a span may differ from the line's: lines have
// decimal seconds, spans nanoseconds.
const rounding = time.Microsecond

// compare fails the test unless the span has the same facts about the exchange as the
// line, and only documented attributes.
func (l tracedLine) compare(t *testing.T, span arrivedSpan, documented map[string]bool) {
	t.Helper()
	complain := func(field string, got, want any) {
		t.Helper()
		t.Errorf("%s: %s of the span is %s, of the line %s", l.Model.Request, field, interop.InJSON(got), interop.InJSON(want))
	}
	if want := strings.TrimSpace(l.Operation + " " + l.Model.Request); span.Name() != want {
		complain("name", span.Name(), want)
	}
	if span.Kind() != ptrace.SpanKindClient {
		complain("kind", span.Kind().String(), "Client")
	}
	from, to := span.StartTimestamp().AsTime(), span.EndTimestamp().AsTime()
	if from.Sub(l.Start).Abs() > rounding {
		complain("start", from, l.Start)
	}
	if end := l.Start.Add(seconds(l.E2E)); to.Sub(end).Abs() > rounding {
		complain("end", to, end)
	}
	status, message := ptrace.StatusCodeUnset, ""
	if l.Outcome != "ok" && l.Outcome != "client_gone" {
		status, message = ptrace.StatusCodeError, l.Outcome
	}
	if span.Status().Code() != status || span.Status().Message() != message {
		complain("status", span.Status().Code().String()+" "+span.Status().Message(), status.String()+" "+message)
	}
	for key, want := range map[string]any{
		"service.name": "tested", "service.namespace": "interop", "deployment.environment.name": "ci",
	} {
		if got := span.resource[key]; got != want {
			complain(key+" of the resource", got, want)
		}
	}
	got := span.Attributes().AsRaw()
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if !documented[key] {
			t.Errorf("%s: docs/opentelemetry.md does not have %s", l.Model.Request, key)
		}
	}
	for key, want := range l.attributes() {
		if !sameValue(got[key], want) {
			complain(key, got[key], want)
		}
	}
	l.compareOffsets(t, got)
	l.compareEvents(t, span)
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// sameValue compares two values of attributes. Times may differ by rounding.
func sameValue(got, want any) bool {
	a, one := got.(float64)
	b, other := want.(float64)
	if one && other {
		return math.Abs(a-b) <= rounding.Seconds()
	}
	return reflect.DeepEqual(got, want)
}

// attributes returns the span attributes that follow from the line. A nil value means
// that the attribute must be absent.
func (l tracedLine) attributes() map[string]any {
	host, port, _ := net.SplitHostPort(l.Upstream)
	number, _ := strconv.ParseInt(port, 10, 64)
	want := map[string]any{
		"gen_ai.operation.name":                    text(l.Operation),
		"gen_ai.provider.name":                     text(l.Provider),
		"gen_ai.request.model":                     text(l.Model.Request),
		"gen_ai.response.model":                    text(l.Model.Response),
		"gen_ai.response.finish_reasons":           list(l.FinishReasons),
		"gen_ai.response.time_to_first_chunk":      number64(l.TTFT),
		"gen_ai.usage.input_tokens":                count(l.Tokens.Input),
		"gen_ai.usage.output_tokens":               count(l.Tokens.Output),
		"gen_ai.usage.cache_read.input_tokens":     count(l.Tokens.CacheRead),
		"gen_ai.usage.cache_creation.input_tokens": count(l.Tokens.CacheWrite),
		"gen_ai.usage.reasoning.output_tokens":     count(l.Tokens.Reasoning),
		"server.address":                           text(host),
		"server.port":                              number,
		"error.type":                               text(l.ErrorType),
		"http.response.status_code":                int64(l.Status),
		"headway.origin":                           text(l.Origin),
		"headway.mode":                             text(l.Mode),
		"headway.dialect":                          text(l.Dialect),
		"headway.outcome":                          text(l.Outcome),
		"headway.usage.source":                     text(l.Tokens.Source),
		"headway.usage.input_source":               text(l.Tokens.InputSource),
		"headway.usage.delivered_tokens":           count(l.Tokens.Delivered),
		"headway.time_per_output_token":            number64(l.TPOT),
		"headway.notes":                            list(l.Notes),
	}
	if l.Stream {
		want["gen_ai.request.stream"] = true
	}
	if n := l.ContentChunks; l.Stream && n != nil && *n > 0 {
		want["headway.content_chunks"] = int64(*n)
	}
	if l.Wait != nil && l.FirstByte > 0 {
		want["headway.wait.upstream"] = number64(l.Wait.Upstream)
		want["headway.wait.proxy"] = number64(l.Wait.Proxy)
		want["headway.wait.client"] = number64(l.Wait.Client)
	}
	a := l.attempt()
	if a.Attempt > 1 {
		want["http.request.resend_count"] = int64(a.Attempt - 1)
	}
	if a.Outcome == "first_try" { // such a chain has no attributes of its own, and the span has its verdicts
		want["headway.chain.id"] = nil
		maps.Copy(want, l.judged())
	} else if a.ID != "" {
		want["headway.chain.id"] = a.ID
		want["headway.chain.attempt"] = int64(a.Attempt)
		want["headway.chain.joined_by"] = text(a.JoinedBy)
	}
	return want
}

// judged returns the attributes with the verdicts of the SLOs on the exchange, or on
// the chain that it ended.
func (l tracedLine) judged() map[string]any {
	if len(l.SLO) == 0 {
		return nil
	}
	var missed []string
	good := true
	for _, name := range slices.Sorted(maps.Keys(l.SLO)) {
		good = good && l.SLO[name].Verdict == "good"
		for _, indicator := range l.SLO[name].Missed {
			missed = append(missed, name+":"+indicator)
		}
	}
	return map[string]any{"headway.slo.good": good, "headway.slo.missed": list(missed)}
}

// A fact that is absent in a line must be absent in its span: these functions turn it
// into nil.

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number64(v float64) any {
	if v == 0 {
		return nil
	}
	return v
}

func count(n *int64) any {
	if n == nil {
		return nil
	}
	return *n
}

func list(words []string) any {
	if len(words) == 0 {
		return nil
	}
	values := make([]any, len(words))
	for i, w := range words {
		values[i] = w
	}
	return values
}

// tick is the unit of token offsets. The exporter rounds each offset on its own, so the
// first may be off by half a tick, and the difference of two by a whole tick.
const tick = 100 * time.Microsecond

// compareOffsets checks the token offsets against the times of the line. It decodes the
// offsets as docs/opentelemetry.md describes.
func (l tracedLine) compareOffsets(t *testing.T, attributes map[string]any) {
	t.Helper()
	encoded, _ := attributes["headway.token_offsets_ms"].(string)
	offsets := decodeOffsets(encoded)
	want := 0
	if l.Stream && l.ContentChunks != nil {
		want = *l.ContentChunks
	}
	if len(offsets) != want {
		t.Errorf("%s: %d token offsets, %d content chunks", l.Model.Request, len(offsets), want)
		return
	}
	if want == 0 {
		return
	}
	first, last := offsets[0], offsets[want-1]
	if (first - seconds(l.TTFT)).Abs() > tick/2+rounding {
		t.Errorf("%s: the first token offset is %s, TTFT %s", l.Model.Request, first, seconds(l.TTFT))
	}
	if last > seconds(l.E2E)+tick {
		t.Errorf("%s: the last token offset is %s, E2E %s", l.Model.Request, last, seconds(l.E2E))
	}
	if n := l.Tokens.Output; l.TPOT > 0 && n != nil && l.Tokens.Source == "reported" {
		if streamed := seconds(l.TPOT) * time.Duration(*n-1); (last - first - streamed).Abs() > tick+time.Duration(*n)*rounding {
			t.Errorf("%s: the token offsets span %s, by TPOT %s", l.Model.Request, last-first, streamed)
		}
	}
	gaps := make([]time.Duration, 0, want)
	for i := 1; i < want; i++ {
		gaps = append(gaps, offsets[i]-offsets[i-1])
	}
	if n := l.Tokens.Output; len(gaps) > 0 && l.ITL != nil && n != nil && *n == int64(want) {
		if longest := slices.Max(gaps); (longest - seconds(l.ITL.Max)).Abs() > tick+rounding {
			t.Errorf("%s: the longest gap of the token offsets is %s, of the line %s", l.Model.Request, longest, seconds(l.ITL.Max))
		}
	}
}

// decodeOffsets is the decoder of docs/opentelemetry.md: a running sum.
func decodeOffsets(encoded string) []time.Duration {
	var offsets []time.Duration
	tenths := 0.0
	for _, field := range strings.Fields(encoded) {
		ms, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil
		}
		tenths += math.Round(ms * 10)
		offsets = append(offsets, time.Duration(tenths)*tick)
	}
	return offsets
}

// compareEvents checks the events of the span against the line.
func (l tracedLine) compareEvents(t *testing.T, span arrivedSpan) {
	t.Helper()
	at := map[string]time.Time{}
	for _, e := range span.Events().All() {
		at[e.Name()] = e.Timestamp().AsTime()
		if when := e.Timestamp(); when < span.StartTimestamp() || when > span.EndTimestamp() {
			t.Errorf("%s: event %s is outside of its span", l.Model.Request, e.Name())
		}
	}
	first, ok := at["headway.first_token"]
	if ok != (l.TTFT > 0) || ok && (first.Sub(l.Start)-seconds(l.TTFT)).Abs() > rounding {
		t.Errorf("%s: the event of the first token is at %s, its line has %s after %s", l.Model.Request, first, seconds(l.TTFT), l.Start)
	}
	if _, ok := at["headway.stream_error"]; ok != (l.Outcome == "stream_error") {
		t.Errorf("%s: an event of a stream error: %t, the outcome is %s", l.Model.Request, ok, l.Outcome)
	}
	stalled := l.ITL != nil && l.ITL.Max >= 1
	if _, ok := at["headway.stall"]; stalled && !ok {
		t.Errorf("%s: no event of a stall of %v s", l.Model.Request, l.ITL.Max)
	}
}

// compareEngine checks the spans with the engine's own times against the line, and
// deletes them from all.
func (l tracedLine) compareEngine(t *testing.T, attempt arrivedSpan, all map[string]arrivedSpan) {
	t.Helper()
	got := map[string]float64{}
	for id, s := range all {
		if s.Kind() != ptrace.SpanKindInternal || s.ParentSpanID() != attempt.SpanID() {
			continue
		}
		delete(all, id)
		duration, _ := s.Attributes().AsRaw()["headway.engine.duration"].(float64)
		got[s.Name()] = duration
		if s.StartTimestamp() < attempt.StartTimestamp() || s.EndTimestamp() > attempt.EndTimestamp() {
			t.Errorf("%s: the engine's %s is outside of its attempt", l.Model.Request, s.Name())
		}
	}
	for name, want := range map[string]*float64{"queue": l.Engine.Queue, "prefill": l.Engine.Prefill, "decode": l.Engine.Decode} {
		if want == nil {
			continue
		}
		if took, ok := got[name]; !ok || math.Abs(took-*want) > rounding.Seconds() {
			t.Errorf("%s: the engine's %s took %v s by its span (%v), %v s by the line", l.Model.Request, name, took, ok, *want)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s: the engine has a span %s", l.Model.Request, name)
	}
}
