package dashboards

import "github.com/headway-sidecar/headway/exporter"

// tokens is the dashboard of tokens, prompt caches and money.
func tokens(w writer) board {
	return board{
		uid: "headway-tokens", title: "Tokens, cache & cost",
		about:     "How many tokens go in and out, how sure the counts are, what caches save, what nobody received, and what all of it costs.",
		variables: []variable{byNamespace(), byPod(), byModel()},
		rows: []row{
			{title: "Rates", panels: tokenRates(w)},
			{title: "Sizes", panels: tokenSizes(w)},
			{title: "Prompt cache", panels: promptCache(w)},
			{title: "Reasoning and losses", panels: tokenLosses(w)},
			{title: "Cost", panels: tokenCosts(w)},
		},
	}
}

func tokenRates(w writer) []panel {
	others := traffic("headway_tokens_total", `kind!="output"`)
	return []panel{
		{
			title: "Tokens by kind", unit: tokensRate,
			about:   "Cached tokens are part of the input, reasoning is part of the output, so the lines do not add up. Output counts while streams run, the others count at their ends.",
			queries: []query{{expr: w.rate(outputTokens()), legend: "output"}, {expr: w.rate(others, "kind"), legend: "{{kind}}"}},
		},
		{
			title: "Input by model", look: stacked, unit: tokensRate,
			about:   "Input tokens a second. A jump without more requests is a prompt that grew.",
			queries: []query{{expr: w.rate(traffic("headway_tokens_total", `kind="input"`), "model"), legend: "{{model}}"}},
		},
		{
			title: "Output by model", look: stacked, unit: tokensRate,
			about:   "Output tokens a second, reasoning included, as they come.",
			queries: []query{{expr: w.rate(outputTokens(), "model"), legend: "{{model}}"}},
		},
	}
}

func tokenSizes(w writer) []panel {
	output := traffic("headway_tokens_total", `kind="output"`)
	ended := w.rate(traffic("headway_requests_total", `outcome="ok"`), "model")
	return []panel{
		w.tokensOfPrompts(),
		{
			title: "Output tokens for each answer", unit: plain,
			about:   "The mean length of an answer, by model. Longer answers take longer at the same TPOT.",
			queries: []query{{expr: share(w.rate(output, "model"), ended), legend: "{{model}}"}},
		},
		{
			title: "How sure the counts are", look: stacked, unit: ratio, share: true,
			about:   "Output tokens by source. reported is the provider's own count; counted and estimated are headway's, for streams that broke off or that report nothing.",
			queries: []query{{expr: w.rate(output, "source") + "\n/ on () group_left ()\n(" + w.rate(output) + " > 0)", legend: "{{source}}"}},
		},
	}
}

// tokensOfPrompts is a panel of the input, whose histogram has another name in each set of
// conventions.
func (w writer) tokensOfPrompts() panel {
	m := metric{name: "gen_ai_client_token_usage", matchers: ofGenAI + `,gen_ai_token_type="input"`}
	if w.SemConv == exporter.V01 {
		m = metric{name: "gen_ai_client_inference_operation_input_tokens", matchers: ofGenAI}
	}
	return panel{
		title: "Input tokens of a request", unit: plain, queries: w.quantiles(m),
		about: "Prompt sizes as providers reported them, beside applications. When the p99 grows, TTFT grows with it.",
	}
}

// promptCache shows what prompt caches gave, and why they did not give more.
func promptCache(w writer) []panel {
	reported := w.rate(traffic("headway_prompt_cache_tokens_total", `kind="reported"`), "model")
	return []panel{
		{
			title: "Prompt-cache hits", unit: ratio, share: true, blank: "no provider reports its cache",
			about:   "The share of input tokens that came from the provider's prompt cache, over the exchanges that report it. A model without reports has no line: that is not 0 %.",
			queries: []query{{expr: share(w.rate(traffic("headway_prompt_cache_tokens_total", `kind="hit"`), "model"), reported), legend: "{{model}}"}},
		},
		{
			title: "Requests that missed the cache", look: stacked, unit: perSecond, blank: "no prompt missed a cache that had it",
			about:   "Requests that go on with a conversation whose last prompt was in the cache. prefix_changed: the client sent the tools, the system prompt or an earlier message in another form. same_prefix: the client changed nothing; the provider or the engine had dropped it, or sent the request elsewhere.",
			queries: []query{{expr: w.rate(traffic("headway_prompt_cache_misses_total"), "cause", "changed"), legend: "{{cause}} {{changed}}"}},
		},
		{
			title: "Input lost to misses", unit: ratio, share: true, blank: "no prompt missed a cache that had it",
			about:   "The share of input tokens that the cache had held one request before, and that were read anew.",
			queries: []query{{expr: w.rate(traffic("headway_prompt_cache_lost_tokens_total"), "model", "cause") + "\n/ on (model) group_left ()\n(" + reported + " > 0)", legend: "{{cause}} {{model}}"}},
		},
	}
}

func tokenLosses(w writer) []panel {
	output := traffic("headway_tokens_total", `kind="output"`)
	return []panel{
		{
			title: "Reasoning", unit: ratio, share: true, blank: "no model reasons",
			about:   "The share of output tokens that is reasoning. They are paid for, and users wait for them.",
			queries: []query{{expr: share(w.rate(traffic("headway_tokens_total", `kind="reasoning"`), "model"), w.rate(output, "model")), legend: "{{model}}"}},
		},
		{
			title: "Delivered and undelivered", look: stacked, unit: tokensRate,
			about:   "Output tokens of streams that reached the client, and those that it left before they arrived: the latter were paid for, and nobody read them.",
			queries: []query{{expr: w.rate(traffic("headway_tokens_delivered_total"), "state"), legend: "{{state}}"}},
		},
	}
}

// tokenCosts shows money an hour, by the prices that the user wrote.
func tokenCosts(w writer) []panel {
	const none = "headway has no price file: HEADWAY_PRICE_FILE"
	hourly := func(m metric, labels ...string) string { return "3600 * " + w.rate(m, labels...) }
	all, wasted := traffic("headway_cost_total"), traffic("headway_chain_wasted_cost_total")
	return []panel{
		{
			title: "Cost by model", look: stacked, unit: hour, blank: none,
			about:   "What an hour at this pace costs, by the prices of HEADWAY_PRICE_FILE.",
			queries: []query{{expr: hourly(all, "currency", "model"), legend: "{{model}} {{currency}}"}},
		},
		{
			title: "Cost by kind", look: stacked, unit: hour, blank: none,
			about:   "The same, by the kind of token. Here, unlike above, each token has one kind: input leaves cached tokens out.",
			queries: []query{{expr: hourly(all, "currency", "kind"), legend: "{{kind}} {{currency}}"}},
		},
		{
			title: "Output billed, generated and delivered", unit: hour, blank: none,
			about:   "Output as the provider counts it, as it came in responses, and as far as it reached clients. Between the first two lies hidden reasoning, between the last two what clients left behind.",
			queries: []query{{expr: hourly(traffic("headway_output_cost_total"), "currency", "tokens"), legend: "{{tokens}} {{currency}}"}},
		},
		{
			title: "Cost wasted", look: stacked, unit: hour, blank: "nothing was wasted, or headway has no price file",
			about:   "The cost of attempts without a good end, by what broke them.",
			queries: []query{{expr: hourly(wasted, "cause", "currency"), legend: "{{cause}} {{currency}}"}},
		},
		{
			title: "Exchanges without a cost", unit: perSecond, blank: "every exchange has a cost, or headway has no price file",
			about:   "no_price: the file has no price of the model, or of a kind of token. no_tokens: nobody knows how many there were. The panels beside this one lack their cost.",
			queries: []query{{expr: w.rate(traffic("headway_unpriced_total"), "reason", "model"), legend: "{{reason}} {{model}}"}},
		},
	}
}
