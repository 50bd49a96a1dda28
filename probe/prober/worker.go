package prober

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// worker sends the canaries of one probe.
type worker struct {
	prober  *Prober
	probe   probe.Probe
	target  *target
	writer  *canary.Writer
	sender  sender
	records mailbox
	ledger  *ledger
	said    said
	offset  float64 // of its runs within Every, as a share

	busy    atomic.Bool     // a run is under way
	refused int             // 429 in a row
	within  context.Context // of the schedule; nil before the first
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// golden spreads any number of probes evenly over an interval: the n-th begins at the
// fraction of n times it.
const golden = 0.6180339887498949

// newWorker returns the worker of the n-th probe. The caller holds p.mu.
func (p *Prober) newWorker(of probe.Probe, n int) (*worker, error) {
	w := &worker{prober: p, probe: of, target: p.targetOf(of.URL), ledger: newLedger(p.config.Now())}
	_, w.offset = math.Modf(p.phase + float64(n)*golden)
	var err error
	if w.writer, err = canary.NewWriter(&w.probe); err != nil {
		return nil, err
	}
	if w.sender, err = newSender(&p.config, &w.probe); err != nil {
		return nil, err
	}
	return w, nil
}

func sortByName(all []*worker) {
	slices.SortFunc(all, func(a, b *worker) int { return cmp.Compare(a.probe.Name, b.probe.Name) })
}

// start begins to send by the schedule, unless the worker does so already. The caller holds
// the Prober's mu.
func (w *worker) start(ctx context.Context) {
	if w.within != nil && w.within.Err() == nil {
		return
	}
	ctx, w.cancel = context.WithCancel(ctx)
	w.within = ctx
	w.busy.Store(false)
	due := make(chan struct{}, 1)
	w.running.Go(func() { w.follow(ctx, due) })
	w.running.Go(func() { w.work(ctx, due) })
}

// stop ends the schedule, cuts the run that is under way, and returns when it is over.
func (w *worker) stop() {
	if w.cancel != nil {
		w.cancel()
	}
	w.running.Wait()
	w.sender.close()
}

// follow has a run made at every slot of the schedule until ctx ends. One run at a time is
// due.
func (w *worker) follow(ctx context.Context, due chan<- struct{}) {
	schedule := schedule{begin: w.now(), every: w.probe.Every, offset: w.offset, jitter: w.probe.Jitter}
	timer := time.NewTimer(schedule.next(w.now()))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		w.slot(due)
		timer.Reset(schedule.next(w.now()))
	}
}

func (w *worker) now() time.Time { return w.prober.config.Now() }

// schedule tells when the runs of a probe are due.
type schedule struct {
	begin          time.Time
	every          time.Duration
	offset, jitter float64 // shares of every
	slot           int64   // the next one
}

// next returns the time until the next slot, and moves on to the one behind it. Slots that
// have passed are left out.
func (s *schedule) next(now time.Time) time.Duration {
	passed := now.Sub(s.begin) - time.Duration(s.offset*float64(s.every))
	if passed >= 0 {
		s.slot = max(s.slot, int64(passed/s.every))
	}
	early := s.jitter * (2*rand.Float64() - 1)
	due := time.Duration((s.offset + early + float64(s.slot)) * float64(s.every))
	s.slot++
	return max(0, due-now.Sub(s.begin))
}

// slot has a run made, or reports why there is none.
func (w *worker) slot(due chan<- struct{}) {
	if !w.prober.sends() {
		return
	}
	if !w.busy.CompareAndSwap(false, true) {
		w.report(w.unsent(probe.Skipped))
		return
	}
	if w.target.waits(w.now()) {
		w.busy.Store(false)
		w.report(w.unsent(probe.Skipped))
		return
	}
	due <- struct{}{}
}

// idleTime is how long a connection stays open without a request: servers close theirs after
// a minute, and later.
const idleTime = 50 * time.Second

// work makes the runs that are due until ctx ends, all in one goroutine: a new one for each
// run would have to grow its stack each time.
func (w *worker) work(ctx context.Context, due <-chan struct{}) {
	idle := time.NewTimer(idleTime)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-idle.C:
			w.sender.close()
		case <-due:
			w.run(ctx)
			w.busy.Store(false)
			idle.Reset(idleTime)
		}
	}
}

// run sends the canaries of one run, within the budget, and reports them. Those of
// probe.Both are a pair, in random order, so that neither way is always the first to meet a
// cold connection.
func (w *worker) run(ctx context.Context) []probe.Run {
	ways := []probe.Via{w.probe.Via}
	if w.probe.Via == probe.Both {
		ways = []probe.Via{probe.Sidecar, probe.Direct}
		if rand.IntN(2) == 0 {
			slices.Reverse(ways)
		}
	}
	var runs []probe.Run
	for _, via := range ways {
		r := w.send(ctx, via)
		if ctx.Err() != nil && r.Outcome != probe.OK {
			return runs // headway stops, and the target is not to blame
		}
		w.report(r)
		runs = append(runs, r)
	}
	return runs
}

// send sends one canary, unless the budget is spent or the key is missing.
func (w *worker) send(ctx context.Context, via probe.Via) probe.Run {
	most := usage{int64(w.probe.Shape.Input + w.probe.Shape.Output), w.probe.Price.Of(int64(w.probe.Shape.Input), int64(w.probe.Shape.Output))}
	if !w.ledger.reserve(w.now(), most, w.probe.Budget) {
		r := w.unsent(probe.OverBudget)
		r.Via = via
		return r
	}
	r := w.exchange(ctx, via)
	w.ledger.settle(w.now(), most, w.used(&r, most))
	w.heed(&r)
	return r
}

// used is what a run used up: what the server reported, nothing if it did no work, and else
// the most that it may have been.
func (w *worker) used(r *probe.Run, most usage) usage {
	u := &r.Record.Usage
	switch {
	case u.Input.Known && u.Output.Known:
		return usage{u.Input.N + u.Output.N, w.probe.Price.Of(u.Input.N, u.Output.N)}
	case r.Outcome == probe.NoKey, r.Outcome == probe.NoModel, r.Outcome == probe.RateLimited, r.Outcome == probe.Unreachable:
		return usage{}
	}
	return most
}

const (
	// firstPause and lastPause bound how long a target is left alone that answers 429 and
	// does not say for how long; it doubles with each.
	firstPause = 10 * time.Second
	lastPause  = 10 * time.Minute
	// mostPause bounds what a server may ask for.
	mostPause = 24 * time.Hour
)

// heed leaves the target alone for as long as its answer asks for, to all probes of its URL.
func (w *worker) heed(r *probe.Run) {
	asked := min(r.Record.Advice.RetryAfter, mostPause)
	if r.Outcome != probe.RateLimited {
		w.refused = 0
		if r.Record.Outcome == exchange.Refused && asked > 0 { // 503 and 529
			w.target.wait(w.now().Add(asked))
		}
		return
	}
	if asked == 0 {
		asked = min(lastPause, firstPause<<min(w.refused, 10))
	}
	w.refused++
	w.target.wait(w.now().Add(asked))
}

// unsent is a run of which nothing was sent.
func (w *worker) unsent(o probe.Outcome) probe.Run {
	via := w.probe.Via
	if via == probe.Both {
		via = probe.Sidecar
	}
	return probe.Run{Probe: &w.probe, Outcome: o, At: w.now(), Via: via}
}

// report counts a run, logs it if it is news, and tells the Observer.
func (w *worker) report(r probe.Run) {
	w.prober.tally.add(w, &r)
	w.said.say(w.prober.config.Log, &r)
	if w.prober.config.Observer != nil {
		w.prober.config.Observer.ObserveRun(r)
	}
}
