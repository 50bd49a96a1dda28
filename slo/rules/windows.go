package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/slo"
)

// Severity says how soon somebody must look.
type Severity string

// The severities, as Alertmanager's routes read them.
const (
	Page   Severity = "page"   // now, at night too
	Ticket Severity = "ticket" // in working hours
)

// Windows holds the windows of burn-rate alerts, for an SLO over Window. For any other SLO
// they grow and shrink with its window. The factors stay, and so does the share of the
// budget that goes within the long window at the rate of the alert.
type Windows struct {
	Window time.Duration
	Pairs  []Pair
}

// Pair fires when the budget burned at more than Factor times the allowed rate, over both
// windows: the long one says that it matters, the short one that it still goes on.
type Pair struct {
	Alert       string // name of the alert
	Severity    Severity
	Long, Short time.Duration
	Factor      float64
}

const day = 24 * time.Hour

// Workbook30d returns the windows of Google's SRE workbook (chapter 5, table 5-8, and the
// pair for one day in its text): 2, 5, 10 and 10 % of the budget of 30 days.
func Workbook30d() Windows {
	return Windows{Window: 30 * day, Pairs: []Pair{
		{PageFast, Page, time.Hour, 5 * time.Minute, 14.4},
		{PageSlow, Page, 6 * time.Hour, 30 * time.Minute, 6},
		{TicketFast, Ticket, day, 2 * time.Hour, 3},
		{TicketSlow, Ticket, 3 * day, 6 * time.Hour, 1},
	}}
}

// Workbook28d spends the same shares of a budget of four weeks, over the same
// windows.
func Workbook28d() Windows {
	return Windows{Window: 28 * day, Pairs: []Pair{
		{PageFast, Page, time.Hour, 5 * time.Minute, 13.44},
		{PageSlow, Page, 6 * time.Hour, 30 * time.Minute, 5.6},
		{TicketFast, Ticket, day, 2 * time.Hour, 2.8},
		{TicketSlow, Ticket, 3 * day, 6 * time.Hour, 28. / 30},
	}}
}

// Pairs lists the pairs that alert for s: those whose severity it asks for, scaled to its
// window.
func Pairs(s *slo.SLO, o Options) []Pair { return newPlan(s, o).alerting() }

// plan holds everything that Render needs to know about one SLO.
type plan struct {
	slo      *slo.SLO
	options  Options
	pairs    []Pair        // scaled to the SLO's window
	window   time.Duration // the SLO's
	budget1  float64       // share of events that may be bad
	interval time.Duration // between evaluations of the near group
	// resolution is the window of the basic rates, and the interval of the far group.
	resolution time.Duration
}

func newPlan(s *slo.SLO, o Options) *plan {
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Resolution == 0 {
		o.Resolution = resolution
	}
	p := &plan{slo: s, options: o, budget1: budgetOf(s.Objective)}
	p.resolution = scaled(o.Resolution, o.Scale)
	p.interval = p.resolution / evaluations
	p.window = scaled(s.Window, o.Scale)
	set := p.set()
	by := o.Scale * float64(s.Window) / float64(set.Window)
	for _, pair := range set.Pairs {
		pair.Long = scaled(pair.Long, by)
		pair.Short = max(scaled(pair.Short, by), p.resolution)
		p.pairs = append(p.pairs, pair)
	}
	return p
}

// set returns the windows before scaling.
func (p *plan) set() Windows {
	switch {
	case p.options.Windows != nil:
		return *p.options.Windows
	case p.slo.Window%(7*day) == 0:
		return Workbook28d()
	}
	return Workbook30d()
}

// scaled is d times by, in whole seconds where that is long and in milliseconds where it is
// short, so that Prometheus can read it.
func scaled(d time.Duration, by float64) time.Duration {
	d = time.Duration(float64(d) * by)
	if d >= 30*time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}

// budgetOf is the share of events that may be bad, without the error of a floating-point
// subtraction.
func budgetOf(objective float64) float64 {
	return parseFloat(number((100 - objective) / 100))
}

// alerting lists the pairs whose severity the SLO asks for.
func (p *plan) alerting() []Pair {
	return slices.DeleteFunc(slices.Clone(p.pairs), func(pair Pair) bool {
		return (pair.Severity == Page && !p.slo.Alerting.Page) || (pair.Severity == Ticket && !p.slo.Alerting.Ticket)
	})
}

// windows lists every recorded window, ascending. Rates cannot show a window that is
// shorter than the resolution.
func (p *plan) windows() []time.Duration {
	all := []time.Duration{p.resolution, p.window}
	for _, pair := range p.pairs {
		all = append(all, pair.Short, pair.Long)
	}
	all = slices.DeleteFunc(all, func(w time.Duration) bool { return w < p.resolution })
	slices.SortFunc(all, cmp.Compare)
	return slices.Compact(all)
}

// isFar says whether window belongs in the group with the longer interval.
func (p *plan) isFar(window time.Duration) bool {
	return window > 72*p.resolution || window == p.window
}

func (p *plan) nearWindows() []time.Duration { return slices.DeleteFunc(p.windows(), p.isFar) }

func (p *plan) farWindows() []time.Duration {
	return slices.DeleteFunc(p.windows(), func(w time.Duration) bool { return !p.isFar(w) })
}
