package spans

import "github.com/headway-sidecar/headway/proxy/exchange"

// finished is a chain that is over, and says how to write its attempts: an only attempt
// by itself, and several ones with a span over all of them.
//
// The attempts are children of that span if it can stand between them and their parent:
// if all are in one trace, and below one span of the client or none. Otherwise each stays
// where its client put it and has a link to the chain's span, which is in the trace of
// the first.
type finished struct {
	chain   exchange.Chain
	single  bool
	missing int           // attempts that were not yet observed, or never will be
	whole   exchange.Span // the chain's own; zero until it is written
	source  source        // of its attempts
	below   bool          // attempts of that source are children of whole
}

// source is where the client put an attempt.
type source struct {
	trace           exchange.TraceID
	traceID, spanID string // as the client sent them
}

func sourceOf(r *exchange.Record) source {
	return source{r.Span.Trace, r.Trace.TraceID, r.Trace.SpanID}
}

// finish returns c as a finished chain, of which so many attempts are sampled and came.
func finish(c *exchange.Chain, came int) *finished {
	return &finished{chain: *c, single: c.Attempts <= 1 && came <= 1, missing: c.Attempts - came}
}

// span writes the span of e over these attempts, if e has one, with a link unless that is
// zero. b.mu is held.
func (b *Builder) span(e *finished, records []exchange.Record, link exchange.Span) {
	if e.single {
		return
	}
	whole := alone(first(records))
	whole.context.ID, whole.link = newSpanID(), link
	b.chain(&e.chain, records, &whole)
	e.whole, e.source, e.below = whole.context, sourceOf(&records[0]), true
	for i := range records {
		e.below = e.below && sourceOf(&records[i]) == e.source
	}
}

// place is the place of r, an attempt of e.
func (e *finished) place(r *exchange.Record) place {
	p := alone(r)
	if e.single {
		p.outcome, p.verdicts = e.chain.Outcome, both(r.Verdicts, e.chain.Verdicts)
		return p
	}
	p.joined, p.verdicts = true, only(false, r.Verdicts)
	if e.below && sourceOf(r) == e.source {
		p.context.Trace, p.parent, p.remote = e.whole.Trace, e.whole.ID, false
	} else {
		p.link = e.whole
	}
	return p
}

// late writes an attempt that is observed after the end of its chain, because another
// goroutine than the one that relayed the attempt may end the chain. b.mu is held.
func (b *Builder) late(e *finished, r *exchange.Record) {
	if e.missing--; e.missing == 0 {
		b.recent.forget(e.chain.ID)
	}
	if e.whole == (exchange.Span{}) {
		b.span(e, []exchange.Record{*r}, exchange.Span{})
	}
	p := e.place(r)
	b.attempt(r, &p)
}

// maxRecent is how many finished chains are remembered whose attempts are still to come.
// Such attempts come within moments.
const maxRecent = 256

// remember keeps e for the attempts that are missing, without the facts that no span
// tells. b.mu is held.
func (b *Builder) remember(e *finished) {
	e.chain.Last.Chunks = exchange.Chunks{}
	b.recent.add(e.chain.ID, e)
}
