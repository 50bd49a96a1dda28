// Package production holds captured production requests beside the cells of a baseline that
// they belong to: the same model, lengths and load.
package production

import (
	"iter"
	"math"
	"slices"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Gatherer gathers the lines of captures. It keeps some 60 bytes of each request. It is not
// safe for concurrent use.
type Gatherer struct {
	against baseline.Baseline
	models  map[string]*traffic // of the baseline
	tested  map[string]string   // the model of the baseline, by the name that production has for it
	renamed map[string]bool     // those of tested that a request had
	foreign map[string]int      // requests of other models, by model
	leftOut report.LeftOut
}

// traffic is that of one model.
type traffic struct {
	starts, ends []int64     // of every request, in nanoseconds: they tell how many are in flight
	answered     [][]request // in blocks, so that a long list is never copied
	failed       int
	uncounted    int // answered, and nobody counted the tokens
}

// request is an answered request.
type request struct {
	Times
	start int64   // nanoseconds
	input float32 // tokens
}

// NewGatherer returns a Gatherer of requests beside b. Where production has another name for
// a model than the load test, tested has that of the load test by that of production. The
// other names are the same in both.
func NewGatherer(b baseline.Baseline, tested map[string]string) *Gatherer {
	g := &Gatherer{against: b, models: map[string]*traffic{}, tested: tested, renamed: map[string]bool{}, foreign: map[string]int{}}
	for i := range b.Cells {
		if model := b.Cells[i].Model; g.models[model] == nil {
			g.models[model] = &traffic{}
		}
	}
	return g
}

// Add adds one line. It ignores lines of calls: a load test times each request by itself.
func (g *Gatherer) Add(l capture.Line) {
	if l.Kind != "" || g.leftOut.Skip(&l) {
		return
	}
	of := g.traffic(l.Model.Request)
	if of == nil {
		of = g.traffic(l.Model.Response)
	}
	if of == nil {
		if len(g.foreign) < maxForeign || g.foreign[l.Model.Request] > 0 {
			g.foreign[l.Model.Request]++
		} else {
			g.foreign[furtherModels]++
		}
		return
	}
	of.add(&l)
}

// traffic is that of a model by its name in production, nil if the baseline has it not.
func (g *Gatherer) traffic(model string) *traffic {
	if tested, is := g.tested[model]; is {
		g.renamed[model] = true
		return g.models[tested]
	}
	return g.models[model]
}

// Unseen lists the names that production was said to have for a model, and that no request
// had, in the order of the alphabet.
func (g *Gatherer) Unseen() (names []string) {
	for name := range g.tested {
		if !g.renamed[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// maxForeign bounds the names of other models that a Gatherer remembers. It counts the
// requests of further ones together.
const (
	maxForeign    = 100
	furtherModels = "(further models)"
)

func (t *traffic) add(l *capture.Line) {
	start := t.fly(l)
	in, out := l.Tokens.Input, l.Tokens.Output
	switch {
	case l.Outcome != string(exchange.OK):
		t.failed++
		return
	case in == nil || out == nil || estimated(&l.Tokens):
		t.uncounted++
		return
	}
	input := *in
	if cached := l.Tokens.CacheRead; cached != nil {
		input = max(0, input-*cached)
	}
	if n := len(t.answered); n == 0 || len(t.answered[n-1]) == cap(t.answered[n-1]) {
		t.answered = append(t.answered, make([]request, 0, block))
	}
	last := &t.answered[len(t.answered)-1]
	*last = append(*last, request{start: start, input: float32(input), Times: Times{
		FirstByte: float32(l.FirstByte), FirstEvent: float32(l.FirstEvent), TTFT: float32(l.TTFT), LastToken: float32(l.LastToken),
		Total: float32(l.E2E), TPOT: float32(l.TPOT), Output: float32(*out), Stream: l.Stream, Reported: l.Tokens.Source == string(exchange.Reported),
	}})
}

// fly notes when the request of a line was under way.
func (t *traffic) fly(l *capture.Line) (start int64) {
	start = l.Start.UnixNano()
	t.starts = append(t.starts, start)
	t.ends = append(t.ends, start+max(1, int64(math.Round(l.E2E*1e9))))
	return start
}

// block is how many requests a block has.
const block = 4096

// estimated says whether a count is an estimate, which says too little of a length.
func estimated(t *capture.Tokens) bool {
	return t.Source == string(exchange.Estimated) || t.InputSource == string(exchange.Estimated)
}

// all yields the answered requests.
func (t *traffic) all() iter.Seq[*request] {
	return func(yield func(*request) bool) {
		for _, some := range t.answered {
			for i := range some {
				if !yield(&some[i]) {
					return
				}
			}
		}
	}
}
