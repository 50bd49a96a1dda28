// Package rules renders SLOs as recording and alerting rules for Prometheus:
// the error ratio over several windows, goodput, the budget, and alerts on how
// fast it burns.
package rules

import (
	"time"

	"github.com/headway-sidecar/headway/slo"
)

// Runbooks is where the alerts' runbook pages are, unless an SLO or Options name
// another place.
const Runbooks = "https://github.com/headway-sidecar/headway/blob/main/docs/runbooks/"

const (
	// resolution is the window over which rules read raw counters. It holds the two
	// samples that a rate needs, even if scrapes are a minute apart and one of them fails.
	resolution = 5 * time.Minute
	// Prometheus evaluates an SLO's short windows 10 times in a resolution, its long ones
	// once.
	evaluations = 10
)

// Options says how to render. The zero value is right for production.
type Options struct {
	// Windows are the alerts' windows. Nil chooses Workbook28d for an SLO over whole
	// weeks and Workbook30d for any other.
	Windows *Windows
	// Scale shortens every duration, for tests: at 1.0/60 an hour is a minute. 0 is 1.
	Scale float64
	// Resolution is the window over which rules read raw counters; 0 is 5 minutes. Four
	// scrapes have to fit into it. A longer window lags by half of it.
	Resolution time.Duration
	// Probes says that canaries run, which speak for an SLO whose own traffic is below the
	// floor, and that CanaryRuns counts them.
	Probes bool
	// Drift adds the alerts about the load test. With Probes come those about canaries.
	Drift bool
	// Streams adds the alerts about open streams that bring nothing.
	Streams bool
	// Runbooks is the URL before the name of an alert's page; empty is the constant.
	Runbooks string
}

// Group is a rule group of Prometheus.
type Group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []Rule `yaml:"rules"`
}

// Rule is a recording or an alerting rule.
type Rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// Render returns three groups for each SLO of set, in its order: one for windows up to six
// hours, and two with longer intervals, for longer windows and for goodput. Then come the groups
// that belong to no SLO, as the options ask. A set that Check refuses gives rules that cannot fire.
func Render(set slo.Set, o Options) []Group {
	groups := make([]Group, 0, 3*len(set.SLOs)+3)
	for i := range set.SLOs {
		p := newPlan(&set.SLOs[i], o)
		groups = append(groups, p.near(), p.far(), p.served())
	}
	if o.Streams {
		groups = append(groups, streams(o))
	}
	if o.Drift {
		groups = append(groups, drift(o))
	}
	if o.Probes {
		groups = append(groups, canaries(o))
	}
	return groups
}

// near is the group for short windows, which must be quick.
func (p *plan) near() Group {
	g := Group{Name: "headway-slo-" + p.slo.Name, Interval: promDuration(p.interval)}
	g.Rules = append(g.Rules, p.rates()...)
	g.Rules = append(g.Rules, p.windowed(p.nearWindows())...)
	if p.canaries() {
		g.Rules = append(g.Rules, p.canaryRules()...)
	}
	for _, pair := range p.alerting() {
		if !p.isFar(pair.Long) {
			g.Rules = append(g.Rules, p.burn(pair))
		}
	}
	if p.canaries() {
		g.Rules = append(g.Rules, p.canaryBurn())
	}
	if p.slo.Alerting.Page || p.slo.Alerting.Ticket {
		g.Rules = append(g.Rules, p.absent())
	}
	return g
}

// far is the group for long windows.
func (p *plan) far() Group {
	g := Group{Name: "headway-slo-" + p.slo.Name + "-long", Interval: promDuration(p.resolution)}
	g.Rules = append(g.Rules, p.windowed(p.farWindows())...)
	g.Rules = append(g.Rules, p.budget())
	for _, pair := range p.alerting() {
		if p.isFar(pair.Long) {
			g.Rules = append(g.Rules, p.burn(pair))
		}
	}
	if p.slo.Alerting.Ticket {
		g.Rules = append(g.Rules, p.exhausted())
	}
	return g
}

// served is the group for goodput, for which nobody waits.
func (p *plan) served() Group {
	return Group{Name: "headway-slo-" + p.slo.Name + "-goodput", Interval: promDuration(2 * p.interval), Rules: p.goodput()}
}
