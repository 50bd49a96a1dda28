package dashboards

// engine is a metric of a model server. Model servers label their series with names of
// their own for the model, so that only the namespace and the pod select them.
func engine(name string) metric { return metric{name: name, matchers: ofTarget} }

// engines is the dashboard that shows what model servers say of themselves beside what
// headway saw on the wire.
func engines(w writer) board {
	return board{
		uid: "headway-engines", title: "Engine vs wire",
		about:     "What a model server says of itself, beside what headway saw on the wire. What the wire adds is queueing before the engine, the network and proxies. Scrape the engines with the same Prometheus.",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole()},
		rows: []row{
			{title: "Whose pause", panels: enginePauses(w)},
			{title: "vLLM", panels: vllm(w)},
			{title: "SGLang", panels: sglang(w)},
			{title: "TGI", panels: tgi(w)},
			{title: "llama.cpp", panels: llamacpp(w)},
		},
	}
}

// unpaused stands where no engine pauses.
const unpaused = "no pause, or no sidecar beside a model server"

// enginePauses is about what sidecars beside model servers see of all streams together.
func enginePauses(w writer) []panel {
	stall := traffic("headway_stall_seconds", `by=~"engine|upstream"`)
	return []panel{
		{
			title: "Pauses of the engine", look: stacked, unit: each, blank: unpaused,
			about:   "Pauses of a second or longer that most streams of a model had at the same time. One clock sees all streams here, so the cause is the engine: preemption, a full KV cache, an adapter that loads.",
			queries: []query{{expr: w.rate(traffic("headway_engine_pauses_total"), "model"), legend: "{{model}}"}},
		},
		{
			title: "Length of the engine's pauses (p95)", unit: seconds, blank: unpaused,
			about:   "From when half of the streams had stopped until half went on.",
			queries: []query{{expr: w.quantile(0.95, traffic("headway_engine_pause_seconds"), "model"), legend: "{{model}}"}},
		},
		{
			title: "Stalls of a second: engine or request", unit: ratio, blank: "no streams",
			about:   "The share of streams that waited for more than a second inside: with most other streams (engine), or by themselves (upstream). Sidecars beside applications know upstream only.",
			queries: []query{{expr: w.beyond(1, stall, "by"), legend: "{{by}}"}},
		},
	}
}

// classic is a quantile of a histogram of an engine: engines serve classic buckets only.
func classic(q float64, m metric) string {
	return writer{Options{Histograms: Classic}}.quantile(q, m)
}

// unscraped stands where an engine has no data.
const unscraped = "this engine is not scraped"

// beside draws an engine's own histogram beside the wire's.
func (w writer) beside(own string, wire metric) []query {
	return []query{
		{expr: w.quantile(0.5, wire), legend: "wire p50"},
		{expr: w.quantile(0.95, wire), legend: "wire p95", exemplars: true},
		{expr: classic(0.5, engine(own)), legend: "engine p50"},
		{expr: classic(0.95, engine(own)), legend: "engine p95"},
	}
}

func vllm(w writer) []panel {
	return []panel{
		{
			title: "vLLM: TTFT", unit: seconds, blank: unscraped, queries: w.beside("vllm:time_to_first_token_seconds", w.ttft()),
			about: "The engine counts from the arrival in its own process. A wire far above it means that requests wait before vLLM.",
		},
		{
			title: "vLLM: ITL", unit: seconds, blank: unscraped, queries: w.beside("vllm:inter_token_latency_seconds", traffic("headway_inter_token_latency_seconds")),
			about: "The engine counts output events, headway counts tokens. A wire above it means that something between them buffers.",
		},
		{
			title: "vLLM: queue", unit: plain, blank: unscraped,
			about: "Requests that run in the engine and that wait in it. When waiting grows, TTFT follows.",
			queries: []query{
				{expr: sum(engine("vllm:num_requests_running").gauge()), legend: "running"},
				{expr: sum(engine("vllm:num_requests_waiting").gauge()), legend: "waiting"},
				{expr: sum(traffic("headway_requests_in_flight").gauge()), legend: "in flight on the wire"},
			},
		},
		{
			title: "vLLM: KV cache and preemptions", unit: ratio, blank: unscraped,
			about: "The fullest KV cache. At 1 the engine preempts sequences, and their streams stall.",
			queries: []query{
				{expr: highest(engine("vllm:kv_cache_usage_perc").gauge()), legend: "KV cache in use"},
				{expr: rate(engine("vllm:num_preemptions_total")), legend: "preemptions a second"},
			},
		},
	}
}

func sglang(w writer) []panel {
	return []panel{
		{
			title: "SGLang: TTFT", unit: seconds, blank: unscraped, queries: w.beside("sglang:time_to_first_token_seconds", w.ttft()),
			about: "The engine counts from the arrival in its own process. A wire far above it means that requests wait before SGLang.",
		},
		{
			title: "SGLang: ITL", unit: seconds, blank: unscraped, queries: w.beside("sglang:inter_token_latency_seconds", traffic("headway_inter_token_latency_seconds")),
			about: "A wire above the engine means that something between them buffers.",
		},
		{
			title: "SGLang: queue", unit: plain, blank: unscraped,
			about: "Requests that run in the engine and that wait in it.",
			queries: []query{
				{expr: sum(engine("sglang:num_running_reqs").gauge()), legend: "running"},
				{expr: sum(engine("sglang:num_queue_reqs").gauge()), legend: "waiting"},
				{expr: sum(traffic("headway_requests_in_flight").gauge()), legend: "in flight on the wire"},
			},
		},
		{
			title: "SGLang: memory and cache", unit: ratio, blank: unscraped, share: true,
			about: "The fullest token pool, and the share of prompt tokens that its radix cache gave.",
			queries: []query{
				{expr: highest(engine("sglang:token_usage").gauge()), legend: "token pool in use"},
				{expr: "avg (" + engine("sglang:cache_hit_rate").gauge() + ")", legend: "cache hits"},
			},
		},
	}
}

func tgi(w writer) []panel {
	return []panel{
		{
			title: "TGI: E2E", unit: seconds, blank: unscraped, queries: w.beside("tgi_request_duration", w.e2e(answered)),
			about: "TGI has no TTFT of its own: compare the whole request.",
		},
		{
			title: "TGI: time per token", unit: seconds, blank: unscraped, queries: w.beside("tgi_request_mean_time_per_token_duration", traffic("headway_time_per_output_token_seconds")),
			about: "TGI's number has the reading of the prompt in it, so that it stands a little above TPOT.",
		},
		{
			title: "TGI: queue", unit: plain, blank: unscraped,
			about: "Requests that wait, and the size of the running batch.",
			queries: []query{
				{expr: sum(engine("tgi_queue_size").gauge()), legend: "waiting"},
				{expr: sum(engine("tgi_batch_current_size").gauge()), legend: "running"},
			},
		},
		{
			title: "TGI: time in the queue", unit: seconds, blank: unscraped,
			about:   "The time that requests wait before the engine reads their prompt: it is part of TTFT.",
			queries: []query{{expr: classic(0.95, engine("tgi_request_queue_duration")), legend: "p95"}},
		},
	}
}

func llamacpp(w writer) []panel {
	return []panel{
		{
			title: "llama.cpp: speed of writing", unit: tokensRate, blank: unscraped,
			about: "Output tokens a second: the engine's own count of all slots, beside the wire's.",
			queries: []query{
				{expr: rate(engine("llamacpp:tokens_predicted_total")), legend: "engine"},
				{expr: w.rate(outputTokens()), legend: "wire"},
			},
		},
		{
			title: "llama.cpp: speed of one stream", unit: tokensRate, blank: unscraped,
			about: "The engine's mean speed for one sequence, beside 1 ÷ the median TPOT on the wire.",
			queries: []query{
				{expr: "avg (" + engine("llamacpp:predicted_tokens_seconds").gauge() + ")", legend: "engine"},
				{expr: "1 / " + w.quantile(0.5, traffic("headway_time_per_output_token_seconds")), legend: "wire"},
			},
		},
		{
			title: "llama.cpp: queue", unit: plain, blank: unscraped,
			about: "Requests that run in a slot, and that wait for one.",
			queries: []query{
				{expr: sum(engine("llamacpp:requests_processing").gauge()), legend: "running"},
				{expr: sum(engine("llamacpp:requests_deferred").gauge()), legend: "waiting"},
				{expr: sum(traffic("headway_requests_in_flight").gauge()), legend: "in flight on the wire"},
			},
		},
	}
}
