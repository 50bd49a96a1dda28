package spans

import (
	"cmp"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The moments by which the spans of an engine are placed, in headway.engine.placed.
const (
	atFirstToken = "first_token"     // it ends when the first token came
	atLastToken  = "last_token"      // it ends when the last token came
	atResponse   = "response"        // all of them end when the response began
	atRequest    = "request_written" // it starts when the request was written
)

// phase is a duration that the engine told. The engine does not tell when it was.
type phase struct {
	name   string
	start  time.Duration
	told   exchange.Phase
	placed string
}

// phases places the engine's durations by moments that headway saw: the prefill ends with
// the first token, the decode with the last one. In a response that did not stream, all
// phases ended when the response began. Waiting came before the prefill; if the engine did
// not tell the prefill, waiting began with the request. The rest of the exchange's time
// belongs to the network, and to servers in front of the engine.
func phases(r *exchange.Record) [3]phase {
	e, t := &r.Engine, &r.Timing
	decode := phase{"decode", t.LastToken - e.Decode.Time, e.Decode, atLastToken}
	prefill := phase{"prefill", t.FirstToken - e.Prefill.Time, e.Prefill, atFirstToken}
	if t.FirstToken == 0 {
		decode.start, decode.placed = cmp.Or(t.FirstChunk, t.End)-e.Decode.Time, atResponse
		prefill.start, prefill.placed = decode.start-e.Prefill.Time, atResponse
	}
	queue := phase{"queue", prefill.start - e.Queue.Time, e.Queue, prefill.placed}
	if !e.Prefill.Known {
		queue.start, queue.placed = t.RequestWritten, atRequest
	}
	return [...]phase{queue, prefill, decode}
}

// engine writes the engine's phases as child spans of an attempt. It cuts them where they
// would leave the attempt; headway.engine.duration has the whole duration. b.mu is held.
func (b *Builder) engine(r *exchange.Record, parent exchange.Span) {
	for _, p := range phases(r) {
		if !p.told.Known {
			continue
		}
		start := min(max(p.start, 0), r.Timing.End)
		end := max(start, min(p.start+p.told.Time, r.Timing.End))
		span := b.row()
		span.identify(exchange.Span{Trace: parent.Trace, ID: newSpanID()}, parent.ID, false)
		span.SetName(p.name)
		span.SetKind(ptrace.SpanKindInternal)
		span.SetStartTimestamp(at(r, start))
		span.SetEndTimestamp(at(r, end))
		span.state(r.Trace.State, r.Sampling)
		span.verdict(exchange.OK)
		span.main.clear()
		span.main.str(enginePlaced, p.placed)
		span.main.double(engineDuration, p.told.Time.Seconds())
		span.main.writeTo(span.Attributes())
		span.links(exchange.Span{})
		cut[ptrace.SpanEvent](span.Events(), 0)
		span.done()
	}
}
