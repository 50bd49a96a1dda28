//go:build interop

package otel_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// tracedLine is a capture line with the name of its span.
type tracedLine struct {
	capture.Line
	SpanID string `json:"span_id"`
	Engine struct {
		Queue   *float64 `json:"queue"`
		Prefill *float64 `json:"prefill"`
		Decode  *float64 `json:"decode"`
	} `json:"engine_s"`
}

// attempt returns the line's place in its chain, or the zero value without a chain.
func (l tracedLine) attempt() capture.Attempt {
	if l.Chain == nil {
		return capture.Attempt{}
	}
	return *l.Chain
}

// TestInteropTheCollectorAndTheCaptureAgree compares the telemetry in a real collector
// with the capture of the same exchanges: every span, field by field, and every metric
// whose value follows from the lines.
func TestInteropTheCollectorAndTheCaptureAgree(t *testing.T) {
	exe := interop.Build(t)
	for _, tt := range []struct{ protocol, temporality string }{
		{"grpc", "cumulative"},
		{"http/protobuf", "delta"},
	} {
		t.Run(tt.protocol, func(t *testing.T) {
			collector := newCollector(t)
			collector.start(t, "debug", "file/traces")
			sim := exe.StartSimulator(t, "--step", "2ms", "--tell-metrics")
			sidecar := exe.StartSidecar(t, sim.URL, append(collector.environment(tt.protocol),
				"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="+tt.temporality,
				"OTEL_METRIC_EXPORT_INTERVAL=500",
				"OTEL_SERVICE_NAME=tested",
				"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=ci,service.namespace=interop",
				"HEADWAY_TRACE_RATIO=1",
				"HEADWAY_SLO_FILE="+sloFile(t))...)
			calls := tracedCalls()
			for _, c := range calls {
				c.make(t, sidecar.URL)
			}
			lines := tracedLines(t, sidecar)
			collector.stop(t)

			if len(lines) != len(calls) {
				t.Fatalf("%d capture lines of %d calls", len(lines), len(calls))
			}
			spans := collector.spans(t)
			if shown := strings.Count(collector.process.Printed(t), "    Trace ID       :"); shown != len(spans) {
				t.Errorf("the debug exporter shows %d spans, the file has %d", shown, len(spans))
			}
			compareSpans(t, lines, calls, spans)
			compareMetrics(t, lines, collector.requests(t), tt.temporality)
		})
	}
}

// sloFile writes an SLO file with an objective that every answered exchange meets, and
// one that no stream meets.
func sloFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slo.yaml")
	text := `slos:
  - {name: answered, objective: 99, window: 30d}
  - {name: at-once, match: {stream: true}, objective: 99, window: 30d, good: {ttft: 1us}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tracedLines ends the sidecar and returns its capture lines in order of start, without
// those of chains.
func tracedLines(t *testing.T, s *interop.Sidecar) []tracedLine {
	t.Helper()
	s.Process.Stop(t)
	text, err := os.ReadFile(s.Capture)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(interop.DecodeLines[tracedLine](t, text), func(l tracedLine) bool { return l.Kind != "" })
	slices.SortFunc(lines, func(a, b tracedLine) int { return a.Start.Compare(b.Start) })
	return lines
}

// tracedCall is one request, with the facts that its span must show and that are not in
// its line.
type tracedCall struct {
	path, model string
	stream      bool
	header      http.Header
	parent      string // span id in its traceparent; empty without one
	status      int    // in the answer to the client
}

const (
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
)

// tracedCalls returns the calls of the test. The test makes them one after the other,
// so calls and lines are in the same order. The last four are two attempts each of two
// calls.
func tracedCalls() []tracedCall {
	const chat = "/v1/chat/completions"
	fault := func(f string) http.Header { return http.Header{"X-Sim-Fault": {f}} }
	retry := func(n, f, trace string) http.Header {
		h := http.Header{"X-Stainless-Retry-Count": {n}}
		if f != "" {
			h.Set("X-Sim-Fault", f)
		}
		if trace != "" {
			h.Set("Traceparent", "00-"+trace+"-"+clientSpan+"-01")
		}
		return h
	}
	return []tracedCall{
		{path: chat, model: "streamed", stream: true, status: 200},
		{path: chat, model: "whole", status: 200},
		{path: "/v1/completions", model: "legacy", stream: true, status: 200},
		{path: "/v1/responses", model: "responses", stream: true, status: 200},
		{path: "/v1/embeddings", model: "embedded", status: 200},
		{path: chat, model: "traced", stream: true, status: 200, parent: clientSpan, header: http.Header{
			"Traceparent": {"00-" + clientTrace + "-" + clientSpan + "-01"}, "Tracestate": {"ot=th:8,vendor=kept"},
		}},
		{path: chat, model: "stalled", stream: true, status: 200, header: fault("stall=1200ms@6")},
		{path: chat, model: "failed", status: 500, header: fault("http=500")},
		{path: chat, model: "broken", stream: true, status: 200, header: fault("error@8")},
		{path: chat, model: "cut", stream: true, status: 200, header: fault("cut@8")},
		{path: chat, model: "retried", stream: true, status: 503, header: retry("0", "http=503", "")},
		{path: chat, model: "retried", stream: true, status: 200, header: retry("1", "", "")},
		{path: chat, model: "retried-traced", status: 503, parent: clientSpan, header: retry("0", "http=503", "11"+clientTrace[2:])},
		{path: chat, model: "retried-traced", status: 200, parent: clientSpan, header: retry("1", "", "11"+clientTrace[2:])},
	}
}

// make sends the request and reads the answer to its end, which may be an error.
func (c tracedCall) make(t *testing.T, base string) {
	t.Helper()
	prompt := "Go on with " + c.model + "." // headway would take the same prompt for another model as a fallback
	body := map[string]any{"model": c.model, "max_tokens": 12, "stream": c.stream}
	switch c.path {
	case "/v1/embeddings":
		body = map[string]any{"model": c.model, "input": prompt}
	case "/v1/completions":
		body["prompt"] = prompt
	case "/v1/responses":
		body = map[string]any{"model": c.model, "max_output_tokens": 12, "stream": c.stream, "input": prompt}
	default:
		body["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	}
	if c.stream && c.path != "/v1/responses" {
		body["stream_options"] = map[string]any{"include_usage": true}
	}
	text, _ := json.Marshal(body)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+c.path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range c.header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s: %v", c.model, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // a fault may end it early
	if response.StatusCode != c.status {
		t.Errorf("%s: %s, want %d", c.model, response.Status, c.status)
	}
}

// parentOf returns the parent of what l is all of, its chain or itself: the span of its
// client, if that traces, or of its turn, unless l is all of the turn, too.
func (l tracedLine) parentOf(c tracedCall, turns map[string]arrivedSpan) string {
	if c.parent != "" || l.Turn == nil || l.Turn.Alone {
		return c.parent
	}
	return turns[l.Turn.ID].SpanID().String()
}

// turnsOf returns the spans of turns, by the id of the turn.
func turnsOf(spans map[string]arrivedSpan) map[string]arrivedSpan {
	turns := map[string]arrivedSpan{}
	for _, s := range spans {
		if id, ok := s.Attributes().Get("headway.turn.id"); ok && strings.HasPrefix(s.Name(), "turn ") {
			turns[id.Str()] = s
		}
	}
	return turns
}

// checkTurn fails the test unless the line's turn has a span exactly if it is more than the
// line, and its client has no span for it.
func (l tracedLine) checkTurn(t *testing.T, c tracedCall, turns map[string]arrivedSpan) {
	t.Helper()
	if l.Turn == nil {
		return
	}
	span, ok := turns[l.Turn.ID]
	if want := c.parent == "" && !l.Turn.Alone; ok != want {
		t.Errorf("%s: its turn has a span: %v, want %v", l.Model.Request, ok, want)
	}
	if ok && (span.ParentSpanID().String() != "" || span.TraceID().String() != l.TraceID) {
		t.Errorf("%s: its turn is not the root of its trace", l.Model.Request)
	}
}

// compareSpans fails the test unless every line has a span that agrees with it, and
// every other span belongs to a chain, a turn or to the engine's times of a line.
func compareSpans(t *testing.T, lines []tracedLine, calls []tracedCall, spans []arrivedSpan) {
	t.Helper()
	byID := map[string]arrivedSpan{}
	for _, s := range spans {
		id := s.TraceID().String() + "/" + s.SpanID().String()
		if _, twice := byID[id]; twice {
			t.Errorf("span %s came twice", id)
		}
		byID[id] = s
	}
	documented, turns := documentedAttributes(t), turnsOf(byID)
	chains := map[string]string{} // the span id of each chain, by chain id
	for i, line := range lines {
		id := line.TraceID + "/" + line.SpanID
		span, ok := byID[id]
		if !ok {
			t.Errorf("%s: no span %s", line.Model.Request, id)
			continue
		}
		delete(byID, id)
		line.compare(t, span, documented)
		line.compareEngine(t, span, byID)
		line.checkTurn(t, calls[i], turns)
		parent := line.parentOf(calls[i], turns)
		if attempts := attemptsOf(line.attempt().ID, lines); attempts == 1 {
			if got := span.ParentSpanID().String(); got != parent {
				t.Errorf("%s: parent %q, want %q", line.Model.Request, got, parent)
			}
		} else {
			first := chains[line.attempt().ID]
			if got := span.ParentSpanID().String(); first != "" && got != first {
				t.Errorf("%s: attempts have the parents %s and %s", line.Model.Request, first, got)
			}
			chains[line.attempt().ID] = span.ParentSpanID().String()
			checkChain(t, byID[line.TraceID+"/"+span.ParentSpanID().String()], line, parent, attempts)
		}
	}
	for _, id := range chains {
		for name := range byID {
			if strings.HasSuffix(name, "/"+id) {
				delete(byID, name)
			}
		}
	}
	for _, s := range turns {
		delete(byID, s.TraceID().String()+"/"+s.SpanID().String())
	}
	for id, s := range byID {
		t.Errorf("span %s (%s) is of no line, no chain and no turn", id, s.Name())
	}
}

func attemptsOf(chain string, lines []tracedLine) (n int) {
	for _, l := range lines {
		if l.attempt().ID == chain {
			n++
		}
	}
	return n
}

// checkChain fails the test unless span, the parent of an attempt, shows the attempt's
// chain.
func checkChain(t *testing.T, span arrivedSpan, attempt tracedLine, parent string, attempts int) {
	t.Helper()
	if span.Span == (ptrace.Span{}) {
		t.Errorf("%s: the parent of an attempt is not there", attempt.Model.Request)
		return
	}
	if got := span.ParentSpanID().String(); got != parent {
		t.Errorf("%s: the chain's parent is %q, want %q", span.Name(), got, parent)
	}
	from, to := attempt.Start, attempt.Start.Add(time.Duration(attempt.E2E*1e9))
	if span.StartTimestamp().AsTime().After(from.Add(time.Microsecond)) || span.EndTimestamp().AsTime().Before(to.Add(-time.Microsecond)) {
		t.Errorf("%s: the chain is from %s to %s, an attempt from %s to %s", span.Name(),
			span.StartTimestamp().AsTime(), span.EndTimestamp().AsTime(), from, to)
	}
	attributes := span.Attributes().AsRaw()
	for key, want := range map[string]any{
		"headway.chain.id": attempt.attempt().ID, "headway.chain.attempts": int64(attempts), "headway.chain.outcome": "recovered",
	} {
		if got := attributes[key]; got != want {
			t.Errorf("%s: %s of the chain is %v, want %v", span.Name(), key, got, want)
		}
	}
	if attempt.attempt().Outcome != "" { // the line that ended the chain has the chain's verdicts
		for key, want := range attempt.judged() {
			if got := attributes[key]; !sameValue(got, want) {
				t.Errorf("%s: %s of the chain is %v, want %v", span.Name(), key, got, want)
			}
		}
	}
	for _, key := range []string{"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"} {
		if got, ok := attributes[key]; ok {
			t.Errorf("%s: the chain has %s %v, which its attempts have", span.Name(), key, got)
		}
	}
}

// documentedAttributes returns the keys that docs/opentelemetry.md explains.
func documentedAttributes(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(interop.Path(t, "docs/opentelemetry.md"))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for i, word := range strings.Split(string(text), "`") {
		if i%2 == 1 {
			keys[word] = true
		}
	}
	return keys
}
