package prober

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Count is how many runs of one kind there were.
type Count struct {
	Probe     string
	Via       probe.Via
	Outcome   probe.Outcome
	Operation exchange.Operation
	Model     string
	Upstream  exchange.Upstream
	Runs      uint64
}

// Success is when a probe last had an answer.
type Success struct {
	Probe string
	Via   probe.Via
	At    time.Time
}

// series is a Count without its number, level a Success without its time.
type series Count

type level struct {
	probe string
	via   probe.Via
}

// tally counts runs. Its size is bounded by that of the probe file.
type tally struct {
	mu     sync.Mutex
	counts map[series]uint64
	last   map[level]time.Time
}

// add counts r. A probe's first run makes the series of every outcome of a canary that was
// sent: a server that first sees a counter at 1 cannot tell that it rose.
func (t *tally) add(w *worker, r *probe.Run) {
	s := series{
		Probe: w.probe.Name, Via: r.Via, Outcome: r.Outcome, Model: w.probe.Model,
		Operation: w.writer.Operation(), Upstream: w.sender.upstream,
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range []probe.Outcome{probe.OK, probe.Failed} {
		begun := s
		begun.Outcome = other
		t.counts[begun] += 0
	}
	t.counts[s]++
	if r.Outcome == probe.OK {
		t.last[level{w.probe.Name, r.Via}] = r.At
	}
}

// forget drops the series of a probe that is gone.
func (t *tally) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s := range t.counts {
		if s.Probe == name {
			delete(t.counts, s)
		}
	}
	for l := range t.last {
		if l.probe == name {
			delete(t.last, l)
		}
	}
}

// Counts lists the runs so far, by probe, way and outcome.
func (p *Prober) Counts() []Count {
	t := &p.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Count, 0, len(t.counts))
	for s, n := range t.counts {
		c := Count(s)
		c.Runs = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Upstream.Address(), b.Upstream.Address()))
	})
	return out
}

// Successes lists when each probe last had an answer.
func (p *Prober) Successes() []Success {
	t := &p.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Success, 0, len(t.last))
	for l, at := range t.last {
		out = append(out, Success{l.probe, l.via, at})
	}
	slices.SortFunc(out, func(a, b Success) int { return cmp.Or(cmp.Compare(a.Probe, b.Probe), cmp.Compare(a.Via, b.Via)) })
	return out
}
