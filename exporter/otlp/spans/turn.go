package spans

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxTurns is how many turns that are not over the Builder knows to have a sampled
// exchange. The spans of the oldest beyond that keep a parent that never comes.
const maxTurns = 1 << 14

// maxTurnName bounds the models in the names of turns' spans.
const maxTurnName = 128

// expect books that an exchange of r's turn is sampled, which the turn's span will be the
// parent of. b.mu is held.
func (b *Builder) expect(r *exchange.Record) {
	if r.Turn.Parent == (exchange.SpanID{}) {
		return
	}
	id := exchange.ChainID(r.Turn.ID)
	if had, ok := b.turns.chains[id]; ok {
		had.Weighted = had.Weighted && r.Sampling.Weighted
		had.Threshold = min(had.Threshold, r.Sampling.Threshold)
		b.turns.chains[id] = had
		return
	}
	b.turns.add(id, r.Sampling)
}

// ObserveTurn writes the span of t, if one of its exchanges is sampled and below it. A turn
// whose client traces has none: the client's own spans are the parents there.
func (b *Builder) ObserveTurn(t exchange.WholeTurn) {
	b.mu.Lock()
	defer b.unlock()
	id := exchange.ChainID(t.ID)
	s, expected := b.turns.chains[id]
	if b.closed || !expected {
		return
	}
	b.turns.forget(id)
	b.turn(&t, s)
}

// turn writes the span of t. The span has no gen_ai.usage.*, as that of a chain has none.
// b.mu is held.
func (b *Builder) turn(t *exchange.WholeTurn, sampling exchange.Sampling) {
	span, last := b.row(), &t.Last
	span.identify(t.Span, exchange.SpanID{}, false)
	from := len(span.text)
	span.text = append(span.text, "turn"...)
	if model := last.Model.Request; model != "" {
		span.text = append(append(span.text, ' '), model[:min(len(model), maxTurnName)]...)
	}
	span.SetName(span.string(from))
	span.SetKind(ptrace.SpanKindInternal)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(t.Start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(t.Start.Add(max(t.All, time.Nanosecond))))
	span.state("", sampling)
	span.verdict(exchange.OK)
	if t.Outcome == exchange.TurnFailed {
		span.verdict(last.Outcome)
	}
	s := &span.main
	s.clear()
	s.str(operationName, string(last.Operation))
	s.str(providerName, last.Provider)
	s.str(requestModel, last.Model.Request)
	s.str(origin, string(last.Origin))
	if t.Outcome == exchange.TurnFailed {
		s.str(errorType, string(last.ErrorType))
	}
	s.rented(turnID, span.chainID(exchange.ChainID(t.ID)))
	s.rented(turnSession, span.chainID(exchange.ChainID(t.Session)))
	s.str(turnOutcome, string(t.Outcome))
	s.int(turnCalls, int64(t.Calls))
	s.int(turnToolCalls, int64(t.ToolCalls))
	s.strs(turnJoinedBy, t.JoinedBy)
	s.flag(turnAmbiguous, t.Ambiguous)
	s.seconds(turnModel, t.Model)
	s.seconds(turnTool, t.Tool)
	s.seconds(turnHuman, t.Human)
	s.seconds(turnFirstAnswer, t.FirstAnswer)
	s.judged(t.Verdicts)
	s.str(samplingReason, sampling.Reason)
	s.writeTo(span.Attributes())
	span.links(exchange.Span{})
	cut[ptrace.SpanEvent](span.Events(), 0)
	span.done()
}

// turned adds which turn of which session r was of, unless r is all of it.
func (w row) turned(s *sheet, r *exchange.Record) {
	if r.Turn.ID == 0 || r.Turn.Alone {
		return
	}
	s.rented(turnID, w.chainID(exchange.ChainID(r.Turn.ID)))
	s.rented(turnSession, w.chainID(exchange.ChainID(r.Turn.Session)))
	s.int(turnCall, int64(r.Turn.Call))
	s.str(turnJoinedBy, r.Turn.JoinedBy)
	s.flag(turnAmbiguous, r.Turn.Ambiguous)
}
