package tap

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// engineKey names a model on one upstream.
type engineKey struct{ model, upstream string }

func engineOf(who *particulars) engineKey { return engineKey{who.key.model, who.key.upstream} }

// suspects is how many streams of an engine have to wait for AppendFlows to tell of it.
const suspects = 3

// AppendFlows appends how streams flow, of each model on each upstream of which three streams
// or more wait for bytes for exchange.StallFrom, or did so within lookback. Mostly there is none,
// and it appends nothing. It reads nothing but the moments of bytes, and so delays no relay.
// Moments count from Instant 0. Streams of canaries are left out.
func (t *Tap) AppendFlows(dst []exchange.EngineFlow, lookback time.Duration) []exchange.EngineFlow {
	waiting := map[engineKey]*int{}
	var last engineKey // most streams are of one engine, and a look into the map takes time
	var n *int
	open := 0
	t.eachOpen(func(x *Exchange, now Instant) {
		open++
		if !x.waited(now, lookback) {
			return
		}
		who := x.progress.who.Load()
		if !x.flows(who) {
			return
		}
		if of := engineOf(who); n == nil || of != last {
			if last, n = of, waiting[of]; n == nil {
				n = new(int)
				waiting[of] = n
			}
		}
		*n++
	})
	for engine, n := range waiting {
		if *n >= suspects {
			dst = append(dst, t.flowOf(engine, open))
		}
	}
	return dst
}

// flowOf is how all streams of an engine flow, of so many open exchanges.
func (t *Tap) flowOf(engine engineKey, open int) (f exchange.EngineFlow) {
	t.eachOpen(func(x *Exchange, _ Instant) {
		who := x.progress.who.Load()
		if engineOf(who) != engine || !x.flows(who) {
			return
		}
		if f.Streams == nil {
			f.Operation, f.Model, f.Upstream, f.Mode = who.key.operation, who.key.model, x.head.Upstream, who.mode
			f.Streams = make([]exchange.Flow, 0, open)
		}
		f.Streams = append(f.Streams, x.flow())
	})
	return f
}

// flows says whether x is a stream of an application that brings content.
func (x *Exchange) flows(who *particulars) bool {
	return who.stream && x.record.Origin != exchange.Canary && x.progress.first.Load() > 0 && !x.progress.over.Load()
}

// waited says whether x waits for bytes for long, or did within lookback.
func (x *Exchange) waited(now Instant, lookback time.Duration) bool {
	at, p := now.Sub(x.start), &x.progress
	if at-time.Duration(p.byteAt.Load()) >= exchange.StallFrom {
		return true
	}
	_, to, ok := p.pause.load()
	return ok && at-to < lookback
}

func (x *Exchange) flow() exchange.Flow {
	p, start := &x.progress, time.Duration(x.start)
	chunks, _ := p.content()
	f := exchange.Flow{First: start + time.Duration(p.first.Load()), Last: start + time.Duration(p.byteAt.Load()), Chunks: chunks}
	if from, to, ok := p.pause.load(); ok {
		f.From, f.To = start+from, start+to
	}
	return f
}
