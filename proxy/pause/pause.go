// Package pause tells the pauses of an engine from those of one request. Beside a model
// server one clock sees all streams: a gap that most of them have at the same time is the
// engine's, and a gap of one stream is that request's.
package pause

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// Every is how often somebody has to call Look.
	Every = 2 * time.Second
	// Lookback is how long a gap that is over is evidence: the streams of an engine that pauses
	// may go on one after the other.
	Lookback = 30 * time.Second

	// late is how much later than Every a Look may come. A later one says that headway itself
	// was stopped, and then all streams have a gap that is nobody else's.
	late = time.Second
	// together is how far apart the streams of a pause may stop.
	together = time.Second
	// fewest is the smallest number of streams that have to pause.
	fewest = 3
	// begun is how many chunks show at what pace a stream produces.
	begun = 3
	// unlike is how many times longer than the others of its stream a gap has to be: a model
	// that needs a second for each token does not pause.
	unlike = 4
	// remembered bounds the pauses of an engine that exchanges may still ask for, and engines
	// bounds the engines.
	remembered = 32
	engines    = 256
)

// Detector finds pauses. It is safe for concurrent use, and its memory is bounded.
type Detector struct {
	zero time.Time // of all moments

	mu      sync.Mutex
	looked  time.Duration
	blind   time.Duration // until when nothing is evidence
	history map[engine]*history
}

// engine names a model on one upstream.
type engine struct {
	model    string
	upstream exchange.Upstream
}

// history is what is known of the pauses of one engine.
type history struct {
	used    time.Duration
	until   time.Duration // evidence from before it has been judged
	running time.Duration // when the pause began that is not over; 0 for none
	over    []span        // the last ones, oldest first
	told    exchange.Record
}

type span struct{ from, to time.Duration }

// New returns a Detector whose moments count from zero.
func New(zero time.Time) *Detector {
	return &Detector{zero: zero, history: map[engine]*history{}, blind: math.MinInt64}
}

// Look judges how streams flow at the moment now, and returns an Interim for every pause that
// is over. The flows have all streams of each engine that may have paused.
func (d *Detector) Look(now time.Duration, flows []exchange.EngineFlow) (over []exchange.Interim) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.looked != 0 && now-d.looked > Every+late {
		d.forget(now)
	}
	d.looked = now
	for i := range flows {
		h := d.historyOf(&flows[i], now)
		if p := h.judge(flows[i].Streams, now); p != (span{}) {
			over = append(over, d.tell(h, p))
		}
	}
	for _, h := range d.history {
		if h.used != now && h.running != 0 { // the streams that paused have ended
			over = append(over, d.tell(h, h.end(span{h.running, now})))
		}
	}
	return over
}

// forget drops what came before the moment now: headway itself was stopped.
func (d *Detector) forget(now time.Duration) {
	for _, h := range d.history {
		h.running = 0
	}
	d.blind = now
}

// historyOf returns the history of an engine. Beyond the bound it forgets the one that was
// not used for the longest time.
func (d *Detector) historyOf(f *exchange.EngineFlow, now time.Duration) *history {
	of := engine{f.Model, f.Upstream}
	h := d.history[of]
	if h == nil {
		of.model = strings.Clone(of.model) // it may be a piece of a request's body
		if len(d.history) == engines {
			d.dropOldest()
		}
		h = &history{until: d.blind, told: exchange.Record{
			Origin: exchange.App, Role: exchange.Server, Mode: f.Mode, Operation: f.Operation, Model: exchange.Model{Request: of.model},
			Upstream: f.Upstream, Stream: true, Status: 200, Chunks: exchange.Chunks{Count: 1},
		}}
		d.history[of] = h
	}
	h.used, h.until = now, max(h.until, d.blind)
	return h
}

func (d *Detector) dropOldest() {
	var oldest engine
	at := time.Duration(math.MaxInt64)
	for e, h := range d.history {
		if h.used < at {
			oldest, at = e, h.used
		}
	}
	delete(d.history, oldest)
}

// gap is a wait of one stream. One that is not over ends at the moment of the look.
type gap struct {
	span

	open bool
}

// gapOf returns the last wait of f, if that is much longer than its others.
func gapOf(f *exchange.Flow, now time.Duration) (gap, bool) {
	g, others, before := gap{span{f.Last, now}, true}, f.Last-f.First, f.Chunks
	if now-f.Last < exchange.StallFrom {
		g, others, before = gap{span{f.From, f.To}, false}, others-(f.To-f.From), before-1
	}
	if g.from == 0 || before < begun {
		return gap{}, false
	}
	return g, g.to-g.from >= unlike*others/time.Duration(before-1)
}

// judge returns the pause of an engine that is over, if one is.
func (h *history) judge(streams []exchange.Flow, now time.Duration) span {
	var gaps []gap
	for i := range streams {
		if g, ok := gapOf(&streams[i], now); ok && g.from > h.until && now-g.to < Lookback {
			gaps = append(gaps, g)
		}
	}
	shared := most(gaps)
	if len(shared) < fewest || 2*len(shared) <= producing(streams, shared) {
		if h.running == 0 {
			return span{}
		}
		return h.end(span{h.running, now}) // the streams that paused have ended
	}
	// Most streams had stopped at from, and most go on at to.
	from := median(shared, func(g gap) time.Duration { return g.from })
	open := 0
	for _, g := range shared {
		if g.open {
			open++
		}
	}
	if 2*open > len(shared) {
		h.running = from
		return span{}
	}
	return h.end(span{from, median(shared, func(g gap) time.Duration { return g.to })})
}

// end books a pause that is over.
func (h *history) end(p span) span {
	h.running, h.until = 0, p.to
	if len(h.over) == remembered {
		h.over = slices.Delete(h.over, 0, 1)
	}
	h.over = append(h.over, p)
	return p
}

// most returns the greatest number of gaps that began together. It sorts gaps.
func most(gaps []gap) (found []gap) {
	slices.SortFunc(gaps, func(a, b gap) int { return cmp.Compare(a.from, b.from) })
	for i, j := 0, 0; i < len(gaps); i++ {
		for j < len(gaps) && gaps[j].from-gaps[i].from <= together {
			j++
		}
		if j-i > len(found) {
			found = gaps[i:j]
		}
	}
	return found
}

// producing counts the streams that brought content when the first of gaps began.
func producing(streams []exchange.Flow, gaps []gap) (n int) {
	if len(gaps) == 0 {
		return 0
	}
	began := gaps[0].from
	for i := range streams {
		if f := &streams[i]; f.Chunks >= begun && f.First <= began && f.Last >= began && (f.From >= began || f.To <= began) {
			n++
		}
	}
	return n
}

func median(gaps []gap, of func(gap) time.Duration) time.Duration {
	all := make([]time.Duration, len(gaps))
	for i := range gaps {
		all[i] = of(gaps[i])
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// tell is the Interim about a pause of an engine.
func (d *Detector) tell(h *history, p span) exchange.Interim {
	i := exchange.Interim{Of: h.told, Pause: p.to - p.from}
	i.Of.Start = d.zero.Add(p.from)
	return i
}

// Of returns the pauses of the engine of r while content of r came, as far as Look has found
// them. One that is not over lasts until the end of r.
func (d *Detector) Of(r *exchange.Record) (all []exchange.Pause) {
	if !r.Stream || r.Timing.FirstToken == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.history[engine{r.Model.Request, r.Upstream}]
	if h == nil {
		return nil
	}
	start := r.Start.Sub(d.zero)
	add := func(p span) {
		if from, to := max(p.from-start, r.Timing.FirstToken), min(p.to-start, r.Timing.End); from < to {
			all = append(all, exchange.Pause{At: from, Wait: to - from, By: "engine"})
		}
	}
	for _, p := range h.over {
		add(p)
	}
	if h.running != 0 {
		add(span{h.running, start + r.Timing.End})
	}
	return all
}
