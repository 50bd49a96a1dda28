// Package live tells how traffic goes at this moment: the latencies of the last half
// minute, the exchanges that are under way, the last ones that ended, and how all requests
// and calls so far have ended. It tells that to a terminal as a table, and to programs and
// the live page as JSON.
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
	viewKeeps = 1000
	// viewKeepsChunks bounds the content chunks of all exchanges that a view keeps, some
	// eight bytes each.
	viewKeepsChunks = 250_000
	// windowChunks bounds the content chunks that a summary reads. A window with more
	// covers less than viewWindow, so that a summary costs some milliseconds at most.
	windowChunks = 20_000
)

// View is an exchange.ChainObserver that keeps the numbers of a Summary and the last
// exchanges. Any goroutine may call its methods.
type View struct {
	// SLOs returns what the SLOs have counted. It is nil without SLOs, and set before the
	// first use.
	SLOs func(now time.Time) slo.Snapshot
	// Open returns the number of exchanges under way. It may be nil, and is set before the
	// first use.
	Open func() int
	// Truth returns the times and counts that the model server itself knows of the exchange
	// with which the application sent that span, once it is over. It is nil where no server
	// tells them, and set before the first use.
	Truth func(span string) (Truth, bool)

	// Labels names the labels that a Record has values of. It is set before the first use.
	Labels []string

	now func() time.Time

	telling sync.Mutex // held by the one that asks for the truth, before mu

	mu         sync.Mutex // held for moments: whoever ends an exchange waits for it
	started    time.Time
	since      time.Time // from when on recent has every exchange
	ended      int       // exchanges, canaries among them
	total      int       // requests of applications
	unreadable int       // connections
	calls      calls
	outcomes   map[exchange.Outcome]int
	limits     limits
	recent     []*seen // exchanges, oldest first
	chunks     int     // of recent
	closed     bool
}

// seen is an exchange that a view observed. Nobody changes it later, but for the truth.
type seen struct {
	exchange.Record
	number int // of the exchange, from 1
	at     time.Time
	truth  *Truth // nil until the server has told it; View.telling guards it
}

// NewView returns a View without exchanges, which reads the time from now.
func NewView(now func() time.Time) *View {
	started := now()
	return &View{
		now: now, started: started, since: started, outcomes: map[exchange.Outcome]int{},
		calls: newCalls(), limits: limits{},
	}
}

// Observe counts r for good, and keeps it for a while. It only counts connections that
// headway could not read: their end is not that of an answer. A canary is listed, and enters
// no other number.
func (v *View) Observe(r exchange.Record) {
	s := &seen{Record: r, at: v.now()}
	s.Trace.State, s.Call = "", exchange.Call{} // nobody shows them
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	switch r.Mode {
	case exchange.Upgraded, exchange.Sealed, exchange.Raw:
		v.unreadable++
		return
	}
	v.ended++
	s.number = v.ended
	if r.Origin == exchange.Canary {
		v.keep(s)
		return
	}
	v.total++
	v.outcomes[r.Outcome]++
	v.calls.see(r.Attempt)
	v.limits.see(s)
	v.keep(s)
}

// keep adds s to the exchanges that v keeps, and drops the oldest ones if they are too many.
func (v *View) keep(s *seen) {
	v.recent = append(v.recent, s)
	v.chunks += s.Chunks.Kept()
	drop := 0
	if len(v.recent) > viewKeeps {
		drop = viewKeeps / 4
	}
	for i, old := range v.recent {
		if i >= drop && (v.chunks <= viewKeepsChunks || i == len(v.recent)-1) {
			drop = i
			break
		}
		v.chunks -= old.Chunks.Kept()
		v.since = old.at
	}
	if drop > 0 {
		v.recent = slices.Delete(v.recent, 0, drop)
	}
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

// Summary computes the numbers of the window that ends now, and copies the totals.
func (v *View) Summary() *Summary {
	v.telling.Lock()
	defer v.telling.Unlock()
	now := v.now()
	out, recent, since := v.copy(now)
	v.tellTruth(recent, now)
	if v.SLOs != nil {
		out.SLOs = v.SLOs(now).SLOs
	}
	if v.Open != nil {
		out.Open = v.Open()
	}
	recent, since = windowOf(recent, since, now)
	out.Window = newWindow(recent, min(viewWindow, now.Sub(since)))
	out.Window.withTruth = v.Truth != nil
	return out
}

// copy returns the totals, the exchanges that v keeps, and from when on these are all.
func (v *View) copy(now time.Time) (out *Summary, recent []*seen, since time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out = &Summary{
		At: now.UTC(), Ran: Seconds(now.Sub(v.started)), Requests: v.total, Unreadable: v.unreadable,
		Outcomes: maps.Clone(v.outcomes), Calls: v.calls.count(), Limits: v.limits.list(now),
	}
	return out, slices.Clone(v.recent), v.since
}

// windowOf returns the part of recent that a summary reads, and from when on that is all.
func windowOf(recent []*seen, since, now time.Time) (part []*seen, from time.Time) {
	chunks := 0
	for i := len(recent) - 1; i >= 0; i-- {
		s := recent[i]
		if now.Sub(s.at) > viewWindow {
			return recent[i+1:], since
		}
		if chunks += s.Chunks.Kept(); chunks > windowChunks && i < len(recent)-1 {
			return recent[i+1:], s.at
		}
	}
	return recent, since
}
