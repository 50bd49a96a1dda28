package slo

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// windows lists the windows of goodput.
func windows() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour}
}

// Snapshot is how all SLOs stand at one moment, as the API tells it. It counts only the
// exchanges of this process: Prometheus is the authority over all pods and restarts.
type Snapshot struct {
	At   time.Time `json:"at"`
	SLOs []Status  `json:"slos"`
}

// Status is how one SLO stands. Times are in seconds.
type Status struct {
	Name      string             `json:"name"`
	Unmatched bool               `json:"unmatched,omitempty"` // exchanges came, and it has matched none of them
	Objective float64            `json:"objective"`           // percent
	Window    float64            `json:"window_s"`
	Judge     Event              `json:"judge"`
	Limits    map[string]float64 `json:"limits_s"` // by indicator
	Goodput   []Goodput          `json:"goodput"`  // shortest window first
	Budget    Budget             `json:"budget"`
}

// Goodput counts the requests and tokens of a window that ends now. Rates are per second
// of the covered part of the window. A share of nothing and a rate over no time are absent.
// So are tokens and their rates if there were answers, and nobody counted any of them.
type Goodput struct {
	Window  float64 `json:"window_s"`
	Covered float64 `json:"covered_s"` // the time that was counted: up to a slot more than the window, and less after a start

	Requests    uint64   `json:"requests"`
	Good        uint64   `json:"good"`
	Ratio       *float64 `json:"ratio,omitempty"` // good of requests
	RequestRate *float64 `json:"requests_per_s,omitempty"`
	GoodRate    *float64 `json:"good_requests_per_s,omitempty"`

	Uncounted     uint64   `json:"answers_without_tokens,omitempty"` // answers of whose tokens nobody knows the number
	Tokens        *uint64  `json:"tokens,omitempty"`                 // output, of all requests but Uncounted
	GoodTokens    *uint64  `json:"good_tokens,omitempty"`
	GoodTokenRate *float64 `json:"good_tokens_per_s,omitempty"`
	OnTime        *float64 `json:"tokens_on_time_ratio,omitempty"` // smooth token goodput
	OnTimeRate    *float64 `json:"tokens_on_time_per_s,omitempty"`

	Missed map[string]uint64 `json:"missed,omitempty"` // requests by indicator; one may miss several
}

// Totals tells the exporter what an SLO promises, and the counts for its name since the
// process began.
type Totals struct {
	Name      string
	Objective float64 // percent
	Good      Objectives
	Timed     uint64 // output tokens that had a deadline
	OnTime    uint64 // of Timed, those that kept it
}

// Snapshot returns how all SLOs stand.
func (j *Judge) Snapshot(now time.Time) Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.books.roll(now)
	e := j.engine.Load()
	out := Snapshot{At: now, SLOs: make([]Status, 0, len(e.rules))}
	for i := range e.rules {
		out.SLOs = append(out.SLOs, j.books.status(&e.rules[i], now))
	}
	return out
}

// Totals lists the promise and the counts of every SLO.
func (j *Judge) Totals() []Totals {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Totals, 0, len(j.books.ledgers))
	for _, l := range j.books.ledgers {
		out = append(out, Totals{l.slo.Name, l.slo.Objective, l.slo.Good, l.totals.timed, l.totals.onTime})
	}
	return out
}

// Unmatched names the SLOs that matched none of the exchanges of the last hour or longer.
// It names each SLO once, until that matches again. It names none while no exchange
// comes.
func (j *Judge) Unmatched(now time.Time) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []string
	for _, l := range j.books.ledgers {
		if !l.warned && j.books.seen > l.seen && now.Sub(l.matched) >= time.Hour {
			l.warned = true
			out = append(out, l.slo.Name)
		}
	}
	return out
}

func (b *books) status(r *rule, now time.Time) Status {
	s := Status{
		Name: r.Name, Unmatched: !r.ledger.hit && b.seen > r.ledger.seen, Objective: r.Objective, Window: r.Window.Seconds(), Judge: Attempt,
		Limits: map[string]float64{}, Budget: r.ledger.budget(r.SLO, now),
	}
	switch {
	case r.chain:
		s.Judge = Chain
	case r.turn:
		s.Judge = Turn
	}
	for _, o := range r.Good {
		s.Limits[o.Indicator.String()] = o.Limit.Seconds()
	}
	for _, w := range windows() {
		t, covered := b.sum(r.ledger, w, now)
		s.Goodput = append(s.Goodput, t.goodput(w, covered))
		if w == time.Hour {
			s.Budget.burn(r.SLO, &t)
		}
	}
	return s
}

func (t *tally) goodput(window, covered time.Duration) Goodput {
	g := Goodput{
		Window: window.Seconds(), Covered: covered.Seconds(),
		Requests: t.requests, Good: t.good, Ratio: share(t.good, t.requests), OnTime: share(t.onTime, t.timed), Uncounted: t.uncounted,
		RequestRate: rate(t.requests, covered), GoodRate: rate(t.good, covered),
	}
	if t.uncounted == 0 || t.counted > 0 {
		g.Tokens, g.GoodTokens, g.GoodTokenRate = &t.tokens, &t.goodTokens, rate(t.goodTokens, covered)
	}
	if t.timed > 0 {
		g.OnTimeRate = rate(t.onTime, covered)
	}
	for i, n := range t.missed {
		if n > 0 {
			if g.Missed == nil {
				g.Missed = map[string]uint64{}
			}
			g.Missed[exchange.Indicator(i).String()] = n
		}
	}
	return g
}

// rate is n a second; nil over no time.
func rate(n uint64, over time.Duration) *float64 {
	if over <= 0 {
		return nil
	}
	return new(float64(n) / over.Seconds())
}

func share(part, of uint64) *float64 {
	if of == 0 {
		return nil
	}
	return new(float64(part) / float64(of))
}
