package dashboards

// fleet is the dashboard of all pods, the worst first.
func fleet(w writer) board {
	return board{
		uid: "headway-fleet", title: "Fleet",
		about:     "All pods and models, the worst first: is it everybody, or one?",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), bySLO()},
		rows: []row{
			{title: "Pods and models, the worst first", height: 11, panels: []panel{fleetTable(w)}},
			{title: "The ten worst", panels: fleetWorst(w)},
			{title: "Load", panels: fleetLoad(w)},
			{title: "Models", height: 9, panels: []panel{modelTable(w)}},
		},
	}
}

// Outside Kubernetes series have no pod; there the instance tells sidecars apart.
var ofPod = []string{"namespace", "pod", "instance"}

// perPod is an expression with a value for each pod, and its name among recorded series.
type perPod struct {
	record string
	expr   func(writer) string
}

// The values of pods that are dear over hundreds of them.
var (
	podTTFT     = perPod{"headway:time_to_first_token_seconds:p95_5m", func(w writer) string { return w.quantile(0.95, w.ttft(), ofPod...) }}
	podFailing  = perPod{"headway:requests_failing:ratio_rate5m", func(w writer) string { return w.failing(ofPod...) }}
	podBad      = perPod{"headway:slo_requests_bad:ratio_rate5m", func(w writer) string { return "1 - " + w.goodShare(ofPod...) }}
	podRequests = perPod{"headway:pod_requests:rate5m", func(w writer) string { return w.rate(traffic("headway_requests_total"), ofPod...) }}
)

func fleetTable(w writer) panel {
	key := []string{"namespace", "pod", "instance", "model"}
	return panel{
		title: "Pods × models", look: list, blank: "no pod reports",
		about: "A row for each pod and model over the last minutes. If one pod is bad, restart it; if one model is bad on all pods, look at its upstream.",
		queries: []query{
			{expr: w.failing(key...), legend: "failing", unit: ratio},
			{expr: w.rate(traffic("headway_requests_total"), key...), legend: "requests", unit: perSecond},
			{expr: w.rate(outputTokens(), key...), legend: "output", unit: tokensRate},
			{expr: sum(traffic("headway_requests_in_flight").gauge(), key...), legend: "in flight", unit: plain},
		},
	}
}

func fleetWorst(w writer) []panel {
	return []panel{
		{
			title: "TTFT p95", unit: seconds, limit: "ttft",
			about:   "The ten pods with the slowest first tokens.",
			queries: []query{{expr: "topk(10, " + w.ofPods(podTTFT) + ")", legend: "{{pod}} {{instance}}", exemplars: true}},
		},
		{
			title: "Failing", unit: ratio, blank: "nothing fails",
			about:   "The ten pods with the greatest share of exchanges whose user got no answer.",
			queries: []query{{expr: "topk(10, " + w.ofPods(podFailing) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "Bad requests", unit: ratio,
			about:   "The ten pods with the greatest share of requests that missed their SLO.",
			queries: []query{{expr: "topk(10, " + w.ofPods(podBad) + ")", legend: "{{pod}} {{instance}}"}},
		},
	}
}

func fleetLoad(w writer) []panel {
	return []panel{
		{
			title: "Requests by pod", look: stacked, unit: perSecond,
			about:   "The ten busiest pods. Very unequal lines mean that the load is not spread.",
			queries: []query{{expr: "topk(10, " + w.ofPods(podRequests) + ")", legend: "{{pod}} {{instance}}"}},
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
