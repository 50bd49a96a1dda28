package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// Config describes one of the processes that want a Lease.
type Config struct {
	Server          Server
	Namespace, Name string // of the Lease
	// Identity tells this process from all others, also from one that had its name before:
	// two processes with one identity would both take the Lease for theirs.
	Identity string
	Log      *slog.Logger
}

// retryPeriod is the time between two attempts to renew when the first one has failed.
const retryPeriod = 500 * time.Millisecond

// Elector competes for a Lease. A nil Elector is a process without others, which always
// leads.
type Elector struct {
	config Config
	client *client
	log    *slog.Logger
	until  atomic.Pointer[time.Time] // when the right to act ends without a renewal; nil without the right

	// The fields below belong to the goroutine of Run.
	lease  object    // as this process has seen it last; without metadata if there is none
	seen   time.Time // since when its record has been the same
	failed int       // what the log says of the API server now: healthy, unreachable or a status
	delay  time.Duration
}

// New returns an Elector that has not begun to compete.
func New(c Config) *Elector {
	return &Elector{config: c, client: &client{Server: c.Server, namespace: c.Namespace, name: c.Name}, log: c.Log}
}

// Leads says whether this process may act now. Whoever acts asks it before every act: a
// process that was stopped for a while, or whose machine was suspended, learns it from
// Leads before its context ends. Leads compares the monotonic clock, and the wall clock
// too, which goes on while a machine is suspended. A step of the wall clock costs the
// right until the next renewal. It is safe for concurrent use.
func (e *Elector) Leads() bool {
	if e == nil {
		return true
	}
	until, now := e.until.Load(), time.Now()
	return until != nil && now.Before(*until) && now.Round(0).Before(until.Round(0))
}

// Run competes for the Lease until ctx ends, and calls lead while this process holds the
// Lease. The context of lead ends when the process loses the Lease, RenewDeadline after
// the last renewal at the latest, and when ctx ends; lead must return soon then, within
// Duration - RenewDeadline, for others begin later than that. Run calls lead again when
// the process holds the Lease again. At the end of ctx, or when lead returns by itself,
// Run gives the Lease back and returns, so that others need not wait for it to run out.
func (e *Elector) Run(ctx context.Context, lead func(context.Context)) {
	if e == nil {
		lead(ctx)
		return
	}
	for e.acquire(ctx) {
		if e.hold(ctx, lead) {
			return
		}
	}
}

// acquire waits until this process holds the Lease. It is false when ctx ends before.
func (e *Elector) acquire(ctx context.Context) bool {
	for ctx.Err() == nil {
		won, err := e.contest(ctx)
		if ctx.Err() == nil {
			e.report(err)
		}
		if won {
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(e.pause(err)):
		}
	}
	return false
}

// pause is the time before the next request of a process that waits. After errors it
// doubles, up to a quarter of a minute. The Lease that a holder lets run out is asked for
// when it does.
func (e *Elector) pause(err error) time.Duration {
	if err == nil {
		e.delay = AskPeriod
	} else {
		e.delay = min(2*max(e.delay, AskPeriod/2), 15*time.Second)
	}
	wait := e.delay - time.Duration(rand.Int64N(int64(e.delay/4)))
	wait = max(wait, retryAfter(err))
	if left := time.Until(e.free()); err == nil && left > 0 {
		wait = min(wait, left)
	}
	return wait
}

// free is when the Lease may be taken: at once if nobody else holds it.
func (e *Elector) free() time.Time {
	holder := e.lease.Spec.HolderIdentity
	if holder == "" || holder == e.config.Identity {
		return e.seen
	}
	return e.seen.Add(e.lease.Spec.duration())
}

// contest looks at the Lease and takes it if it is free. Not to get it is no error.
func (e *Elector) contest(ctx context.Context) (won bool, err error) {
	found, err := e.client.get(ctx)
	switch {
	case is(err, http.StatusNotFound):
		// Somebody may have deleted the Lease of a holder that acts still. So its record stays
		// in force as long as it would have.
		e.lease.Metadata = nil
	case err != nil:
		return false, err
	default:
		e.observe(found)
	}
	if time.Now().Before(e.free()) {
		return false, nil
	}
	return e.take(ctx)
}

// observe keeps the Lease as it is now, and since when its record is the same.
func (e *Elector) observe(o object) {
	if o.Spec != e.lease.Spec || e.seen.IsZero() {
		e.seen = time.Now()
	}
	e.lease = o
}

// take writes this process into the Lease. The right to act counts from before the
// request: others see the renewal later than that.
func (e *Elector) take(ctx context.Context) (bool, error) {
	began := time.Now()
	spec := e.lease.Spec.renewed(e.config.Identity, began)
	var written object
	var err error
	if e.lease.Metadata == nil {
		written, err = e.client.create(ctx, spec)
	} else {
		written, err = e.client.update(ctx, object{Metadata: e.lease.Metadata, Spec: spec})
	}
	switch {
	case is(err, http.StatusConflict): // another was sooner
		return false, nil
	case err != nil:
		return false, err
	}
	e.observe(written)
	until := began.Add(RenewDeadline)
	e.until.Store(&until)
	return true, nil
}

// hold calls lead and renews the Lease until lead has returned or the Lease is lost. over
// says that Run is done, because lead returned by itself or ctx ended.
func (e *Elector) hold(ctx context.Context, lead func(context.Context)) (over bool) {
	e.log.Info("this process leads: it holds the Lease", "lease", e.config.Namespace+"/"+e.config.Name, "identity", e.config.Identity)
	term, end := context.WithCancel(ctx)
	defer end()
	deadline := time.AfterFunc(time.Until(*e.until.Load()), end)
	defer deadline.Stop()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		lead(term)
	}()
	err := e.keep(term, deadline, returned)
	end()
	e.until.Store(nil)
	<-returned
	if err == nil {
		e.release(context.WithoutCancel(ctx))
		return true
	}
	e.log.Warn("this process leads no longer", "error", err)
	return ctx.Err() != nil
}

// keep renews the Lease until lead has returned, which is no error, or the Lease is lost.
func (e *Elector) keep(term context.Context, deadline *time.Timer, returned <-chan struct{}) error {
	wait := RenewPeriod
	for {
		until := *e.until.Load()
		select {
		case <-returned:
			return nil
		case <-time.After(min(wait, time.Until(until))):
		}
		within, cancel := context.WithDeadline(context.WithoutCancel(term), until)
		held, err := e.renew(within)
		cancel()
		e.report(err)
		switch {
		case err == nil && !held:
			return fmt.Errorf("%q holds the Lease now", e.lease.Spec.HolderIdentity)
		case err != nil && !time.Now().Before(until):
			return fmt.Errorf("no renewal for %v: %w", RenewDeadline, err)
		case err != nil:
			wait = max(retryPeriod, retryAfter(err))
		case !deadline.Reset(time.Until(*e.until.Load())):
			return fmt.Errorf("the renewal came later than %v", RenewDeadline)
		default:
			wait = RenewPeriod
		}
	}
}

// renew writes the Lease anew. It is false if another process holds the Lease. A write
// that follows from an old version, because somebody has labelled the Lease, say, begins
// again with the newest.
func (e *Elector) renew(ctx context.Context) (held bool, err error) {
	held, err = e.take(ctx)
	if held || err != nil && !is(err, http.StatusNotFound) {
		return held, err
	}
	found, err := e.client.get(ctx)
	switch {
	case is(err, http.StatusNotFound):
		e.lease.Metadata = nil
	case err != nil:
		return false, err
	case found.Spec.HolderIdentity != e.config.Identity:
		e.observe(found)
		return false, nil
	default:
		e.observe(found)
	}
	held, err = e.take(ctx)
	if !held && err == nil {
		err = errors.New("the Lease changed twice during one renewal")
	}
	return held, err
}

// release gives the Lease back, if this process holds it still.
func (e *Elector) release(ctx context.Context) {
	_, err := e.client.update(ctx, object{Metadata: e.lease.Metadata, Spec: e.lease.Spec.released()})
	if err != nil {
		e.log.Warn("the Lease runs out by itself: giving it back failed", "error", err)
		return
	}
	e.log.Info("this process leads no longer: it has given the Lease back")
}

// What the log can say of the API server, beside the status of a refusal.
const (
	healthy = iota
	unreachable
)

// report logs the first error of a kind, and the end of all errors. The errors of one kind
// differ in the ports of connections.
func (e *Elector) report(err error) {
	state := healthy
	var r *refusal
	switch {
	case errors.As(err, &r):
		state = r.status
	case err != nil:
		state = unreachable
	}
	switch {
	case state == e.failed:
	case err == nil:
		e.log.Info("the API server serves the Lease again", "lease", e.config.Namespace+"/"+e.config.Name)
	default:
		e.log.Warn("the API server does not serve the Lease, and only its holder acts", "error", err)
	}
	e.failed = state
}
