package tap

import (
	"cmp"
	"slices"
	"sync"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

type flightKey struct {
	operation       exchange.Operation
	model, upstream string
}

// maxQuiet bounds the kinds that are still listed, with 0, when nothing of theirs
// is under way.
const maxQuiet = 256

// flight counts what is under way. It is touched a few times an exchange, never
// for a chunk.
type flight struct {
	mu   sync.Mutex
	live map[flightKey]*exchange.InFlight
}

// add books n requests and m streams of kind k.
func (f *flight) add(k flightKey, n, m int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.live[k]
	if in == nil {
		in = &exchange.InFlight{Operation: k.operation, Model: k.model, Upstream: k.upstream}
		f.live[k] = in
	}
	in.Requests += n
	in.Streams += m
	if in.Requests == 0 && in.Streams == 0 && (k.model == "" || len(f.live) > maxQuiet) {
		delete(f.live, k)
	}
}

func (f *flight) list() []exchange.InFlight {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]exchange.InFlight, 0, len(f.live))
	for _, in := range f.live {
		out = append(out, *in)
	}
	slices.SortFunc(out, func(a, b exchange.InFlight) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Upstream, b.Upstream))
	})
	return out
}
