package rules

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/slo"
)

// shortest is the smallest resolution: no scrape interval is short enough for less.
const shortest = 2 * time.Second

// Check returns the mistakes in o itself.
func (o Options) Check() error {
	switch {
	case o.Scale < 0 || o.Scale > 1:
		return fmt.Errorf("scale %s: write more than 0 and at most 1: 1/60", number(o.Scale))
	case o.Resolution < 0:
		return fmt.Errorf("resolution %s: write 1m or more", o.Resolution)
	}
	p := newPlan(&slo.SLO{Window: 30 * day}, o)
	if p.resolution < shortest {
		return fmt.Errorf("a resolution of %s holds no two scrapes: scale and resolution must leave %s", p.resolution, shortest)
	}
	return nil
}

// Check lists the SLOs of set whose alerts cannot work, with the arithmetic and a
// correction.
func Check(set slo.Set, o Options) slo.Problems {
	o.Scale = 0
	var out slo.Problems
	for i := range set.SLOs {
		p := newPlan(&set.SLOs[i], o)
		out = append(out, p.impossible()...)
		out = append(out, p.tooShort()...)
		out = append(out, p.takenLabels()...)
	}
	return out
}

// impossible finds a factor that no traffic can reach: even if every request is bad, the
// budget burns only 1 / (1 - objective) times too fast.
func (p *plan) impossible() slo.Problems {
	var out slo.Problems
	for _, severity := range []Severity{Page, Ticket} {
		for _, pair := range p.alerting() {
			if pair.Severity != severity || pair.Factor*p.budget1 < 1 {
				continue
			}
			least := 100 - 100/pair.Factor
			out = append(out, p.slo.Problem("alerting."+string(severity),
				fmt.Sprintf("it fires when the budget burns more than %s times too fast over %s, and at an objective of %s %% that is never: "+
					"with every request bad it burns 1 / (1 - %s) = %.4g times too fast, since %s × %s %% = %.4g %% of requests cannot be bad",
					number(pair.Factor), promDuration(pair.Long), number(p.slo.Objective),
					number(p.slo.Objective/100), 1/p.budget1, number(pair.Factor), number(100*p.budget1), 100*pair.Factor*p.budget1),
				fmt.Sprintf("write an objective above %.2f, windows with factors below %.4g, or %s: false", least+.005, 1/p.budget1, severity)))
			break
		}
	}
	return out
}

// tooShort finds a long window for which rates are too coarse.
func (p *plan) tooShort() slo.Problems {
	var out slo.Problems
	set := p.set()
	for _, severity := range []Severity{Page, Ticket} {
		for i, pair := range p.pairs {
			if pair.Severity != severity || pair.Long >= 2*p.resolution || !slices.Contains(p.alerting(), pair) {
				continue
			}
			whole := set.Pairs[i].Long
			need := time.Duration(float64(2*p.resolution) * float64(set.Window) / float64(whole))
			need = (need + time.Hour - 1).Truncate(time.Hour)
			out = append(out, p.slo.Problem("window",
				fmt.Sprintf("it is too short for a %s: %s of %s is %s of %s, and less than two windows of %s, over which counters are read",
					severity, promDuration(whole), promDuration(set.Window), promDuration(pair.Long), promDuration(p.window), promDuration(p.resolution)),
				fmt.Sprintf("write a window of %s or more, or %s: false", promDuration(need), severity)))
			break
		}
	}
	return out
}

// takenLabels finds labels of the SLO that the rules use themselves.
func (p *plan) takenLabels() slo.Problems {
	var out slo.Problems
	for _, label := range p.slo.Alerting.By {
		if slices.Contains([]string{"slo", "verdict", "missed", "window", "severity", "alertname"}, label) {
			out = append(out, p.slo.Problem("alerting.by", label+" is a label of the rules themselves", "name labels of the fleet: namespace, cluster, model"))
		}
	}
	for _, label := range []string{"slo", "window", "severity", "alertname"} {
		if _, ok := p.slo.Alerting.Labels[label]; ok {
			out = append(out, p.slo.Problem("alerting.labels", label+" is set by the rules themselves", "use another name"))
		}
	}
	return out
}

// check returns the mistakes in w.
func (w Windows) check() error {
	var wrong []error
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if w.Window <= 0 {
		add("window: write the SLO's window that the pairs are for: 30d")
	}
	if len(w.Pairs) == 0 {
		add("pairs: write at least one: {severity: page, long: 1h, short: 5m, factor: 14.4}")
	}
	count := map[Severity]int{}
	for i, p := range w.Pairs {
		at := fmt.Sprintf("pairs[%d]", i)
		if count[p.Severity]++; count[p.Severity] > 2 {
			add("%s: it is the third %s: keep to two, a fast one and a slow one", at, p.Severity)
		}
		if p.Severity != Page && p.Severity != Ticket {
			add("%s.severity: %q is neither page nor ticket", at, p.Severity)
		}
		if p.Short <= 0 || p.Long <= p.Short || w.Window > 0 && p.Long >= w.Window {
			add("%s: want short < long < window, above 0", at)
		}
		if p.Factor <= 0 {
			add("%s.factor: write how many times too fast: 14.4", at)
		}
	}
	return errors.Join(wrong...)
}
