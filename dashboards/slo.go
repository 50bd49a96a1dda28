package dashboards

import "fmt"

// badShare is the share of judged requests that were bad over a window of PromQL, by SLO. With
// Recorded it takes the mean of recorded rates.
func (w writer) badShare(over string) string {
	increase := func(matchers ...string) string {
		m := judged("headway_slo_requests_total", matchers...)
		if w.Recorded {
			return sum(fmt.Sprintf("avg_over_time(%s[%s])", recorded(m).selector(recordedRate), over), "slo")
		}
		return sum(fmt.Sprintf("increase(%s[%s])", m.selector(""), over), "slo")
	}
	return share(increase(`verdict="bad"`), increase())
}

// allowed is the share of bad requests that an SLO allows.
func allowed() string {
	return "(1 - " + highest(promised("headway_slo_objective_ratio").gauge(), "slo") + ")"
}

// burning is how many times faster than allowed the budget burned over a window. With
// Recorded it is what the rules of headway rules have recorded.
func (w writer) burning(over string) string {
	if w.Recorded {
		return fmt.Sprintf(`max by (slo) (headway_slo:burn_rate:ratio{slo=~"$slo",window=%q})`, over)
	}
	return w.badShare(over) + "\n/ " + allowed()
}

// objectives is the dashboard of SLOs.
func objectives(w writer) board {
	return board{
		uid: "headway-slo", title: "SLO & goodput",
		about:     "Which promises hold, how fast their budgets burn, and what a tighter or looser limit would have meant.",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), bySLO()},
		rows: []row{
			{height: 5, panels: sloFigures(w)},
			{title: "Budget", panels: sloBudget(w)},
			{title: "Goodput", panels: sloGoodput(w)},
			{title: "What went wrong", panels: sloMissed(w)},
			{title: "Limits that requests bring", panels: sloOwn(w)},
			{title: "Other limits", panels: sloRetro(w)},
		},
	}
}

func sloFigures(w writer) []panel {
	return []panel{
		{title: "Promised", look: figure, unit: ratio, about: "The share of good requests that each SLO promises.", queries: []query{{expr: highest(promised("headway_slo_objective_ratio").gauge(), "slo"), legend: "{{slo}}"}}},
		{title: "Kept, over the time shown", look: figure, unit: ratio, about: "The share of good requests in the time range of the page. Compare it with the promise.", queries: []query{{expr: "1 - " + w.badShare("$__range"), legend: "{{slo}}", now: true}}},
		{title: "Budget left, over the SLO's window", look: figure, unit: ratio, steps: needed(0, 0.25), about: "What is left of the error budget, as the rules of headway rules record it. Below 0 the promise is broken. No data: load the rules.", queries: []query{{expr: `min by (slo) (headway_slo:budget_remaining:ratio{slo=~"$slo"})`, legend: "{{slo}}"}}},
		{title: "Burn rate, last hour", look: figure, unit: times, steps: good(1, 14.4), about: "How many times faster than allowed the budget burned in the last hour. 14.4 pages; at 1 it lasts exactly the window.", queries: []query{{expr: w.burning("1h"), legend: "{{slo}}"}}},
	}
}

func sloBudget(w writer) []panel {
	return []panel{
		{
			title: "Burn rate", unit: times, steps: []step{{14.4, "red"}},
			about:   "The burn rate over five minutes shows when trouble began, over an hour how bad it was. Both above 14.4 page somebody.",
			queries: []query{{expr: w.burning("5m"), legend: "{{slo}} 5 min"}, {expr: w.burning("1h"), legend: "{{slo}} 1 h"}},
		},
		{
			title: "Burn rate, as alerts see it", unit: times, steps: []step{{14.4, "red"}},
			about:   "The recorded burn rates from which the alerts are made, by window. No data: load the rules of headway rules.",
			queries: []query{{expr: `max by (slo, window) (headway_slo:burn_rate:ratio{slo=~"$slo"})`, legend: "{{slo}} {{window}}"}},
		},
		{
			title: "Budget left", unit: ratio, debt: true,
			about:   "The error budget over the SLO's window, as the rules record it: 1 is untouched, 0 is spent.",
			queries: []query{{expr: `min by (slo) (headway_slo:budget_remaining:ratio{slo=~"$slo"})`, legend: "{{slo}}"}},
		},
	}
}

func sloGoodput(w writer) []panel {
	return []panel{
		{
			title: "Goodput ratio", unit: ratio, share: true,
			about:   "The share of judged requests that kept every objective. Refused and failed requests count as bad.",
			queries: []query{{expr: w.goodShare("slo"), legend: "{{slo}}"}, {expr: highest(promised("headway_slo_objective_ratio").gauge(), "slo"), legend: "{{slo}} promises"}},
		},
		{
			title: "Token goodput", unit: tokensRate, look: stacked,
			about:   "Output tokens a second of requests that kept the SLO, and of those that did not: the bad ones were paid for as well.",
			queries: []query{{expr: w.rate(judged("headway_slo_tokens_total"), "slo", "verdict"), legend: "{{slo}} {{verdict}}"}},
		},
		{
			title: "Tokens on time", unit: ratio, share: true,
			about: "Smooth token goodput: the share of tokens that came by the deadline of a reader at a steady pace. It needs limits of TTFT and TPOT.",
			queries: []query{{
				expr:   share(w.rate(promised("headway_slo_tokens_on_time_total"), "slo"), w.rate(promised("headway_slo_tokens_timed_total"), "slo")),
				legend: "{{slo}}",
			}},
		},
	}
}

func sloMissed(w writer) []panel {
	return []panel{
		{
			title: "Missed objectives", look: stacked, unit: perSecond, blank: "nothing was missed",
			about:   "Every objective that a bad request missed; a request may miss several. error is a request without an answer.",
			queries: []query{{expr: w.rate(judged("headway_slo_missed_total"), "slo", "indicator"), legend: "{{slo}} {{indicator}}"}},
		},
		{
			title: "Bad requests by their first miss", look: stacked, unit: perSecond, blank: "nothing was missed",
			about:   "Each bad request once, by the first objective that it missed.",
			queries: []query{{expr: w.rate(judged("headway_slo_requests_total", `verdict="bad"`), "slo", "missed"), legend: "{{slo}} {{missed}}"}},
		},
		{
			title: "Worst models and upstreams", look: list, blank: "nothing was judged",
			about: "Where the bad requests come from: the model and upstream with the lowest share of good requests stands first.",
			queries: []query{
				{expr: "1 - " + w.goodShare("slo", "model", "upstream"), legend: "bad", unit: ratio},
				{expr: w.rate(judged("headway_slo_requests_total"), "slo", "model", "upstream"), legend: "judged", unit: perSecond},
			},
		},
	}
}

// sloOwn asks how requests went by the limits in their own heads.
func sloOwn(w writer) []panel {
	limited := traffic("headway_limited_requests_total")
	return []panel{
		{
			title: "Kept their own limits", unit: ratio, share: true,
			about:   "Requests that brought limits, such as x-llm-d-slo-ttft-ms: the share that kept all of them and did not fail. No data: no request brings any.",
			queries: []query{{expr: share(w.rate(traffic("headway_limited_requests_total", `verdict="good"`), "model"), w.rate(limited, "model")), legend: "{{model}}"}},
		},
		{
			title: "Their limits by verdict", look: stacked, unit: perSecond,
			about:   "Each limit once. unjudged is a limit on something that the answer does not have, or whose client left in time.",
			queries: []query{{expr: w.rate(traffic("headway_request_limits_total"), "indicator", "verdict"), legend: "{{indicator}} {{verdict}}"}},
		},
	}
}

// sloRetro asks how other limits would have gone.
func sloRetro(w writer) []panel {
	var ttft, itl []query
	for _, bound := range []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10} {
		ttft = append(ttft, query{expr: w.within(bound, w.ttft()), legend: number(bound) + " s"})
	}
	for _, bound := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		itl = append(itl, query{expr: w.within(bound, traffic("headway_inter_token_latency_seconds")), legend: number(bound*1000) + " ms"})
	}
	return []panel{
		{title: "If the limit of TTFT were …", unit: ratio, share: true, queries: ttft, about: "The share of streams whose first token came within each time. A line that stays above your objective is a limit that you could promise."},
		{title: "If the limit of ITL were …", unit: ratio, share: true, queries: itl, about: "The share of tokens that came within each time after the one before."},
		{look: note, title: "What is a good request?", about: "A request is **good** if it met every objective of its SLO. Refused, failed and timed-out requests are bad. " +
			"A client that left before a limit had passed counts neither way.\n\n**Burn rate** is the share of bad requests ÷ the share that the SLO allows. " +
			"At 1 the budget lasts exactly its window.\n\nCaptures answer the same question exactly, request by request: `headway slo suggest`."},
	}
}
