package tap

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Buffering lists, by operation, model and upstream, the streams of the last five to ten
// minutes that were long enough to show bursts, and how many of them came out of a buffer.
// Canaries are not among them.
func (t *Tap) Buffering() []exchange.Buffering { return t.buffering.list(time.Now()) }

const (
	// bufferingPeriod is how long a stream counts at least. It counts twice as long at
	// most.
	bufferingPeriod = 5 * time.Minute
	// maxBuffering bounds the kinds of streams of one period. Streams of further kinds do
	// not count.
	maxBuffering = 1024
)

// buffering counts streams in the present period and the one before. A stream changes it
// once, at its end.
type buffering struct {
	mu      sync.Mutex
	since   time.Time // start of the present period
	present map[flightKey]streams
	former  map[flightKey]streams
}

// streams are the streams of one kind.
type streams struct{ all, buffered int }

// bookBursts finds out whether a buffer has held the stream up.
func (x *Exchange) bookBursts(r *exchange.Record) {
	r.Bursts = r.FindBursts(len(r.FinishReasons))
	if r.Bursts.Of == 0 {
		return
	}
	if r.Bursts.Buffered() {
		r.Notes = append(r.Notes, "upstream_buffering")
	}
	if r.Origin != exchange.Canary {
		x.tap.buffering.add(x.key, r.Bursts.Buffered(), time.Now())
	}
}

// add counts a stream of kind k that ended now.
func (b *buffering) add(k flightKey, buffered bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(now)
	of, known := b.present[k]
	if !known && len(b.present) >= maxBuffering {
		return
	}
	of.all++
	if buffered {
		of.buffered++
	}
	b.present[k] = of
}

// turn begins another period when the present one is over.
func (b *buffering) turn(now time.Time) {
	switch age := now.Sub(b.since); {
	case age < bufferingPeriod:
		return
	case age < 2*bufferingPeriod:
		b.former = b.present
	default:
		b.former = nil
	}
	b.since, b.present = now, map[flightKey]streams{}
}

func (b *buffering) list(now time.Time) []exchange.Buffering {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(now)
	sums := make(map[flightKey]streams, len(b.present)+len(b.former))
	for _, of := range [...]map[flightKey]streams{b.present, b.former} {
		for k, n := range of {
			sum := sums[k]
			sums[k] = streams{sum.all + n.all, sum.buffered + n.buffered}
		}
	}
	out := make([]exchange.Buffering, 0, len(sums))
	for k, n := range sums {
		out = append(out, exchange.Buffering{Operation: k.operation, Model: k.model, Upstream: k.upstream, Streams: n.all, Buffered: n.buffered})
	}
	slices.SortFunc(out, func(a, b exchange.Buffering) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Upstream, b.Upstream))
	})
	return out
}
