package spans

import (
	"maps"
	"slices"
	"time"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// scope names the instrumentation in every request.
const scope = "github.com/headway-sidecar/headway"

// maxText is how much text of its own a batch holds before it is full.
const maxText = 256 << 10

// template is a request with its resource and scope, but without spans.
type template struct{ traces ptrace.Traces }

func newTemplate(c Config) template {
	t := ptrace.NewTraces()
	resource := t.ResourceSpans().AppendEmpty()
	for _, key := range slices.Sorted(maps.Keys(c.Resource)) {
		resource.Resource().Attributes().PutStr(key, c.Resource[key])
	}
	of := resource.ScopeSpans().AppendEmpty()
	of.Scope().SetName(scope)
	of.Scope().SetVersion(c.Version)
	of.SetSchemaUrl(schemaOf(c.SemConv))
	return template{t}
}

func (t template) copy() (ptrace.Traces, ptrace.SpanSlice) {
	c := ptrace.NewTraces()
	t.traces.CopyTo(c)
	return c, c.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
}

// batch is a request in the making. The next request uses its spans again: an attribute
// that has not changed since, as most have not, needs no allocation.
type batch struct {
	traces ptrace.Traces
	spans  ptrace.SpanSlice // all spans so far, of which used are in use
	used   int
	since  time.Time // when the first of them came
	text   []byte    // of the strings that belong to these spans
	main   sheet
	side   sheet
}

func newBatch(blank template) *batch {
	b := &batch{}
	b.traces, b.spans = blank.copy()
	return b
}

func (b *batch) fullAt(spans int) bool { return b.used >= spans || len(b.text) >= maxText }

// row is a span to write, and its batch.
type row struct {
	ptrace.Span
	*batch
}

// next is the row after those in use. It counts only after done: otherwise the next row
// overwrites it.
func (b *batch) next() row {
	if b.used == b.spans.Len() {
		b.spans.AppendEmpty()
	}
	return row{b.spans.At(b.used), b}
}

// done counts the row, which is complete.
func (w row) done() { w.used++ }

// string is the part of text behind the length from, without a copy. It is valid until
// reset: until then text only grows, and when append moves it, the old bytes stay with
// the strings that refer to them. Never compare such a string with a value that an
// earlier use of the batch left in a span: that value may lie in the same memory, and
// change.
func (b *batch) string(from int) string {
	return unsafe.String(unsafe.SliceData(b.text[from:]), len(b.text)-from)
}

// reset makes b ready for other spans.
func (b *batch) reset() { b.used, b.text = 0, b.text[:0] }

// batchPart is a request that borrows the spans of a batch that is not full.
type batchPart struct {
	traces ptrace.Traces
	spans  ptrace.SpanSlice
}

func newPart(blank template) batchPart {
	p := batchPart{}
	p.traces, p.spans = blank.copy()
	return p
}

// encode is b as an ExportTraceServiceRequest. pdata cannot leave spans out: if not all
// are in use, encode moves those that are to part, and back.
func (b *batch) encode(part *batchPart) []byte {
	if b.used == b.spans.Len() {
		return marshal(b.traces)
	}
	for part.spans.Len() < b.used {
		part.spans.AppendEmpty()
	}
	for i := range b.used {
		b.spans.At(i).MoveTo(part.spans.At(i))
	}
	cut(part.spans, b.used)
	payload := marshal(part.traces)
	for i := range b.used {
		part.spans.At(i).MoveTo(b.spans.At(i))
	}
	return payload
}

// cut removes all of s but the first n.
func cut[E any, S interface {
	Len() int
	RemoveIf(func(E) bool)
}](s S, n int,
) {
	if s.Len() <= n {
		return
	}
	i := 0
	s.RemoveIf(func(E) bool {
		i++
		return i > n
	})
}

func marshal(t ptrace.Traces) []byte {
	payload, _ := ptraceotlp.NewExportRequestFromTraces(t).MarshalProto() // never returns an error
	return payload
}
