package spans

import (
	"cmp"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// What the spans of an engine are laid against, in headway.engine.placed.
const (
	atFirstToken = "first_token"     // its end is when the first token came
	atLastToken  = "last_token"      // its end is when the last token came
	atResponse   = "response"        // the end of them all is when the response began
	atRequest    = "request_written" // its start is when the request was written
)

// phase is a time that the engine told. It told how long, not when.
type phase struct {
	name   string
	start  time.Duration
	told   time.Duration
	placed string
}

// phases lays out what the engine told so that it ends where its end shows here: the
// prefill with the first token, the decode with the last one. In a response that
// did not stream, all of it was over when the response began. Waiting came before the
// prefill; when that was not told, it began with the request. What is between the
// phases and the exchange is the network's, and the server's in front of the engine.
func phases(r *exchange.Record) [3]phase {
	e, t := &r.Engine, &r.Timing
	decode := phase{"decode", t.LastToken - e.Decode, e.Decode, atLastToken}
	prefill := phase{"prefill", t.FirstToken - e.Prefill, e.Prefill, atFirstToken}
	if t.FirstToken == 0 {
		decode.start, decode.placed = cmp.Or(t.FirstChunk, t.End)-e.Decode, atResponse
		prefill.start, prefill.placed = decode.start-e.Prefill, atResponse
	}
	queue := phase{"queue", prefill.start - e.Queue, e.Queue, prefill.placed}
	if e.Prefill == 0 {
		queue.start, queue.placed = t.RequestWritten, atRequest
	}
	return [...]phase{queue, prefill, decode}
}

// engine writes the engine's times as child spans of an attempt. They are cut where
// they would leave it; headway.engine.duration is what was told. b.mu is held.
func (b *Builder) engine(r *exchange.Record, parent exchange.Span) {
	for _, p := range phases(r) {
		if p.told <= 0 {
			continue
		}
		start := min(max(p.start, 0), r.Timing.End)
		end := max(start, min(p.start+p.told, r.Timing.End))
		span := b.row()
		span.begin(exchange.Span{Trace: parent.Trace, ID: newSpanID()}, parent.ID, false)
		span.SetName(p.name)
		span.SetKind(ptrace.SpanKindInternal)
		span.SetStartTimestamp(at(r, start))
		span.SetEndTimestamp(at(r, end))
		span.state(r.Trace.State, r.Sampling)
		span.verdict(exchange.OK)
		span.main.clear()
		span.main.str(enginePlaced, p.placed)
		span.main.seconds(engineDuration, p.told)
		span.main.writeTo(span.Attributes())
		span.links(exchange.Span{})
		cut[ptrace.SpanEvent](span.Events(), 0)
		span.done()
	}
}
