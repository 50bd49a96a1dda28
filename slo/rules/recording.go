package rules

import (
	"fmt"
	"time"
)

// The names of the recorded series. Each has the labels slo and those of alerting.by.
const (
	recordRate      = "headway_slo:requests:rate"          // per second, by verdict
	recordIncrease  = "headway_slo:requests:increase"      // by verdict and window
	recordErrors    = "headway_slo:error:ratio"            // by window
	recordBurn      = "headway_slo:burn_rate:ratio"        // by window
	recordObjective = "headway_slo:objective:ratio"        //
	recordBudget    = "headway_slo:budget_remaining:ratio" // 1 untouched, 0 spent, below 0 overspent
	recordReporting = "headway_slo:reporting:count"        // sidecars that have the SLO loaded
	recordGoodput   = "headway_slo:goodput:requests_rate"  // good requests per second
	recordGoodToken = "headway_slo:goodput:tokens_rate"    // output tokens of good requests per second
	recordOnTime    = "headway_slo:tokens_on_time:ratio"   // tokens that came by their deadline
	recordCanaries  = "headway_slo:canaries:rate"          // per second, by verdict
	recordCanaryInc = "headway_slo:canaries:increase"      // by verdict and window
	recordCanaryBad = "headway_slo:canaries_error:ratio"   // by window
)

// rates lists the rules that read raw series. One pass over the SLO's counters serves
// every window.
func (p *plan) rates() []Rule {
	rng := promDuration(p.resolution)
	return []Rule{
		{Record: recordObjective, Expr: fmt.Sprintf("vector(%s)", number(p.slo.Objective/100)), Labels: p.named()},
		{Record: recordRate, Expr: fmt.Sprintf("sum%s (rate(%s[%s]))", p.by("slo", "verdict"), Selector(p.slo), rng)},
		{
			Record: recordReporting,
			Expr: fmt.Sprintf("count%s (%s)\nor count%s (%s)",
				p.byFleet(), selector("headway_slo_objective_ratio", p.slo), p.byFleet(), selector(recordRate, p.slo)),
		},
	}
}

// windowed lists the rules for increase, error ratio and burn rate over windows.
func (p *plan) windowed(windows []time.Duration) []Rule {
	all := p.counted(recordRate, recordIncrease, recordErrors, windows)
	for _, w := range windows {
		all = append(all, Rule{
			Record: recordBurn, Expr: selector(recordErrors, p.slo, windowIs(w)) + " / " + number(p.budget1),
			Labels: map[string]string{"window": promDuration(w)},
		})
	}
	return all
}

// counted turns a recorded rate into the number of events in each window, and into the
// share of bad ones among them.
func (p *plan) counted(rate, increase, ratio string, windows []time.Duration) []Rule {
	var increases, ratios []Rule
	for _, w := range windows {
		labels := map[string]string{"window": promDuration(w)}
		increases = append(increases, Rule{Record: increase, Expr: p.increase(selector(rate, p.slo), w), Labels: labels})
		ratios = append(ratios, Rule{Record: ratio, Expr: p.ratio(increase, w), Labels: labels})
	}
	return append(increases, ratios...)
}

// increase is how many events a recorded rate stands for over w. Prometheus records a rate
// every interval, so that each sample stands for the events of one interval, in the middle
// of its window. For a near window, increase takes the samples of half a resolution ago,
// and the last of them for the time since then. That is true to an eighth of a
// resolution. A far window just lags by half of one.
func (p *plan) increase(rate string, w time.Duration) string {
	last := rate + " * " + seconds(p.resolution)
	switch {
	case w == p.resolution:
		return last
	case p.isFar(w):
		return fmt.Sprintf("sum_over_time(%s[%s]) * %s", rate, promDuration(w), seconds(p.interval))
	}
	return fmt.Sprintf("%s\n+ sum_over_time(%s[%s] offset %s) * %s",
		last, rate, promDuration(w-p.resolution), promDuration(p.resolution/2), seconds(p.interval))
}

// ratio is the share of bad ones among the events of increase. Without events there is no
// ratio.
func (p *plan) ratio(increase string, w time.Duration) string {
	return fmt.Sprintf("%s\n/\n(%s > 0)", p.sum(increase, w, `verdict="bad"`), p.sum(increase, w))
}

// goodput lists the rules for requests and tokens that met every objective.
func (p *plan) goodput() []Rule {
	by, rng := p.by("slo"), promDuration(p.resolution)
	rate := func(metric string, matchers ...string) string {
		return fmt.Sprintf("sum%s (rate(%s[%s]))", by, selector(metric, p.slo, matchers...), rng)
	}
	return []Rule{
		{Record: recordGoodput, Expr: fmt.Sprintf("sum%s (%s)", by, selector(recordRate, p.slo, `verdict="good"`))},
		{Record: recordGoodToken, Expr: rate("headway_slo_tokens_total", `verdict="good"`)},
		{
			Record: recordOnTime,
			Expr:   rate("headway_slo_tokens_on_time_total") + "\n/\n(" + rate("headway_slo_tokens_timed_total") + " > 0)",
		},
	}
}

// budget is the share of the error budget that is left.
func (p *plan) budget() Rule {
	return Rule{
		Record: recordBudget,
		Expr: fmt.Sprintf("1 - sum%s (%s) / %s",
			p.by("slo"), selector(recordErrors, p.slo, windowIs(p.window)), number(p.budget1)),
	}
}

// canaries says whether canaries speak for the SLO: they run, the SLO pages, and there is
// a floor below which traffic can fall.
func (p *plan) canaries() bool {
	return p.options.Probes && p.slo.Alerting.Page && p.slo.Alerting.MinRequests > 0
}

// CanaryRuns is the counter of canaries that the rules of Options.Probes read.
const CanaryRuns = "headway_probe_runs_total"

// canaryRules record the results of canaries for the SLO's operation, model and upstream,
// over the windows of pages. Each canary counts as one event, in whatever way it failed; one
// that was not sent is none.
func (p *plan) canaryRules() []Rule {
	matchers, rng := traffic(p.slo), promDuration(p.resolution)
	comma := ""
	if matchers != "" {
		comma = ","
	}
	rate := func(outcome string) string {
		return fmt.Sprintf("sum%s (rate(%s{%s%s%s}[%s]))", p.by(), CanaryRuns, matchers, comma, outcome, rng)
	}
	all := []Rule{
		{Record: recordCanaries, Expr: rate(`outcome="ok"`) + "\nor 0 * " + rate(`outcome!=""`), Labels: p.named("verdict", "good")},
		{Record: recordCanaries, Expr: rate(`outcome!~"ok|skipped|over_budget"`) + "\nor 0 * " + rate(`outcome!=""`), Labels: p.named("verdict", "bad")},
	}
	return append(all, p.counted(recordCanaries, recordCanaryInc, recordCanaryBad, p.pageWindows())...)
}

// pageWindows lists the windows of pages, ascending.
func (p *plan) pageWindows() []time.Duration {
	q := *p
	q.pairs, q.window = nil, p.resolution
	for _, pair := range p.pairs {
		if pair.Severity == Page {
			q.pairs = append(q.pairs, pair)
		}
	}
	return q.windows()
}

// named returns labels that name the SLO, and further pairs.
func (p *plan) named(pairs ...string) map[string]string {
	labels := map[string]string{"slo": p.slo.Name}
	for i := 0; i+1 < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return labels
}
