package rules

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// The names of the alerts of an SLO. Each has a page of its name in docs/runbooks.
const (
	PageFast   = "HeadwaySLOBurnPageFast"
	PageSlow   = "HeadwaySLOBurnPageSlow"
	TicketFast = "HeadwaySLOBurnTicketFast"
	TicketSlow = "HeadwaySLOBurnTicketSlow"
	CanaryBurn = "HeadwaySLOCanaryBurn"      // too few requests to judge by, and canaries fail
	Exhausted  = "HeadwaySLOBudgetExhausted" // the window's budget is spent
	Absent     = "HeadwaySLOAbsent"          // nothing reports the SLO any more
)

// Alerts lists every alert.
func Alerts() []string {
	return []string{
		PageFast, PageSlow, TicketFast, TicketSlow, CanaryBurn, Exhausted, Absent,
		StreamsSilent, StreamHung,
		Drift, DriftOurs, DriftTheirs, ModelChanged, CanaryFailing, CanarySilent,
	}
}

// moreThanOne holds for two events and not for one: rate extrapolates to the edges
// of its window, so that one event may count as 1.25 where scrapes are a minute
// apart.
const moreThanOne = "> 1.5"

// burn is the alert of one pair. Its value is the error ratio over the long window.
func (p *plan) burn(pair Pair) Rule {
	limit := number(pair.Factor) + " * " + number(p.budget1)
	over := func(w time.Duration) string { return selector(recordErrors, p.slo, windowIs(w)) + " > " + limit }
	expr := over(pair.Long) + "\nand ignoring (window)\n" + over(pair.Short) + p.floor(pair.Short)
	spent := 100 * pair.Factor * float64(pair.Long) / float64(p.window)
	return p.alert(pair.Alert, pair.Severity, expr, "", map[string]string{
		"summary": p.badRequests(pair.Long),
		"description": fmt.Sprintf("The error budget burns at %s or faster, over %s and over the last %s. "+
			"At that rate %.3g %% of the budget of %s goes in %s, and all of it in %s. %s says how much is left.",
			allowed(pair.Factor), promDuration(pair.Long), promDuration(pair.Short),
			spent, promDuration(p.window), promDuration(pair.Long), hours(coarse(p.window, pair.Factor)), recordBudget),
	})
}

// percent prints the value of an alert as the texts here spell shares: 18.5 %.
const percent = `{{ $value | humanizePercentage | reReplaceAll "%" " %" }}`

// badRequests is the summary of an alert whose value is the share of bad requests in window.
func (p *plan) badRequests(window time.Duration) string {
	return fmt.Sprintf("SLO %s%s: %s of requests were bad in %s, where %s %% may be",
		p.slo.Name, where(p.slo.Alerting.By), percent, promDuration(window), number(100*p.budget1))
}

// allowed says a burn rate in words.
func allowed(factor float64) string {
	if factor == 1 {
		return "the allowed rate"
	}
	return fmt.Sprintf("%.4g times the allowed rate", factor)
}

// hours is d as people say it: 50h, not 2d2h.
func hours(d time.Duration) string {
	if d < 100*time.Hour && d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return promDuration(d)
}

// floor keeps an alert silent while the window has too little to judge by: too few
// requests, or only one bad one.
func (p *plan) floor(window time.Duration) string {
	if p.slo.Alerting.MinRequests == 0 {
		return ""
	}
	return "\nand ignoring (window)\n" + p.enough(window) +
		"\nand ignoring (window)\n" + p.sum(recordIncrease, window, `verdict="bad"`) + " " + moreThanOne
}

// enough holds while there is enough traffic to judge by.
func (p *plan) enough(window time.Duration) string {
	return fmt.Sprintf("%s >= %d", p.sum(recordIncrease, window), p.slo.Alerting.MinRequests)
}

func (p *plan) sum(increase string, window time.Duration, matchers ...string) string {
	matchers = append([]string{windowIs(window)}, matchers...)
	return fmt.Sprintf("sum%s (%s)", p.by("slo"), selector(increase, p.slo, matchers...))
}

// canaryBurn is the condition of pages, applied to canaries while there is too little
// traffic.
func (p *plan) canaryBurn() Rule {
	var conditions []string
	var shortest time.Duration
	for _, pair := range p.alerting() {
		if pair.Severity != Page {
			continue
		}
		limit := number(pair.Factor) + " * " + number(p.budget1)
		over := func(w time.Duration) string { return selector(recordCanaryBad, p.slo, windowIs(w)) + " > " + limit }
		conditions = append(conditions, "(\n  "+over(pair.Long)+"\n  and ignoring (window) "+over(pair.Short)+
			"\n  and ignoring (window) "+p.sum(recordCanaryInc, pair.Short, `verdict="bad"`)+" "+moreThanOne+"\n)")
		if shortest == 0 || pair.Short < shortest {
			shortest = pair.Short
		}
	}
	expr := "(\n" + strings.Join(conditions, "\nor ignoring (window)\n") + "\n)\nunless ignoring (window)\n" + p.enough(shortest)
	return p.alert(CanaryBurn, Page, expr, "", map[string]string{
		"summary": fmt.Sprintf("SLO %s%s: %s of canaries failed in {{ $labels.window }}, and there is too little traffic to judge by",
			p.slo.Name, where(p.slo.Alerting.By), percent),
		"description": fmt.Sprintf("Fewer than %d requests came in %s, too few to judge by. "+
			"The canaries of the same operation, model and upstream burn the error budget fast enough for a page.",
			p.slo.Alerting.MinRequests, promDuration(shortest)),
	})
}

// exhausted fires while more of the window was bad than the objective allows.
func (p *plan) exhausted() Rule {
	expr := selector(recordErrors, p.slo, windowIs(p.window)) + " > " + number(p.budget1) + p.floor(p.window)
	return p.alert(Exhausted, Ticket, expr, "", map[string]string{
		"summary": p.badRequests(p.window),
		"description": fmt.Sprintf("The error budget of %s is spent. The objective of %s %% is missed until bad requests fall out of the window.",
			promDuration(p.window), number(p.slo.Objective)),
	})
}

// absent fires when sidecars reported the SLO within a day and none does now. Sidecars
// also report an SLO without traffic.
func (p *plan) absent() Rule {
	memory, patience := scaled(day, p.options.Scale), 3*p.resolution
	expr := fmt.Sprintf("max_over_time(%s[%s])\nunless\n%s",
		selector(recordReporting, p.slo), promDuration(memory), selector(recordReporting, p.slo))
	return p.alert(Absent, Ticket, expr, promDuration(patience), map[string]string{
		"summary": fmt.Sprintf("SLO %s%s: no sidecar reports it any more", p.slo.Name, where(p.fleetLabels())),
		"description": fmt.Sprintf("Up to {{ $value | humanize }} sidecars reported it within the last %s, and none has for %s: "+
			"they are gone, are not scraped, or have lost the SLO. Nothing watches it now.", promDuration(memory), promDuration(patience)),
	})
}

// alert is a rule with the labels and annotations that every alert has. Those of the SLO
// file win over the given ones, but never over slo and severity.
func (p *plan) alert(name string, severity Severity, expr, patience string, annotations map[string]string) Rule {
	a := &p.slo.Alerting
	labels := maps.Clone(a.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["severity"], labels["slo"] = string(severity), p.slo.Name
	annotations["runbook_url"] = p.runbook(name)
	if a.Dashboard != "" {
		annotations["dashboard_url"] = a.Dashboard
	}
	maps.Copy(annotations, a.Annotations)
	return Rule{Alert: name, Expr: expr, For: patience, Labels: labels, Annotations: annotations}
}

// runbook is the URL of the alert's runbook.
func (p *plan) runbook(alert string) string {
	if p.slo.Alerting.Runbook != "" {
		return p.slo.Alerting.Runbook
	}
	return p.options.page(alert)
}

// where says, in a template, which part of the fleet an alert is about.
func where(by []string) string {
	var b strings.Builder
	for _, label := range by {
		fmt.Fprintf(&b, ", %s {{ $labels.%s }}", label, label)
	}
	return b.String()
}

// coarse is d / by, rounded to its two greatest units.
func coarse(d time.Duration, by float64) time.Duration {
	d = time.Duration(float64(d) / by)
	for _, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		if d > 10*unit {
			return d.Round(unit)
		}
	}
	return d.Round(time.Millisecond)
}
