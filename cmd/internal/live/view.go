// Package live shows the numbers of the last half minute on a terminal, as a table that
// stays in place.
package live

import (
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

// View is an exchange.Observer that keeps the numbers of the table. Any goroutine may
// call its methods.
type View struct {
	// SLOs returns what the SLOs have counted. It is nil without SLOs, and set before the
	// first use.
	SLOs func(now time.Time) slo.Snapshot

	now func() time.Time

	mu       sync.Mutex
	total    int
	calls    int // first attempts
	retries  int // later attempts
	outcomes map[exchange.Outcome]int
	recent   []seen // exchanges of the window, oldest first
}

// seen is an exchange and the time at which the view observed it.
type seen struct {
	exchange.Record
	at time.Time
}

// NewView returns a View without exchanges, which reads the time from now.
func NewView(now func() time.Time) *View {
	return &View{now: now, outcomes: map[exchange.Outcome]int{}}
}

// Observe counts r for good, and keeps it for the window.
func (v *View) Observe(r exchange.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.total++
	v.outcomes[r.Outcome]++
	switch {
	case r.Attempt.Number > 1:
		v.retries++
	case r.Attempt.Number == 1:
		v.calls++
	}
	if len(v.recent) == viewKeeps {
		v.recent = slices.Delete(v.recent, 0, viewKeeps/4)
	}
	v.recent = append(v.recent, seen{r, v.now()})
}

// snapshot has the numbers of a View at one moment.
type snapshot struct {
	total    int
	outcomes map[exchange.Outcome]int
	slos     []slo.Status

	calls, retries int

	requestsPerSecond, tokensPerSecond float64
	rows                               []row
}

// row is the distribution of one indicator over the window.
type row struct {
	name          string
	p50, p90, p99 time.Duration
	samples       int
}

// snapshot computes the numbers of the window that ends now.
func (v *View) snapshot() snapshot {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	v.recent = slices.DeleteFunc(v.recent, func(s seen) bool { return now.Sub(s.at) > viewWindow })
	out := snapshot{total: v.total, calls: v.calls, retries: v.retries, outcomes: map[exchange.Outcome]int{}}
	if v.SLOs != nil {
		out.slos = v.SLOs(now).SLOs
	}
	for outcome, n := range v.outcomes {
		out.outcomes[outcome] = n
	}
	if len(v.recent) == 0 {
		return out
	}
	var ttft, itl, tpot, e2e []time.Duration
	var tokens int64
	for _, r := range v.recent {
		tokens += r.Usage.Output.N
		e2e = append(e2e, r.E2E())
		if r.TTFT() > 0 {
			ttft = append(ttft, r.TTFT())
		}
		if d := r.TPOT(); d > 0 {
			tpot = append(tpot, d)
		}
		for gap := range r.Chunks.Gaps(r.Usage.Streamed) {
			for range gap.Tokens {
				itl = append(itl, gap.PerToken())
			}
		}
	}
	span := max(time.Second, now.Sub(v.recent[0].at)).Seconds()
	out.requestsPerSecond = float64(len(v.recent)) / span
	out.tokensPerSecond = float64(tokens) / span
	out.rows = []row{newRow("TTFT", ttft), newRow("ITL", itl), newRow("TPOT", tpot), newRow("E2E", e2e)}
	return out
}

func newRow(name string, samples []time.Duration) row {
	slices.Sort(samples)
	at := func(percent int) time.Duration {
		if len(samples) == 0 {
			return 0
		}
		return samples[(len(samples)*percent-1)/100]
	}
	return row{name: name, p50: at(50), p90: at(90), p99: at(99), samples: len(samples)}
}
