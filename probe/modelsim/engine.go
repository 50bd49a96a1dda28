package modelsim

import (
	"context"
	"errors"
	"sync"
	"time"
)

// resyncAfter is how far behind its plan the loop may run before it makes a new one. The loop makes
// up for less, because it wakes up a millisecond late as a rule, and a few on a busy machine.
// Making up for more would squeeze steps together.
const resyncAfter = 25 * time.Millisecond

var (
	errOverloaded = errors.New("too many requests are waiting")
	errClosed     = errors.New("the server was closed")
)

// Stats is the state of the engine at one moment.
type Stats struct {
	Running      int    `json:"running"` // sequences in the batch
	Waiting      int    `json:"waiting"`
	CachedBlocks int    `json:"cached_blocks"`
	Steps        uint64 `json:"steps"`
	// Resyncs counts how often the machine was too slow for the configured times.
	Resyncs uint64 `json:"resyncs"`
}

// engine runs the scheduler in time: one goroutine steps the batch, others
// submit, take and release jobs.
type engine struct {
	cfg     Config
	mu      sync.Mutex
	sched   *scheduler
	resyncs uint64

	wake   chan struct{} // capacity 1: something was submitted
	closed chan struct{}
	ended  chan struct{}
}

func newEngine(cfg Config, v *vocabulary) *engine {
	return &engine{
		cfg: cfg, sched: newScheduler(cfg, v),
		wake: make(chan struct{}, 1), closed: make(chan struct{}), ended: make(chan struct{}),
	}
}

func (e *engine) close() {
	close(e.closed)
	<-e.ended
}

func (e *engine) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{
		Running: len(e.sched.running), Waiting: len(e.sched.waiting),
		CachedBlocks: e.sched.cache.order.Len(), Steps: e.sched.steps, Resyncs: e.resyncs,
	}
}

// loop steps the batch until close. Each step starts at the planned end of the last one, so that
// late wake-ups do not add up.
func (e *engine) loop() {
	defer close(e.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	clock := time.Now()
	for {
		e.mu.Lock()
		start, busy := e.sched.nextStart(clock)
		e.mu.Unlock()
		if !busy {
			select {
			case <-e.wake:
				continue
			case <-e.closed:
				return
			}
		}
		if wait := time.Until(start); wait > 0 {
			if !e.sleep(timer, wait, e.wake) {
				return
			}
			continue
		} else if wait < -resyncAfter {
			start = time.Now()
			e.mu.Lock()
			e.resyncs++
			e.mu.Unlock()
		}
		e.mu.Lock()
		d := e.sched.begin(start)
		e.mu.Unlock()
		clock = start.Add(d)
		if d == 0 {
			continue
		}
		if wait := time.Until(clock); wait > 0 && !e.sleep(timer, wait, nil) {
			return
		}
		e.mu.Lock()
		e.sched.finish(clock)
		e.mu.Unlock()
	}
}

// sleep waits for d or until woken; false says that the engine was closed.
func (e *engine) sleep(timer *time.Timer, d time.Duration, wake <-chan struct{}) bool {
	timer.Reset(d)
	select {
	case <-timer.C:
		return true
	case <-wake:
		return true
	case <-e.closed:
		return false
	}
}

// job is one request in the engine: a sequence for each choice of each prompt.
type job struct {
	choices int // of each prompt
	seqs    []*sequence
	out     outbox
}

// submit queues the request. The caller must release the job.
func (e *engine) submit(o order, faults faultSet) (*job, error) {
	s, stall := o.sampling, faults.find(FaultStall)
	j := &job{choices: s.choices, out: outbox{limit: e.cfg.Backlog, ready: make(chan struct{}, 1)}}
	slow, uncached := faults.slow(), faults.find(FaultUncached).Kind == FaultUncached
	readyAt := time.Now().Add(time.Duration(slow * float64(e.cfg.PrefillBase)))
	if stall.Kind == FaultStall && stall.After <= 0 {
		readyAt = readyAt.Add(stall.For)
	}
	for i, p := range o.prompts {
		for k := range s.choices {
			seq := e.cfg.newSequence(j, i*s.choices+k, p, s)
			if o.embed {
				seq.target, seq.caching = 0, false
			}
			seq.stall, seq.slow, seq.uncached = stall, slow, uncached
			j.seqs = append(j.seqs, seq)
		}
	}
	select {
	case <-e.closed:
		return nil, errClosed
	default:
	}
	if o.stream && len(j.seqs) == 1 {
		j.seqs[0].stopAfter = faults.breakOff()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if limit := e.cfg.MaxWaiting; limit > 0 && len(e.sched.waiting)+len(j.seqs) > limit+e.cfg.MaxRunning-len(e.sched.running) {
		return nil, errOverloaded
	}
	e.sched.enqueue(j.seqs, readyAt)
	select {
	case e.wake <- struct{}{}:
	default:
	}
	return j, nil
}

// tally is what the engine did for a job.
type tally struct {
	prompt, cached, written, output, reasoning int
	spans                                      spans
}

// release takes the job out of the engine, finished or not, and returns its tally. Releasing it
// again does nothing more.
func (e *engine) release(j *job) tally {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sched.drop(j)
	return j.tally()
}

// foresee is the tally of a job that may not be scheduled yet: its prompt is cached as far as the
// cache holds it now.
func (e *engine) foresee(j *job) tally {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := j.tally()
	if seq := j.seqs[0]; seq.scheduledAt.IsZero() {
		t.cached, t.written = e.sched.look(seq)
	}
	return t
}

func (j *job) tally() tally {
	var t tally
	for i, seq := range j.seqs {
		if i%j.choices == 0 { // a prompt counts once, whatever its choices
			t.prompt += seq.promptTokens
			t.cached += seq.cached
			t.written += seq.written
		}
		t.output += seq.produced
		t.reasoning += min(seq.thinking, seq.produced)
	}
	if len(j.seqs) > 0 {
		s := j.seqs[0]
		t.spans = spans{
			readyAt: unix(s.readyAt), scheduledAt: unix(s.scheduledAt), firstAt: unix(s.firstAt), lastAt: unix(s.lastAt),
			shared: len(j.seqs) > 1,
		}
	}
	return t
}

// next waits for the job's next emissions and swaps them into b. It fails when ctx ends or the
// engine closes.
func (e *engine) next(ctx context.Context, j *job, b *batch) error {
	for {
		if j.out.take(b) {
			return nil
		}
		select {
		case <-j.out.ready:
		case <-ctx.Done():
			return ctx.Err()
		case <-e.closed:
			return errClosed
		}
	}
}
