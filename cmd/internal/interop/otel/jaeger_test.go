//go:build interop

package otel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropJaegerShowsAChain makes a call that fails twice and then succeeds, and
// reads its trace back from a real Jaeger: the span of the call, the spans of its
// attempts below it, and above it the application's span if the application sent one, or
// else that of the turn.
func TestInteropJaegerShowsAChain(t *testing.T) {
	exe := interop.Build(t)
	jaeger := startJaeger(t)
	for _, tt := range []struct {
		name, protocol string
		traceparent    string
		parent         string
	}{
		{name: "of an application without tracing", protocol: "grpc"},
		{
			name: "below the application's span", protocol: "http/protobuf",
			traceparent: "00-" + clientTrace + "-" + clientSpan + "-01", parent: clientSpan,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim := exe.StartSimulator(t, "--step", "2ms")
			sidecar := exe.StartSidecar(t, sim.URL, append(jaeger.environment(tt.protocol),
				"OTEL_SERVICE_NAME=chained", "HEADWAY_TRACE_RATIO=1")...)
			for n, fault := range []string{"http=503", "http=500", ""} {
				call := tracedCall{
					path: "/v1/chat/completions", model: "retried", stream: true, status: []int{503, 500, 200}[n],
					header: http.Header{"X-Stainless-Retry-Count": {strconv.Itoa(n)}},
				}
				if fault != "" {
					call.header.Set("X-Sim-Fault", fault)
				}
				if tt.traceparent != "" {
					call.header.Set("Traceparent", tt.traceparent)
				}
				call.make(t, sidecar.URL)
			}
			lines := tracedLines(t, sidecar)
			if len(lines) != 3 {
				t.Fatalf("%d capture lines of 3 attempts", len(lines))
			}
			if tt.parent != "" && lines[0].TraceID != clientTrace {
				t.Errorf("the trace is %s, the application's %s", lines[0].TraceID, clientTrace)
			}
			above := 1 // the chain
			if tt.parent == "" {
				above = 2 // and the turn, where the application has no span
			}
			checkShownChain(t, jaeger.trace(t, lines[0].TraceID, above+len(lines)), lines, tt.parent)
		})
	}
}

// checkShownChain fails the test unless the spans, in any order, show the chain of the
// lines below parent.
func checkShownChain(t *testing.T, spans []arrivedSpan, lines []tracedLine, parent string) {
	t.Helper()
	byID := map[string]arrivedSpan{}
	for _, s := range spans {
		byID[s.SpanID().String()] = s
		if s.resource["service.name"] != "chained" {
			t.Errorf("%s is of the service %v", s.Name(), s.resource["service.name"])
		}
	}
	over := byID[byID[lines[0].SpanID].parent()]
	if over.Span == (ptrace.Span{}) {
		t.Fatalf("the first attempt has no parent among %d spans", len(spans))
	}
	if parent == "" {
		turn, ok := byID[over.parent()]
		if !ok {
			t.Fatalf("the chain has no parent among %d spans", len(spans))
		}
		if id, _ := turn.Attributes().Get("headway.turn.id"); id.AsString() != lines[0].Turn.ID || turn.parent() != "" {
			t.Errorf("the chain is below %q, want the turn of its attempts, which is the root", turn.Name())
		}
	} else if got := over.parent(); got != parent {
		t.Errorf("the chain's parent is %q, the application's span %q", got, parent)
	}
	for i, line := range lines {
		span, ok := byID[line.SpanID]
		if !ok {
			t.Fatalf("attempt %d is not in the trace", i+1)
		}
		if span.parent() != over.SpanID().String() {
			t.Errorf("attempt %d is below %q, the chain is %q", i+1, span.parent(), over.SpanID())
		}
		attributes := span.Attributes().AsRaw()
		var resent any
		if i > 0 {
			resent = int64(i)
		}
		if got := attributes["http.request.resend_count"]; got != resent {
			t.Errorf("attempt %d was resent %v times", i+1, got)
		}
		if got := attributes["headway.outcome"]; got != line.Outcome {
			t.Errorf("attempt %d ended as %v, its line says %s", i+1, got, line.Outcome)
		}
		if span.StartTimestamp() < over.StartTimestamp() || span.EndTimestamp() > over.EndTimestamp() {
			t.Errorf("attempt %d is not within the chain", i+1)
		}
		if i > 0 && span.StartTimestamp() < byID[lines[i-1].SpanID].EndTimestamp() {
			t.Errorf("attempt %d begins before the one before it ended", i+1)
		}
	}
	first, last := byID[lines[0].SpanID], byID[lines[len(lines)-1].SpanID]
	if over.StartTimestamp() != first.StartTimestamp() || over.EndTimestamp() != last.EndTimestamp() {
		t.Error("the chain is not from the start of the first attempt to the end of the last")
	}
	attributes := over.Attributes().AsRaw()
	if attributes["headway.chain.outcome"] != "recovered" || attributes["headway.chain.attempts"] != int64(len(lines)) {
		t.Errorf("the chain ended as %v after %v attempts", attributes["headway.chain.outcome"], attributes["headway.chain.attempts"])
	}
}

// parent returns the id of the span's parent, or "" without one.
func (s arrivedSpan) parent() string {
	if s.Span == (ptrace.Span{}) {
		return ""
	}
	return s.ParentSpanID().String()
}

// jaegerServer is a real Jaeger with its store in memory.
type jaegerServer struct{ grpc, http, api string }

func startJaeger(t *testing.T) jaegerServer {
	t.Helper()
	j := jaegerServer{grpc: interop.FreeAddress(t), http: interop.FreeAddress(t), api: interop.FreeAddress(t)}
	interop.Start(t, []string{"SPAN_STORAGE_TYPE=memory"}, interop.Tool(t, "bin/jaeger"),
		"--collector.otlp.grpc.host-port="+j.grpc,
		"--collector.otlp.http.host-port="+j.http,
		"--query.http-server.host-port="+j.api,
		"--query.grpc-server.host-port="+interop.FreeAddress(t),
		"--collector.grpc-server.host-port="+interop.FreeAddress(t),
		"--collector.http-server.host-port="+interop.FreeAddress(t),
		"--admin.http.host-port="+interop.FreeAddress(t),
		"--log-level=error")
	interop.Eventually(t, 20*time.Second, func() error { return interop.GetJSON("http://"+j.api+"/api/v3/services", new(any)) })
	return j
}

func (j jaegerServer) environment(protocol string) []string {
	return (&collector{grpc: j.grpc, http: j.http}).environment(protocol)
}

// trace waits until the trace has want spans, and returns them.
func (j jaegerServer) trace(t *testing.T, id string, want int) []arrivedSpan {
	t.Helper()
	var spans []arrivedSpan
	interop.Eventually(t, 20*time.Second, func() error {
		var answer struct {
			Result json.RawMessage `json:"result"`
		}
		if err := interop.GetJSON("http://"+j.api+"/api/v3/traces/"+id, &answer); err != nil {
			return err
		}
		if len(answer.Result) == 0 {
			return errors.New("no result")
		}
		spans = readSpans(t, answer.Result)
		if len(spans) != want {
			return fmt.Errorf("%d spans in the trace, want %d", len(spans), want)
		}
		return nil
	})
	slices.SortFunc(spans, func(a, b arrivedSpan) int { return a.StartTimestamp().AsTime().Compare(b.StartTimestamp().AsTime()) })
	return spans
}
