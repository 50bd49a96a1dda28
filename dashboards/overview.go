package dashboards

const (
	failures = `outcome!~"ok|client_gone"`
	answered = `error_type=""`
	failed   = `error_type!=""`
)

// failing is the share of requests whose user got no answer. What never failed has no
// series: a query that gave it 0 would read all requests twice.
func (w writer) failing(labels ...string) string {
	return share(w.rate(traffic("headway_requests_total", failures), labels...), w.rate(traffic("headway_requests_total"), labels...))
}

// goodShare is the share of requests that kept an SLO.
func (w writer) goodShare(labels ...string) string {
	return share(w.rate(judged("headway_slo_requests_total", `verdict="good"`), labels...), w.rate(judged("headway_slo_requests_total"), labels...))
}

// overview is the dashboard to begin with.
func overview(w writer) board {
	return board{
		uid: "headway-overview", title: "Overview",
		about:     "The golden signals of LLM traffic: how much, how fast, how well, how full.",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), bySLO()},
		rows: []row{
			{height: 4, panels: overviewFigures(w)},
			{title: "Traffic", panels: []panel{
				{
					title: "Requests by outcome", look: stacked, unit: perSecond, more: "headway-retries",
					about:   "Exchanges that ended, attempts of retries included. refused is a rate limit or an overload (429, 503, 529); upstream_cut is an answer that broke off.",
					queries: []query{{expr: w.rate(traffic("headway_requests_total"), "outcome"), legend: "{{outcome}}"}},
				},
				{
					title: "Failures by reason", look: stacked, unit: perSecond, blank: "no failures",
					about:   "Exchanges whose user got no answer, by HTTP status or by what broke. Clients that left are none of them.",
					queries: []query{{expr: w.rate(traffic("headway_requests_total", failures), "error_type"), legend: "{{error_type}}"}},
				},
				{
					title: "Goodput by SLO", unit: perSecond, more: "headway-slo",
					about:   "Requests a second that kept every objective of an SLO. The gap to all judged requests is what users lost.",
					queries: []query{{expr: w.rate(judged("headway_slo_requests_total", `verdict="good"`), "slo"), legend: "{{slo}} good"}, {expr: w.rate(judged("headway_slo_requests_total"), "slo"), legend: "{{slo}} all"}},
				},
			}},
			{title: "Waiting", panels: overviewWaiting(w)},
			{title: "Flowing", panels: overviewFlowing(w)},
			{title: "By model", panels: overviewModels(w)},
		},
	}
}

func overviewFigures(w writer) []panel {
	return []panel{
		{title: "Requests", look: figure, unit: perSecond, about: "Exchanges that ended, in a second.", queries: []query{{expr: w.rate(traffic("headway_requests_total"))}}},
		{title: "Failing", look: figure, unit: ratio, steps: good(0.01, 0.05), about: "Share of exchanges whose user got no answer. Above 1 %, look at Failures by reason.", blank: "0", queries: []query{{expr: w.failing()}}},
		{title: "Goodput ratio", look: figure, unit: ratio, steps: needed(0.95, 0.99), more: "headway-slo", about: "Share of judged requests that kept their SLO, all SLOs together. It needs an SLO file.", queries: []query{{expr: w.goodShare()}}},
		{title: "TTFT p95", look: figure, unit: seconds, more: "headway-streams", about: "19 of 20 users saw their first token within this time.", queries: []query{{expr: w.quantile(0.95, w.ttft())}}},
		{title: "ITL p99", look: figure, unit: seconds, more: "headway-streams", about: "99 of 100 tokens came within this time after the one before.", queries: []query{{expr: w.quantile(0.99, traffic("headway_inter_token_latency_seconds"))}}},
		{title: "Output", look: figure, unit: tokensRate, more: "headway-tokens", about: "Output tokens a second, all models together.", queries: []query{{expr: w.rate(outputTokens())}}},
		{title: "In flight", look: figure, unit: plain, about: "Exchanges under way now. A rise without more requests is a service that slows down.", queries: []query{{expr: sum(traffic("headway_requests_in_flight").gauge())}}},
	}
}

func overviewWaiting(w writer) []panel {
	return []panel{
		{
			title: "TTFT", unit: seconds, limit: "ttft", more: "headway-streams",
			about:   "Time from the head of the request to the first generated token, of streams. Dashed lines are what SLOs allow; points lead to traces.",
			queries: w.quantiles(w.ttft()),
		},
		{
			title: "First answer token", unit: seconds, limit: "ttfa",
			about:   "Time to the first token that is no reasoning. Far above TTFT, the model thinks before it answers.",
			queries: w.quantiles(traffic("headway_time_to_first_answer_seconds")),
		},
		{
			title: "E2E, answered and failed", unit: seconds, limit: "e2e",
			about: "Time to the last byte. Failed exchanges stand apart, because a refusal takes a millisecond and would make the service look faster.",
			queries: []query{
				{expr: w.quantile(0.5, w.e2e(answered)), legend: "answered p50"},
				{expr: w.quantile(0.95, w.e2e(answered)), legend: "answered p95", exemplars: true},
				{expr: w.quantile(0.95, w.e2e(failed)), legend: "failed p95", exemplars: true},
			},
		},
	}
}

func overviewFlowing(w writer) []panel {
	return []panel{
		{
			title: "ITL", unit: seconds, limit: "itl_p99", more: "headway-streams",
			about:   "Time between two tokens, every token a sample. The p99 is what readers feel as stutter.",
			queries: w.quantiles(traffic("headway_inter_token_latency_seconds")),
		},
		{
			title: "TPOT", unit: seconds, limit: "tpot",
			about: "Time per output token of a whole stream, one sample a stream: beside applications, and beside model servers.",
			queries: []query{
				{expr: w.quantile(0.5, traffic("headway_time_per_output_token_seconds")), legend: "application p50"},
				{expr: w.quantile(0.95, traffic("headway_time_per_output_token_seconds")), legend: "application p95", exemplars: true},
				{expr: w.quantile(0.95, serverTPOT()), legend: "model server p95", exemplars: true},
			},
		},
		{
			title: "Tokens in and out", unit: tokensRate, more: "headway-tokens",
			about: "Tokens a second. The input holds cached tokens too, the output holds reasoning.",
			queries: []query{
				{expr: w.rate(traffic("headway_tokens_total", `kind="input"`)), legend: "input"},
				{expr: w.rate(outputTokens()), legend: "output"},
			},
		},
	}
}

// serverTPOT is TPOT as sidecars beside model servers name it.
func serverTPOT() metric {
	return metric{name: "gen_ai_server_time_per_output_token_seconds", matchers: ofGenAI}
}

func overviewModels(w writer) []panel {
	return []panel{
		{
			title: "TTFT p95 by model", unit: seconds, limit: "ttft",
			about:   "One slow model hides behind quick ones in the total: look here for it.",
			queries: []query{{expr: w.quantile(0.95, w.ttft(), "gen_ai_request_model"), legend: "{{gen_ai_request_model}}", exemplars: true}},
		},
		{
			title: "Failing by model", unit: ratio, blank: "nothing fails",
			about:   "Share of a model's exchanges whose user got no answer.",
			queries: []query{{expr: w.failing("model"), legend: "{{model}}"}},
		},
		{
			title: "In flight by model", look: stacked, unit: plain,
			about:   "Exchanges under way. It grows without more requests when answers take longer.",
			queries: []query{{expr: byModelNow("headway_requests_in_flight"), legend: "{{model}}"}},
		},
	}
}
