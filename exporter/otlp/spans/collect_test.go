package spans_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// receiver keeps the payloads of a Builder.
type receiver struct {
	mu       sync.Mutex
	payloads [][]byte
	items    []int
}

func (r *receiver) send(payload []byte, items int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payloads, r.items = append(r.payloads, payload), append(r.items, items)
}

func (r *receiver) sizes() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.items)
}

func decoded(t testing.TB, payload []byte) ptrace.Traces {
	t.Helper()
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(payload); err != nil {
		t.Fatal(err)
	}
	return request.Traces()
}

// received returns the spans of all payloads in order, and checks the counts that came
// with them.
func (r *receiver) received(t testing.TB) []ptrace.Span {
	t.Helper()
	var all []ptrace.Span
	for i, payload := range r.payloads {
		traces := decoded(t, payload)
		if traces.SpanCount() != r.items[i] {
			t.Errorf("payload %d has %d spans, and was sent as %d", i, traces.SpanCount(), r.items[i])
		}
		list := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
		for i := range list.Len() {
			all = append(all, list.At(i))
		}
	}
	return all
}

// built returns the spans that a Builder of c makes while do runs.
func built(t testing.TB, c spans.Config, do func(*spans.Builder)) []ptrace.Span {
	t.Helper()
	var r receiver
	c.Send = r.send
	if c.Linger == 0 {
		c.Linger = time.Hour
	}
	b := spans.New(c)
	do(b)
	b.Close()
	return r.received(t)
}

// observed returns the spans of attempts that are each a call of their own.
func observed(t testing.TB, records ...exchange.Record) []ptrace.Span {
	t.Helper()
	return built(t, spans.Config{}, func(b *spans.Builder) {
		for _, r := range records {
			b.Observe(r)
			if r.Attempt.Outcome != "" {
				b.ObserveChain(exchange.Chain{ID: r.Attempt.Chain, Outcome: r.Attempt.Outcome, Attempts: 1, Last: r})
			}
		}
	})
}

// span is a received span in a form that tests can compare.
type span struct {
	name   string
	kind   ptrace.SpanKind
	id     string
	trace  string
	parent string
	flags  uint32
	state  string
	start  time.Duration // from start()
	end    time.Duration
	status string // empty: unset
	attrs  map[string]any
	events []happening
	links  []string // trace/span
}

type happening struct {
	name  string
	at    time.Duration
	attrs map[string]any
}

func read(s ptrace.Span) span {
	out := span{
		name: s.Name(), kind: s.Kind(), id: s.SpanID().String(), trace: s.TraceID().String(), parent: s.ParentSpanID().String(),
		flags: s.Flags(), state: s.TraceState().AsRaw(),
		start: s.StartTimestamp().AsTime().Sub(start()), end: s.EndTimestamp().AsTime().Sub(start()),
		attrs: s.Attributes().AsRaw(),
	}
	switch s.Status().Code() {
	case ptrace.StatusCodeUnset:
		out.status = s.Status().Message()
	default:
		out.status = s.Status().Code().String() + ": " + s.Status().Message()
	}
	for i := range s.Events().Len() {
		e := s.Events().At(i)
		out.events = append(out.events, happening{e.Name(), e.Timestamp().AsTime().Sub(start()), e.Attributes().AsRaw()})
	}
	for i := range s.Links().Len() {
		out.links = append(out.links, s.Links().At(i).TraceID().String()+"/"+s.Links().At(i).SpanID().String())
	}
	return out
}

func readAll(list []ptrace.Span) []span {
	out := make([]span, len(list))
	for i := range list {
		out[i] = read(list[i])
	}
	return out
}
