package dashboards

// recovered matches calls whose user got an answer.
const recovered = `outcome=~"first_try|recovered"`

// retries is the dashboard of calls, their attempts, and the rate limits that cause them.
func retries(w writer) board {
	return board{
		uid: "headway-retries", title: "Retries & limits",
		about:     "What users felt over all attempts, what retries cost, and how near the rate limits are.",
		variables: []variable{byNamespace(), byPod(), byModel(), bySLO()},
		rows: []row{
			{title: "Calls", panels: retryCalls(w)},
			{title: "What users felt", panels: retryFelt(w)},
			{title: "What retries cost", panels: retryCost(w)},
			{title: "Rate limits", panels: retryLimits()},
		},
	}
}

func retryCalls(w writer) []panel {
	attempts := traffic("headway_attempts_total")
	first := traffic("headway_attempts_total", `joined_by="first"`)
	return []panel{
		{
			title: "Calls by how they ended", look: stacked, unit: perSecond,
			about:   "A call is all attempts for one question. recovered needed a retry; exhausted never got an answer; abandoned was given up by its client.",
			queries: []query{{expr: w.rate(traffic("headway_chains_total"), "outcome"), legend: "{{outcome}}"}},
		},
		{
			title: "Attempts for each call", unit: times, steps: good(1.2, 2),
			about:   "Retry amplification: 1 is a service that nobody has to ask twice. A storm of retries shows here before anywhere else.",
			queries: []query{{expr: share(w.rate(attempts, "model"), w.rate(first, "model")), legend: "{{model}}"}},
		},
		{
			title: "How attempts were joined", look: stacked, unit: perSecond,
			about:   "The evidence that an attempt belongs to an earlier one. first is a call's first attempt.",
			queries: []query{{expr: w.rate(attempts, "joined_by"), legend: "{{joined_by}}"}},
		},
	}
}

func retryFelt(w writer) []panel {
	duration := traffic("headway_chain_duration_seconds", recovered)
	return []panel{
		{
			title: "TTFT with all retries", unit: seconds, limit: "ttft",
			about:   "From the start of the first attempt to the first token of the last, of calls that were answered: what the user waited.",
			queries: w.quantiles(traffic("headway_chain_time_to_first_token_seconds", recovered)),
		},
		{
			title: "E2E with all retries", unit: seconds, limit: "e2e",
			about:   "From the start of the first attempt to the end of the last, of calls that were answered.",
			queries: w.quantiles(duration),
		},
		{
			title: "Retry-After ignored", unit: perSecond, blank: "nobody retried too soon", look: stacked,
			about: "Attempts that came sooner than the server had asked. Such clients make an overload longer. The other line counts calls whose attempts could belong to another call.",
			queries: []query{
				{expr: w.rate(traffic("headway_retry_after_ignored_total"), "model"), legend: "too soon {{model}}"},
				{expr: w.rate(traffic("headway_chain_ambiguous_total"), "model"), legend: "ambiguous {{model}}"},
			},
		},
	}
}

func retryCost(w writer) []panel {
	return []panel{
		{
			title: "Time wasted", look: stacked, unit: seconds, blank: "nothing was wasted",
			about:   "Seconds a second that went into attempts without a good end, by what broke them. 1 is a user who always waits in vain.",
			queries: []query{{expr: w.rate(traffic("headway_chain_wasted_seconds_total"), "cause"), legend: "{{cause}}"}},
		},
		{
			title: "Tokens wasted", look: stacked, unit: tokensRate, blank: "nothing was wasted",
			about:   "Tokens of attempts without a good end: output that was thrown away, and input that was sent for nothing.",
			queries: []query{{expr: w.rate(traffic("headway_chain_wasted_tokens_total"), "cause", "kind"), legend: "{{cause}} {{kind}}"}},
		},
		{
			title: "Time slept", look: stacked, unit: seconds, blank: "nobody waited",
			about:   "Seconds a second that clients waited between attempts, by model.",
			queries: []query{{expr: w.rate(traffic("headway_chain_slept_seconds_total"), "model"), legend: "{{model}}"}},
		},
	}
}

func retryLimits() []panel {
	key := []string{"kind", "model", "upstream"}
	remaining, limit := traffic("headway_ratelimit_remaining"), traffic("headway_ratelimit_limit")
	lowest := func(m metric) string { return "min" + by(key...) + " (" + m.gauge() + ")" }
	return []panel{
		{
			title: "Quota left", unit: ratio, share: true, blank: "no provider told a limit",
			about:   "What is left of each rate limit, as its provider last told. At 0 the next request is refused.",
			queries: []query{{expr: share(lowest(remaining), highest(limit.gauge(), key...)), legend: "{{kind}} {{model}}"}},
		},
		{
			title: "Quota left, in numbers", unit: plain, blank: "no provider told a limit",
			about:   "Requests and tokens that may still be sent before the limit.",
			queries: []query{{expr: lowest(remaining), legend: "{{kind}} {{model}}"}},
		},
		{
			title: "Quota is full again in", unit: seconds, blank: "no provider told a limit",
			about:   "The time until the limit is full again, counted from when the provider last told.",
			queries: []query{{expr: highest(traffic("headway_ratelimit_reset_seconds").gauge(), key...), legend: "{{kind}} {{model}}"}},
		},
	}
}
