// Package prober sends the canaries of probes around the clock: staggered and jittered,
// never two of a probe at a time, within the budget of a day, and slower when the server
// asks for it. Observers get every failure as an Outcome, and the log gets a line when a
// failure begins and when it ends.
//
// All times are those of the monotonic clock. A step of the wall clock changes nothing; a
// machine that was suspended, or a process that was stopped, goes on with the next run and
// makes up for none.
package prober

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Config configures a Prober. Every function is safe for concurrent use.
type Config struct {
	// Connect opens a connection on which the proxy serves the canaries of a probe. Route
	// returns the prefix of the paths that the proxy leads to a probe's URL.
	Connect func(probe string) (net.Conn, error)
	Route   func(url string) (prefix string, ok bool)
	// Begin starts to measure a canary that goes past the proxy. It and the proxy bring the
	// Record of each canary to Prober.Observe.
	Begin func(tap.Request) *tap.Exchange
	// Own makes a Tap whose Records nobody else gets, for what the prober itself sees of the
	// pairs of probe.Both; nil leaves that unknown.
	Own func(exchange.Observer) *tap.Tap
	// InFlight counts the exchanges under way; nil knows of none.
	InFlight func() []exchange.InFlight
	// Leads tells whether this prober is the one of its fleet that sends; nil is always.
	Leads func() bool
	// Observer gets every Run; it may be nil.
	Observer probe.Observer
	Getenv   func(string) string // for keys
	// Now tells the time, with a reading of the monotonic clock as time.Now has it; nil is
	// time.Now.
	Now func() time.Time
	TLS *tls.Config // for https targets of direct canaries; nil trusts the system's roots
	Log *slog.Logger
}

// Prober sends canaries. It is safe for concurrent use.
type Prober struct {
	config Config
	tally  tally
	gauges gauges

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before
	workers map[string]*worker
	targets map[string]*target
	phase   float64 // of the first probe's runs within Every, so that the probers of a fleet are apart
	paused  bool
}

// target is what the probes of one URL share.
type target struct {
	mu    sync.Mutex
	until time.Time // no canary before
}

// New returns a Prober without probes.
func New(c Config) *Prober {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Prober{
		config: c, workers: map[string]*worker{}, targets: map[string]*target{}, phase: rand.Float64(),
		tally: tally{counts: map[series]uint64{}, last: map[level]time.Time{}}, gauges: newGauges(c.TLS),
	}
}

// Replace makes probes those that are sent. A probe that stays as it was goes on as it was,
// and keeps its schedule, its budget and the length of its prompts. A paused Prober sends
// nothing. Probes must be valid, as package probefile returns them.
func (p *Prober) Replace(probes []probe.Probe, paused bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string]*worker{}
	for i := range probes {
		of := probes[i]
		if known := p.workers[of.Name]; known != nil && reflect.DeepEqual(known.probe, of) {
			next[of.Name] = known
			continue
		}
		w, err := p.newWorker(of, len(next))
		if err != nil {
			return err
		}
		next[of.Name] = w
	}
	for name, w := range p.workers {
		if next[name] != w {
			go w.stop() // a run that is being cut must not hold a reload up
			if known := next[name]; known != nil {
				known.ledger = w.ledger // a new line in the file is no new budget
			} else {
				p.tally.forget(name)
			}
		}
	}
	p.workers, p.paused = next, paused
	p.start()
	return nil
}

// start starts the workers that do not run, once Run has begun. The caller holds p.mu.
func (p *Prober) start() {
	if p.ctx == nil || p.ctx.Err() != nil {
		return
	}
	for _, w := range p.workers {
		w.start(p.ctx)
	}
}

// Run sends canaries until ctx ends. It cuts those under way then, and returns when all
// are over. It may run again after that: budgets and lengths of prompts go on.
func (p *Prober) Run(ctx context.Context) {
	p.mu.Lock()
	p.ctx = ctx
	p.start()
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	workers := slices.Collect(maps.Values(p.workers))
	p.mu.Unlock()
	for _, w := range workers {
		w.stop()
	}
}

// Once sends one canary of each probe now, one after the other, whatever its schedule says,
// and as many more as its prompt needs to find its length, three at most. It returns the
// runs of the last one.
func (p *Prober) Once(ctx context.Context) []probe.Run {
	p.mu.Lock()
	var all []*worker
	for _, w := range p.workers {
		all = append(all, w)
	}
	p.mu.Unlock()
	sortByName(all)
	var runs []probe.Run
	for _, w := range all {
		var of []probe.Run
		for range 4 {
			of = w.run(ctx)
			if !calibrating(of) {
				break
			}
		}
		runs = append(runs, of...)
	}
	return runs
}

func calibrating(runs []probe.Run) bool {
	for i := range runs {
		if runs[i].Calibrating {
			return true
		}
	}
	return false
}

// Observe gets the Records of the proxy and of Begin, as an exchange.Observer.
func (p *Prober) Observe(r exchange.Record) {
	if r.Origin != exchange.Canary {
		return
	}
	p.mu.Lock()
	w := p.workers[r.Probe]
	p.mu.Unlock()
	if w != nil {
		w.records.put(r)
	}
}

// sends tells whether canaries may be sent now.
func (p *Prober) sends() bool {
	p.mu.Lock()
	paused := p.paused
	p.mu.Unlock()
	return !paused && (p.config.Leads == nil || p.config.Leads())
}

// targetOf returns what the probes of a URL share. The caller holds p.mu.
func (p *Prober) targetOf(url string) *target {
	t := p.targets[url]
	if t == nil {
		t = &target{}
		p.targets[url] = t
	}
	return t
}

// waits tells whether the target still wants no canary.
func (t *target) waits(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.until)
}

// wait has the target left alone until then.
func (t *target) wait(until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until.After(t.until) {
		t.until = until
	}
}
