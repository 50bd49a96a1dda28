package tap

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// silentKey names what one exchange.Silent counts.
type silentKey struct {
	flightKey

	phase exchange.EpisodePhase
}

// Silent counts the open streams of applications that bring no content, by operation, model,
// upstream and phase. It has an entry, of zeros, for every kind of stream that is known and
// not silent. It delays no relay, as AppendOpen does.
func (t *Tap) Silent() []exchange.Silent {
	all := map[silentKey]*exchange.Silent{}
	entry := func(k flightKey, phase exchange.EpisodePhase) *exchange.Silent {
		key := silentKey{k, phase}
		if all[key] == nil {
			all[key] = &exchange.Silent{Operation: k.operation, Model: k.model, Upstream: k.upstream, Phase: phase}
		}
		return all[key]
	}
	for _, in := range t.flight.list() {
		if in.Operation.Generates() && in.Model != "" {
			for _, phase := range exchange.EpisodePhases() {
				entry(flightKey{in.Operation, in.Model, in.Upstream}, phase)
			}
		}
	}
	t.eachOpen(func(x *Exchange, now Instant) {
		if phase, wait := x.silence(now); wait >= exchange.SilentFrom {
			of := entry(x.progress.who.Load().key, phase)
			for i, age := range exchange.SilentAges() {
				if wait >= age {
					of.For[i]++
				}
			}
		}
	})
	return inOrder(all)
}

func inOrder(all map[silentKey]*exchange.Silent) []exchange.Silent {
	out := make([]exchange.Silent, 0, len(all))
	for _, of := range all {
		out = append(out, *of)
	}
	slices.SortFunc(out, func(a, b exchange.Silent) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Phase, b.Phase))
	})
	return out
}

// silence is how long the stream x has brought no content, and where. It is 0 for what is no
// stream of an application, and while the request is on its way.
func (x *Exchange) silence(now Instant) (exchange.EpisodePhase, time.Duration) {
	p, who := &x.progress, x.progress.who.Load()
	if !who.stream || x.record.Origin == exchange.Canary {
		return "", 0
	}
	x.catchUpSilent(now)
	asked, at := time.Duration(p.asked.Load()), now.Sub(x.start)
	switch _, last := p.content(); {
	case p.over.Load() || asked == 0 && last == 0:
		return "", 0
	case last == 0:
		return exchange.BeforeFirstToken, at - asked
	default:
		return exchange.MidStream, at - max(asked, last)
	}
}
