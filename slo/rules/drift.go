package rules

import (
	"fmt"
	"time"
)

// The names of the alerts about canaries and the load test. Each has a page of its name in
// docs/runbooks.
const (
	Drift         = "HeadwayDrift"         // canaries are slower than the load test
	DriftOurs     = "HeadwayDriftOurs"     // production is, and canaries are not
	DriftTheirs   = "HeadwayDriftTheirs"   // canaries are, and production is not
	ModelChanged  = "HeadwayModelChanged"  // perhaps another model answers
	CanaryFailing = "HeadwayCanaryFailing" // most canaries of a probe fail
	CanarySilent  = "HeadwayCanarySilent"  // a probe sends no more
)

// The metrics of the detectors, and their latencies among all that detectors follow.
const (
	driftAlarm = "headway_drift_alarm"
	driftRatio = "headway_drift_ratio"
	latencies  = `indicator=~"ttft|tpot|e2e"`
	traits     = `indicator!~"ttft|tpot|e2e"`
)

// drift is the group about the load test. A detector has waited for its evidence before it
// raises its alarm, so that most of these alerts wait no more.
func drift(o Options) Group {
	canaries := fmt.Sprintf("max by (model, indicator) (%s{source=\"canary\",%s})", driftAlarm, latencies)
	production := fmt.Sprintf("max by (model, indicator) (%s{source=\"production\",%s} and %s)", driftAlarm, latencies, driftRatio)
	return Group{Name: "headway-drift", Interval: promDuration(scaled(time.Minute, o.scale())), Rules: []Rule{
		o.alert(Drift, fmt.Sprintf("max by (probe, model, indicator) (%s{source=\"canary\",%s}) == 1", driftAlarm, latencies), 0,
			"canaries of {{ $labels.model }} are slower than the load test: {{ $labels.indicator }} of the probe {{ $labels.probe }}",
			"A service as fast as the load test, or slower by no more than the margin, raises such an alarm once in 30 days. "+
				driftRatio+" says how much slower it is, and /api/v1/drift since when."),
		o.alert(DriftOurs, production+" == 1\nand on (model, indicator)\n"+canaries+" == 0", 30*time.Minute,
			"production of {{ $labels.model }} is slower than the load test predicts, and its canaries are not: {{ $labels.indicator }}",
			"The service answers canaries as fast as tested, so the cause is on our side: what production asks, how much at once, or what stands between."),
		o.alert(DriftTheirs, canaries+" == 1\nand on (model, indicator)\n"+production+" == 0", 2*time.Hour,
			"canaries of {{ $labels.model }} are slower than the load test, and production is not: {{ $labels.indicator }}",
			"The cause is on the side of the service, or in what canaries ask: production has waited two hours without a sign of it, perhaps because a cache answers it."),
		o.alert(ModelChanged, fmt.Sprintf("max by (source, probe, model, indicator) (%s{%s}) == 1", driftAlarm, traits), 0,
			"something about {{ $labels.model }} changed: {{ $labels.indicator }}",
			"Perhaps another model, another quantisation or another server answers under the same name. This is a hint and proves nothing; /api/v1/drift has the sentence."),
	}}
}

// sent matches the canaries that were sent.
const sent = `outcome!~"skipped|over_budget"`

// canaries is the group about the canaries themselves.
func canaries(o Options) Group {
	window, silence, memory := scaled(30*time.Minute, o.scale()), scaled(time.Hour, o.scale()), scaled(day, o.scale())
	rate := func(matcher string) string {
		return fmt.Sprintf("sum by (probe) (rate(%s{%s}[%s]))", CanaryRuns, matcher, promDuration(window))
	}
	const failed = `outcome!~"ok|skipped|over_budget"`
	return Group{Name: "headway-canaries", Interval: promDuration(scaled(time.Minute, o.scale())), Rules: []Rule{
		o.alert(CanaryFailing, rate(failed)+" / "+rate(sent)+" > 0.5", 5*time.Minute,
			percent+" of the canaries of the probe {{ $labels.probe }} fail",
			"The label outcome of "+CanaryRuns+" says why. As long as they fail, nobody judges whether the service is as fast as tested."),
		o.alert(CanarySilent, fmt.Sprintf("sum by (probe) (max_over_time(%s[%s]))\nunless\nsum by (probe) (increase(%s{%s}[%s])) > 0",
			CanaryRuns, promDuration(memory), CanaryRuns, sent, promDuration(silence)), 10*time.Minute,
			"the probe {{ $labels.probe }} has sent no canary for "+promDuration(silence),
			"Its prober is down, is not scraped, or has spent its budget; or the probe left the file within the last "+promDuration(memory)+"."),
	}}
}

// alert is a ticket that belongs to no SLO.
func (o Options) alert(name, expr string, patience time.Duration, summary, description string) Rule {
	r := Rule{Alert: name, Expr: expr, Labels: map[string]string{"severity": string(Ticket)}, Annotations: map[string]string{
		"summary": summary, "description": description, "runbook_url": o.page(name),
	}}
	if patience > 0 {
		r.For = promDuration(scaled(patience, o.scale()))
	}
	return r
}

// page is the URL of an alert's runbook.
func (o Options) page(alert string) string {
	if o.Runbooks != "" {
		return o.Runbooks + alert + ".md"
	}
	return Runbooks + alert + ".md"
}

func (o Options) scale() float64 {
	if o.Scale == 0 {
		return 1
	}
	return o.Scale
}
