// Package watch judges while headway runs: are canaries and production still as fast as the
// load test, and does the same model still answer? It finds the cell of the load test for
// each probe, feeds the detectors of package drift, and keeps them over a restart.
//
// Exchanges and runs wait in a queue for one goroutine, Run. So nobody who forwards traffic
// ever waits for a detector.
package watch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config says what to judge. The zero value of Settings stands for the defaults of drift.
type Config struct {
	Baseline baseline.Baseline
	Probes   []probe.Probe
	// Settings are those of all detectors, which keep its promise together. The Watch itself
	// sets Every, and Sharing by SharingOf.
	Settings drift.Settings
	// InFlight counts the exchanges under way. Run calls it a few times a second.
	InFlight func() []exchange.InFlight
	Log      *slog.Logger
}

// Watch is a judge. It is an exchange.Observer of production and a probe.Observer of
// canaries. All methods are safe for concurrent use.
type Watch struct {
	settings drift.Settings
	inFlight func() []exchange.InFlight
	log      *slog.Logger
	events   chan event
	dropped  atomic.Uint64

	// mu guards the rest. Run and readers take it, never an Observer's method.
	mu       sync.Mutex
	book     *book
	loads    loads
	last     time.Time // of the latest event
	findings []Finding // as of told
	told     time.Time
}

const (
	// waiting bounds the events that wait for Run.
	waiting = 1024
	// pollEvery is the interval at which Run counts what is in flight.
	pollEvery = 250 * time.Millisecond
	// saveEvery is how much a crash may lose.
	saveEvery = time.Minute
)

// New returns a Watch that has seen nothing.
func New(c Config) *Watch {
	w := &Watch{settings: c.Settings, inFlight: c.InFlight, log: c.Log, events: make(chan event, waiting), loads: loads{}}
	if w.settings == (drift.Settings{}) {
		w.settings = drift.Defaults(time.Minute)
	}
	w.book = newBook(c.Baseline, c.Probes, w.settings, w.log)
	return w
}

// Observe takes an answered exchange of production. It never waits: Dropped counts what
// finds no room.
func (w *Watch) Observe(r exchange.Record) {
	if r.Origin != exchange.App || r.Outcome != exchange.OK || !r.Operation.Generates() {
		return
	}
	w.take(factsOf(&r))
}

// ObserveRun takes a canary. Of a probe that sends pairs it judges those through the
// sidecar.
func (w *Watch) ObserveRun(r probe.Run) {
	if r.Probe == nil || r.Via == probe.Direct && r.Probe.Via == probe.Both {
		return
	}
	w.take(factsOfRun(&r))
}

func (w *Watch) take(e event) {
	select {
	case w.events <- e:
	default:
		w.dropped.Add(1)
	}
}

// Dropped counts the exchanges and runs that were not judged, because too many came at once.
func (w *Watch) Dropped() uint64 { return w.dropped.Load() }

// Run judges until ctx ends, and then what still waits. It goes on from the state in the
// file at path, and saves it there every minute and at the end. An empty path keeps nothing.
func (w *Watch) Run(ctx context.Context, path string) {
	keeper := keeper{path: path, log: w.log}
	w.restore(keeper.read())
	w.elapse(time.Now())
	poll, save := time.NewTicker(pollEvery), time.NewTicker(saveEvery)
	defer poll.Stop()
	defer save.Stop()
	for {
		select {
		case <-ctx.Done():
			w.rest()
			keeper.write(w.state)
			return
		case e := <-w.events:
			w.judge(&e)
		case now := <-poll.C:
			w.elapse(now)
		case <-save.C:
			keeper.write(w.state)
		}
	}
}

// rest judges what waits.
func (w *Watch) rest() {
	for {
		select {
		case e := <-w.events:
			w.judge(&e)
		default:
			return
		}
	}
}

func (w *Watch) judge(e *event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order(e)
	if e.probe != "" {
		w.loads.note(e)
		if e.load == 0 {
			e.load = w.loads.during(e.model, e.start, e.end)
		}
		w.book.run(e)
		return
	}
	w.book.request(e, w.loads.during(e.model, e.start, e.end))
}

// order moves an event up to the one before it, if it ended a little earlier: connections
// tell of their exchanges in any order. A longer step is one of the clock, and stays.
func (w *Watch) order(e *event) {
	const little = time.Minute
	if before := w.last.Sub(e.end); before > 0 && before < little {
		e.end = w.last
	}
	w.last = e.end
}

// elapse lets time pass for whoever got no event.
func (w *Watch) elapse(now time.Time) {
	flying := w.inFlight()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads.poll(now, w.book.models, flying)
	w.book.elapse(now)
}

// Replace puts another baseline and other probes into force. What still fits of the
// detectors goes on.
func (w *Watch) Replace(b baseline.Baseline, probes []probe.Probe) {
	next := newBook(b, probes, w.settings, w.log)
	w.mu.Lock()
	defer w.mu.Unlock()
	next.restore(w.book.state(w.log))
	w.book, w.told = next, time.Time{}
}
