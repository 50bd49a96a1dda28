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

// maxQuiet bounds the kinds that the list keeps, with 0, while none of them is under
// way.
const maxQuiet = 256

// flight counts the exchanges under way. An exchange changes it a few times, a chunk
// never.
type flight struct {
	mu   sync.Mutex
	live map[flightKey]*exchange.InFlight
}

// add counts so many requests and streams of kind k more, or less.
func (f *flight) add(k flightKey, requests, streams int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.live[k]
	if in == nil {
		in = &exchange.InFlight{Operation: k.operation, Model: k.model, Upstream: k.upstream}
		f.live[k] = in
	}
	in.Requests += requests
	in.Streams += streams
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
