package spans

import "github.com/headway-sidecar/headway/proxy/exchange"

// ended is a chain that is over, and how its attempts are written: the only one by
// itself, and several below a span over all of them.
//
// The attempts are children of that span when it can stand between them and their
// parent, which is when all are in one trace and below one span of the client, or
// none. Else each stays where its client put it and has a link to the chain's span,
// which is in the trace of the first.
type ended struct {
	chain   exchange.Chain
	single  bool
	missing int           // attempts that were not observed yet, or never will be
	whole   exchange.Span // the chain's own; zero until it is written
	source  source        // of its attempts
	below   bool          // those of that source are children of whole
}

// source is where the client put an attempt.
type source struct {
	trace           exchange.TraceID
	traceID, spanID string // as the client sent them
}

func sourceOf(r *exchange.Record) source {
	return source{r.Span.Trace, r.Trace.TraceID, r.Trace.SpanID}
}

// end is c, of which so many attempts are sampled and came.
func end(c *exchange.Chain, came int) *ended {
	return &ended{chain: *c, single: c.Attempts <= 1 && came <= 1, missing: c.Attempts - came}
}

// over writes the span of e over these attempts, if it has one. b.mu is held.
func (b *Builder) over(e *ended, records []exchange.Record) {
	if e.single {
		return
	}
	whole := alone(first(records))
	whole.context.ID = newSpanID()
	b.chain(&e.chain, records, &whole)
	e.whole, e.source, e.below = whole.context, sourceOf(&records[0]), true
	for i := range records {
		e.below = e.below && sourceOf(&records[i]) == e.source
	}
}

// place is that of r, an attempt of e.
func (e *ended) place(r *exchange.Record) place {
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

// late writes an attempt that is told of after the end of its chain: whoever ended
// that need not be who relayed the attempt. b.mu is held.
func (b *Builder) late(e *ended, r *exchange.Record) {
	if e.missing--; e.missing == 0 {
		b.recent.forget(e)
	}
	if e.whole == (exchange.Span{}) {
		b.over(e, []exchange.Record{*r})
	}
	p := e.place(r)
	b.attempt(r, &p)
}

// maxRecent is how many chains are remembered that are over and have attempts to
// come. Such attempts are told of within moments.
const maxRecent = 256

// recent are the last chains that ended with attempts missing.
type recent struct {
	chains map[exchange.ChainID]*ended
	ring   [maxRecent]exchange.ChainID
	next   int
}

// add remembers e, without what none of its spans tells.
func (r *recent) add(e *ended) {
	e.chain.Last.Chunks = exchange.Chunks{}
	delete(r.chains, r.ring[r.next])
	r.chains[e.chain.ID], r.ring[r.next] = e, e.chain.ID
	r.next = (r.next + 1) % maxRecent
}

func (r *recent) forget(e *ended) { delete(r.chains, e.chain.ID) }
