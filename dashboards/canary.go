package dashboards

import "fmt"

// byCell chooses cells of the load test. All of them at once are dozens of lines that nobody
// tells apart.
func byCell() variable {
	return variable{name: "cell", label: "Cell of the load test", query: `label_values(headway_baseline_seconds{` + ofTarget + `}, cell)`, chosen: true}
}

// drift is a metric about one detector.
func drift(name string) metric {
	return metric{name: name, matchers: ofModel}
}

// canary is the dashboard that holds the service beside its load test.
func canary(w writer) board {
	return board{
		uid: "headway-canary", title: "Canary vs load test",
		about:     "Is the service still as fast as its load test, by canaries and by production, and how much load does it still take?",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), byCell(), bySLO()},
		rows: []row{
			{title: "Drift", panels: driftPanels()},
			{title: "Production before the load test", panels: []panel{
				w.promised("TTFT", "ttft", w.ttft()),
				w.promised("TPOT", "tpot", traffic("headway_time_per_output_token_seconds")),
				w.promised("E2E of answered requests", "e2e", w.e2e(answered)),
			}},
			{title: "Canaries", panels: canaryPanels(w)},
			{title: "Load", panels: loadPanels(w)},
		},
	}
}

func driftPanels() []panel {
	key := []string{"source", "probe", "model", "indicator"}
	const legend = "{{source}} {{probe}} {{model}} {{indicator}}"
	return []panel{
		{
			title: "Ratio to the load test", unit: times, steps: []step{{1.1, "orange"}, {1.5, "red"}}, blank: "no baseline file, or nothing to compare yet",
			about:   "The median since the likeliest time of a change, divided by that of the load test. 1 is as fast as tested, 2 is twice as slow.",
			queries: []query{{expr: highest(drift("headway_drift_ratio").gauge(), key...), legend: legend}},
		},
		{
			title: "How rare this would be", unit: seconds, log: true, steps: []step{{30 * 24 * 3600, "red"}}, blank: "no baseline file",
			about:   "A service as fast as its load test would look so bad once in this time. Beyond the red line, 30 days, the alarm goes off.",
			queries: []query{{expr: highest(drift("headway_drift_return_period_seconds").gauge(), key...), legend: legend}},
		},
		{
			title: "Alarms", look: list, blank: "no baseline file",
			about: "Detectors with their alarm, those that are on (1) first. An alarm goes off at a return period of 30 days and ends below one day.",
			queries: []query{
				{expr: highest(drift("headway_drift_alarm").gauge(), key...), legend: "alarm", unit: plain},
				{expr: highest(drift("headway_drift_return_period_seconds").gauge(), key...), legend: "return period", unit: seconds},
			},
		},
	}
}

// promised draws production before the percentiles of the load test.
func (w writer) promised(title, indicator string, production metric) panel {
	tested := func(percent int) query {
		m := process("headway_baseline_seconds", `cell=~"$cell"`, fmt.Sprintf(`indicator=%q`, indicator), fmt.Sprintf(`percentile="%d"`, percent))
		return query{expr: highest(m.gauge(), "cell"), legend: fmt.Sprintf("{{cell}} p%d%s", percent, testedEnding)}
	}
	return panel{
		title: title, unit: seconds, blank: "no traffic, and no baseline file",
		about: "Production as solid lines, percentiles of the load test dashed. Choose the cell whose lengths and load are those of your traffic, or the comparison means nothing.",
		queries: []query{
			{expr: w.quantile(0.5, production), legend: "p50"},
			{expr: w.quantile(0.95, production), legend: "p95", exemplars: true},
			tested(50), tested(95),
		},
	}
}

func canaryPanels(w writer) []panel {
	return []panel{
		{
			title: "TTFT of canaries (p50)", unit: seconds, blank: "no canaries run",
			about:   "Canaries always ask the same, so that their lines move with the service only. via direct is past the sidecar: the difference is what the sidecar costs.",
			queries: []query{{expr: w.quantile(0.5, traffic("headway_probe_time_to_first_token_seconds"), "probe", "via"), legend: "{{probe}} {{via}}"}},
		},
		{
			title: "TPOT of canaries (p50)", unit: seconds, blank: "no canaries run",
			about:   "Time per output token of canaries that were answered.",
			queries: []query{{expr: w.quantile(0.5, traffic("headway_probe_time_per_output_token_seconds"), "probe", "via"), legend: "{{probe}} {{via}}"}},
		},
		{
			title: "Canaries by how they ended", look: stacked, unit: perSecond, blank: "no canaries run",
			about:   "skipped and over_budget are canaries that were not sent: then nothing watches the service.",
			queries: []query{{expr: w.rate(traffic("headway_probe_runs_total"), "probe", "outcome"), legend: "{{probe}} {{outcome}}"}},
		},
		{
			title: "Since the last answer", unit: seconds, blank: "no canary was answered yet",
			about:   "The time since a canary was last answered as asked. A slope is a probe that fails, or that nobody sends.",
			queries: []query{{expr: "time() - " + highest(process("headway_probe_last_success_timestamp_seconds").gauge(), "probe"), legend: "{{probe}}"}},
		},
	}
}

func loadPanels(w writer) []panel {
	carried := drift("headway_scaling_signal_ratio").gauge()
	return []panel{
		{
			title: "Headroom", unit: times, steps: []step{{1, "red"}}, blank: "no baseline file with several loads",
			about:   "The highest tested load that kept the SLO, divided by the load of the last minute. Below 1 there is no room left.",
			queries: []query{{expr: "min by (model, slo) (" + metric{name: "headway_capacity_headroom_ratio", matchers: ofModel + `,slo=~"$slo"`}.gauge() + ")", legend: "{{model}} {{slo}}"}},
		},
		{
			title: "Replicas that the traffic needs", unit: plain, blank: "no sidecar stands beside a model server",
			about: "The sum of the numbers to scale on, and how many replicas have one. Where the sum is above the count, the replicas cannot carry the traffic.",
			queries: []query{
				{expr: "sum by (model) (" + carried + ")", legend: "{{model}} needs"},
				{expr: "count by (model) (" + carried + ")", legend: "{{model}} has"},
			},
		},
		{
			title: "TTFT against load", look: scatter, unit: seconds,
			about: "Each point is a moment: across, output tokens a second; up, the p95 of TTFT. Where the cloud bends upwards, the service is full.",
			queries: []query{
				{expr: w.rate(outputTokens()), legend: "output tokens a second"},
				{expr: w.quantile(0.95, w.ttft()), legend: "TTFT p95"},
			},
		},
		{
			title: "Requests in flight", unit: plain,
			about:   "The load as headway counts it for the headroom, by model.",
			queries: []query{{expr: byModelNow("headway_requests_in_flight"), legend: "{{model}}"}},
		},
	}
}
