package spans

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Flags of spans and links: those of W3C Trace Context, and those of OTLP (trace.proto,
// SpanFlags) that say whether the parent is of another process.
const (
	sampled   uint32 = 0x1
	hasRemote uint32 = 0x100
	isRemote  uint32 = 0x200
)

// place is where the span of an attempt stands in its trace, and what the span tells of
// that.
type place struct {
	context  exchange.Span // its own name
	parent   exchange.SpanID
	remote   bool          // the parent is the client's
	link     exchange.Span // for an attempt the span of its chain if that is not the parent, for a chain an attempt; zero for none
	joined   bool          // it is one of several attempts, or may turn out to be
	outcome  exchange.ChainOutcome
	verdicts []exchange.Verdict
}

// alone is the place of r below the span of its turn, or below its client's.
func alone(r *exchange.Record) place {
	p := place{context: named(r.Span)}
	if r.Turn.Parent != (exchange.SpanID{}) {
		p.parent = r.Turn.Parent
		return p
	}
	p.parent, p.remote = remoteParent(&r.Trace, p.context.Trace)
	return p
}

// named is s, with random ids where s has none.
func named(s exchange.Span) exchange.Span {
	if s.Trace == (exchange.TraceID{}) {
		high, low := newSpanID(), newSpanID()
		copy(s.Trace[:8], high[:])
		copy(s.Trace[8:], low[:])
	}
	if s.ID == (exchange.SpanID{}) {
		s.ID = newSpanID()
	}
	return s
}

func newSpanID() (id exchange.SpanID) {
	n := rand.Uint64() | 1 // never zero
	for i := range id {
		id[i] = byte(n >> (8 * i))
	}
	return id
}

// remoteParent is the client's span, if it is of that trace.
func remoteParent(t *exchange.Trace, of exchange.TraceID) (parent exchange.SpanID, ok bool) {
	var trace exchange.TraceID
	if len(t.TraceID) != 2*len(trace) || len(t.SpanID) != 2*len(parent) {
		return parent, false
	}
	if _, err := hex.Decode(trace[:], []byte(t.TraceID)); err != nil || trace != of {
		return parent, false
	}
	if _, err := hex.Decode(parent[:], []byte(t.SpanID)); err != nil {
		return exchange.SpanID{}, false
	}
	return parent, parent != exchange.SpanID{}
}

// attempt writes the span of r, and those of its engine. b.mu is held.
func (b *Builder) attempt(r *exchange.Record, p *place) {
	span := b.row()
	span.identify(p.context, p.parent, p.remote)
	span.title(r.Operation, r.Model.Request, r.Upstream.Host)
	span.SetKind(kindOf(r.Role))
	span.SetStartTimestamp(at(r, 0))
	span.SetEndTimestamp(at(r, r.Timing.End))
	span.state(r.Trace.State, r.Sampling)
	span.verdict(r.Outcome)

	s := &span.main
	s.clear()
	s.request(r)
	b.own.labelled(s, r)
	b.response(s, r)
	span.timing(s, r)
	span.chained(s, r, p)
	span.turned(s, r)
	s.judged(p.verdicts)
	b.own.limited(s, r)
	s.str(samplingReason, r.Sampling.Reason)
	s.strs(notes, r.Notes)
	s.writeTo(span.Attributes())

	span.links(p.link)
	span.events(r)
	span.done()
	if r.Engine != (exchange.Engine{}) {
		b.engine(r, p.context)
	}
}

// identify sets ids and flags.
func (w row) identify(context exchange.Span, parent exchange.SpanID, remote bool) {
	w.SetTraceID(pcommon.TraceID(context.Trace))
	w.SetSpanID(pcommon.SpanID(context.ID))
	w.SetParentSpanID(pcommon.SpanID(parent))
	flags := sampled | hasRemote
	if remote {
		flags |= isRemote
	}
	w.SetFlags(flags)
}

// title names the span {operation} {model}. Where no dialect is known, so that there is no
// operation, it names the span exchange {upstream}.
func (w row) title(operation exchange.Operation, model, upstream string) {
	if operation == "" {
		operation, model = "exchange", upstream
	}
	from := len(w.text)
	w.text = append(w.text, operation...)
	if model != "" {
		w.text = append(append(w.text, ' '), model...)
	}
	w.SetName(w.string(from))
}

func kindOf(r exchange.Role) ptrace.SpanKind {
	if r == exchange.Server {
		return ptrace.SpanKindServer
	}
	return ptrace.SpanKindClient
}

func at(r *exchange.Record, offset time.Duration) pcommon.Timestamp {
	return pcommon.Timestamp(uint64(r.Start.UnixNano() + int64(offset)))
}

// state sets the tracestate.
func (w row) state(client string, s exchange.Sampling) {
	if !s.Weighted && !strings.Contains(client, "ot=") {
		w.TraceState().FromRaw(client)
		return
	}
	from := len(w.text)
	w.text = appendState(w.text, client, s)
	w.TraceState().FromRaw(w.string(from))
}

// verdict sets the status: Error and the outcome for an exchange that failed. It leaves the
// status unset otherwise, and also for an exchange that its client left: people stop a
// model that way, and nothing failed that they still wanted (semantic conventions,
// Recording errors: instrumentation with more context may set the status more precisely).
// The error.type of such an exchange is canceled all the same, as in the metrics.
func (w row) verdict(o exchange.Outcome) {
	if o == exchange.OK || o == exchange.ClientGone {
		w.Status().SetCode(ptrace.StatusCodeUnset)
		w.Status().SetMessage("")
		return
	}
	w.Status().SetCode(ptrace.StatusCodeError)
	w.Status().SetMessage(string(o))
}

// links sets the one link, or none.
func (w row) links(to exchange.Span) {
	links := w.Links()
	if to == (exchange.Span{}) {
		cut[ptrace.SpanLink](links, 0)
		return
	}
	if links.Len() == 0 {
		links.AppendEmpty()
	}
	link := links.At(0)
	link.SetTraceID(pcommon.TraceID(to.Trace))
	link.SetSpanID(pcommon.SpanID(to.ID))
	link.SetFlags(sampled | hasRemote)
}
