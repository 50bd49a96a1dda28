package spans

import "github.com/headway-sidecar/headway/proxy/exchange"

// maxParted is how many chains are remembered whose attempts were written before the
// chain was over. Each takes 1 KiB.
const maxParted = 1024

// parted is what the span of a chain needs of attempts that are written already.
type parted struct {
	first   exchange.Record // that was written: its times, its place and the sampling of all, and nothing else
	written int
}

// leave remembers that r is written, without its chain, as the span of this context. b.mu
// is held.
func (b *Builder) leave(r *exchange.Record, as exchange.Span) {
	if p := b.parted.chains[r.Attempt.Chain]; p != nil {
		p.written++
		p.first.Sampling = sampling([]exchange.Record{p.first, *r})
		return
	}
	first := exchange.Record{Start: r.Start, Span: as, Trace: r.Trace, Attempt: exchange.Attempt{Number: r.Attempt.Number}, Sampling: r.Sampling}
	first.Timing.End = r.Timing.End
	b.parted.add(r.Attempt.Chain, &parted{first: first, written: 1})
}

// rejoin writes the span of a chain of which all attempts that came are written. It stands
// where the first of them stands, with a link to it: nothing can stand below it any more.
// b.mu is held.
func (b *Builder) rejoin(p *parted, c *exchange.Chain) {
	e := finish(c, p.written)
	e.single = false
	b.span(e, []exchange.Record{p.first}, p.first.Span)
	if e.missing > 0 {
		b.remember(e)
	}
}
