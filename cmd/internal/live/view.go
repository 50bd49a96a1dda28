// Package live shows on a terminal how traffic goes: the latencies of the last half
// minute, and how all requests and calls so far have ended.
package live

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

const (
	// viewWindow is the time that the percentiles and rates of a view cover.
	viewWindow = 30 * time.Second
	// viewKeeps is the greatest number of exchanges that a view keeps.
	viewKeeps = 2000
)

// View is an exchange.ChainObserver that keeps the numbers of the table. Any goroutine may
// call its methods.
type View struct {
	// SLOs returns what the SLOs have counted. It is nil without SLOs, and set before the
	// first use.
	SLOs func(now time.Time) slo.Snapshot
	// Truth returns the times and counts that the model server itself knows of the exchange
	// with which the application sent that span, once it is over. It is nil where no server
	// tells them, and set before the first use.
	Truth func(span string) (Truth, bool)

	now func() time.Time

	mu       sync.Mutex
	started  time.Time
	since    time.Time // from when on recent has every exchange
	total    int
	tunnels  int // connections that headway could not read
	calls    calls
	outcomes map[exchange.Outcome]int
	recent   []seen // exchanges of the window, oldest first
	closed   bool
}

// seen is an exchange and the time at which the view observed it.
type seen struct {
	exchange.Record
	at    time.Time
	truth *Truth // nil until the server has told it
}

// NewView returns a View without exchanges, which reads the time from now.
func NewView(now func() time.Time) *View {
	started := now()
	return &View{
		now: now, started: started, since: started, outcomes: map[exchange.Outcome]int{},
		calls: newCalls(),
	}
}

// Observe counts r for good, and keeps it for the window. It only counts connections that
// headway could not read: their end is not that of an answer.
func (v *View) Observe(r exchange.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	switch r.Mode {
	case exchange.Upgraded, exchange.Sealed, exchange.Raw:
		v.tunnels++
		return
	}
	v.total++
	v.outcomes[r.Outcome]++
	v.calls.see(r.Attempt)
	if len(v.recent) == viewKeeps {
		v.since = v.recent[viewKeeps/4-1].at
		v.recent = slices.Delete(v.recent, 0, viewKeeps/4)
	}
	v.recent = append(v.recent, seen{Record: r, at: v.now()})
}

// ObserveChain counts a call that is over.
func (v *View) ObserveChain(c exchange.Chain) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls.end(&c, v.closed)
}

// Close makes v ignore all later exchanges, such as those that the end of the program cuts.
// It still counts the ends of the calls that it knows.
func (v *View) Close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
}

// snapshot computes the numbers of the window that ends now, and copies the totals.
func (v *View) snapshot() *snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	v.tellTruth(now)
	v.recent = slices.DeleteFunc(v.recent, func(s seen) bool { return now.Sub(s.at) > viewWindow })
	out := &snapshot{
		ran: now.Sub(v.started), total: v.total, tunnels: v.tunnels,
		outcomes: maps.Clone(v.outcomes), calls: v.calls.clone(),
	}
	if v.SLOs != nil {
		out.slos = v.SLOs(now).SLOs
	}
	out.window = newWindow(v.recent, min(viewWindow, now.Sub(v.since)))
	out.window.withTruth = v.Truth != nil
	return out
}

// snapshot has the numbers of a View at one moment.
type snapshot struct {
	ran      time.Duration // since the view began
	total    int
	tunnels  int
	outcomes map[exchange.Outcome]int
	calls    calls
	slos     []slo.Status
	window   window
}
