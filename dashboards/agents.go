package dashboards

// agents is the dashboard of turns: what agents did for one message of their humans.
func agents(w writer) board {
	return board{
		uid: "headway-agents", title: "Agents",
		about:     "How long users of agents wait for a turn, and how much of that is the model, and how much the tools.",
		variables: []variable{byNamespace(), byPod(), byModel(), bySLO()},
		rows: []row{
			{title: "Turns", panels: agentTurns(w)},
			{title: "Where the time goes", panels: agentTime(w)},
			{title: "Calls", panels: agentCalls(w)},
		},
	}
}

// part is the time of answered turns that is of that part.
func part(name string) metric {
	return traffic("headway_turn_seconds", `part="`+name+`"`, `outcome="answered"`)
}

func agentTurns(w writer) []panel {
	return []panel{
		{
			title: "Turns by how they ended", look: stacked, unit: perSecond,
			about:   "A turn is all that happens between a human's message and the answer without tool calls. abandoned: the client left, or brought no results of its tools.",
			queries: []query{{expr: w.rate(traffic("headway_turns_total"), "outcome"), legend: "{{outcome}}"}},
		},
		{
			title: "Time of a turn", unit: seconds, limit: "e2e",
			about:   "From the first request of a turn to the end of its last response, tools included, of turns that were answered: what the user waited.",
			queries: w.quantiles(part("all")),
		},
		{
			title: "Time to the first answer token", unit: seconds, limit: "ttfa",
			about:   "From the first request of a turn to the first token of the response that ended it, of streams.",
			queries: w.quantiles(traffic("headway_turn_time_to_first_answer_seconds")),
		},
	}
}

func agentTime(w writer) []panel {
	return []panel{
		{
			title: "Model and tools (mean)", look: stacked, unit: seconds,
			about: "The mean time of a turn in which models answered, and the time in which tools ran and no model did, for turns that have such a time.",
			queries: []query{
				{expr: w.mean(part("model")), legend: "model"},
				{expr: w.mean(part("tool")), legend: "tools"},
			},
		},
		{
			title: "Model time of a turn (p95)", unit: seconds,
			about:   "The slow twentieth of each model's turns, without their tools.",
			queries: []query{{expr: w.quantile(0.95, part("model"), "model"), legend: "{{model}}"}},
		},
		{
			title: "Time of humans (p50)", unit: seconds, blank: "no session had a second turn",
			about:   "How long people take between the end of a turn and their next message.",
			queries: []query{{expr: w.quantile(0.5, part("human")), legend: "between turns"}},
		},
	}
}

func agentCalls(w writer) []panel {
	return []panel{
		{
			title: "Calls of models for each turn", unit: plain,
			about:   "The mean number of calls in a turn, by the model of its last one. Attempts of one call count once. A rise at the same questions is an agent that goes in circles.",
			queries: []query{{expr: w.mean(traffic("headway_turn_calls"), "model"), legend: "{{model}}"}},
		},
		{
			title: "Open turns", unit: plain,
			about:   "Turns with an exchange under way, or that wait for the results of tools.",
			queries: []query{{expr: sum(process("headway_turns_open").gauge()), legend: "open"}},
		},
		{
			title: "Turns that headway lost sight of", look: stacked, unit: perSecond, blank: "none",
			about: "Turns that were ended for want of room, and names of sessions that turned out to be a whole fleet's: their exchanges are joined by other evidence.",
			queries: []query{
				{expr: w.rate(process("headway_turn_evicted_total")), legend: "ended for want of room"},
				{expr: w.rate(process("headway_session_names_shared_total")), legend: "shared names"},
			},
		},
	}
}
