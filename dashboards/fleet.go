package dashboards

// fleet is the dashboard of all pods, the worst first.
func fleet(w writer) board {
	return board{
		uid: "headway-fleet", title: "Fleet",
		about:     "All pods and models, the worst first: is it everybody, or one?",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), bySLO()},
		rows: []row{
			{title: "Pods and models, the worst first", height: 11, panels: []panel{fleetTable()}},
			{title: "The ten worst", panels: fleetWorst(w)},
			{title: "Load", panels: fleetLoad()},
			{title: "Models", height: 9, panels: []panel{modelTable(w)}},
		},
	}
}

// Outside Kubernetes series have no pod; there the instance tells sidecars apart.
var ofPod = []string{"namespace", "pod", "instance"}

func fleetTable() panel {
	key := []string{"namespace", "pod", "instance", "model"}
	return panel{
		title: "Pods × models", look: list, blank: "no pod reports",
		about: "A row for each pod and model over the last minutes. If one pod is bad, restart it; if one model is bad on all pods, look at its upstream.",
		queries: []query{
			{expr: failing(key...), legend: "failing", unit: ratio},
			{expr: rate(traffic("headway_requests_total"), key...), legend: "requests", unit: perSecond},
			{expr: rate(traffic("headway_tokens_total", `kind="output"`), key...), legend: "output", unit: tokensRate},
			{expr: sum(traffic("headway_requests_in_flight").gauge(), key...), legend: "in flight", unit: plain},
		},
	}
}

func fleetWorst(w writer) []panel {
	return []panel{
		{
			title: "TTFT p95", unit: seconds, limit: "ttft",
			about:   "The ten pods with the slowest first tokens.",
			queries: []query{{expr: "topk(10, " + w.podTTFT() + ")", legend: "{{pod}} {{instance}}", exemplars: true}},
		},
		{
			title: "Failing", unit: ratio, blank: "nothing fails",
			about:   "The ten pods with the greatest share of exchanges whose user got no answer.",
			queries: []query{{expr: "topk(10, " + failing(ofPod...) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "Bad requests", unit: ratio,
			about:   "The ten pods with the greatest share of requests that missed their SLO.",
			queries: []query{{expr: "topk(10, 1 - " + goodShare(ofPod...) + ")", legend: "{{pod}} {{instance}}"}},
		},
	}
}

// podTTFT is the p95 of TTFT of every pod.
func (w writer) podTTFT() string {
	if w.Recorded {
		return metric{name: recordedPodTTFT, matchers: ofTarget}.gauge()
	}
	return w.quantile(0.95, w.ttft(), ofPod...)
}

func fleetLoad() []panel {
	return []panel{
		{
			title: "Requests by pod", look: stacked, unit: perSecond,
			about:   "The ten busiest pods. Very unequal lines mean that the load is not spread.",
			queries: []query{{expr: "topk(10, " + rate(traffic("headway_requests_total"), ofPod...) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "In flight by pod", unit: plain,
			about:   "The ten pods with the most exchanges under way.",
			queries: []query{{expr: "topk(10, " + sum(traffic("headway_requests_in_flight").gauge(), ofPod...) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "Sidecars", look: stacked, unit: plain,
			about:   "Running sidecars by version. Two versions at once are a rollout, or one that got stuck.",
			queries: []query{{expr: "count by (version) (" + process("headway_build_info").gauge() + ")", legend: "{{version}}"}},
		},
	}
}

func modelTable(w writer) panel {
	return panel{
		title: "Models", look: list, blank: "no model was asked",
		about: "A row for each model, the slowest first token first.",
		queries: []query{
			{expr: w.quantile(0.95, w.ttft(), "gen_ai_request_model"), legend: "TTFT p95", unit: seconds},
			{expr: w.quantile(0.95, w.e2e(answered), "gen_ai_request_model"), legend: "E2E p95", unit: seconds},
			{expr: w.count(w.e2e(), "gen_ai_request_model"), legend: "requests", unit: perSecond},
		},
	}
}
