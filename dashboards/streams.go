package dashboards

// streams is the dashboard of how answers flow.
func streams(w writer) board {
	return board{
		uid: "headway-streams", title: "Streams",
		about:     "How answers begin, flow and stall, and whose fault a pause is.",
		variables: []variable{byNamespace(), byPod(), byModel(), byRole(), bySLO()},
		rows: []row{
			{title: "Distributions", height: 9, panels: []panel{
				{title: "TTFT", look: heat, unit: seconds, queries: []query{w.heat(w.ttft())}, about: "Each column is the streams of one moment by their TTFT. Two bands are two kinds of requests: cached and uncached prompts, say."},
				{title: "ITL", look: heat, unit: seconds, queries: []query{w.heat(traffic("headway_inter_token_latency_seconds"))}, about: "Each column is the tokens of one moment by the time since the one before. A band far above the others is a pause that many streams share."},
			}},
			{title: "The beginning", panels: streamsBeginning(w)},
			{title: "Silence", panels: streamsSilence(w)},
			{title: "Pauses", panels: streamsPauses(w)},
			{title: "Chunks", panels: streamsChunks(w)},
		},
	}
}

func streamsBeginning(w writer) []panel {
	return []panel{
		{
			title: "First event, first token, first answer (p50)", unit: seconds,
			about: "Between the first event and the first token the server queues and reads the prompt; between token and answer the model thinks.",
			queries: []query{
				{expr: w.quantile(0.5, traffic("headway_time_to_first_event_seconds")), legend: "first event"},
				{expr: w.quantile(0.5, w.ttft()), legend: "first token"},
				{expr: w.quantile(0.5, traffic("headway_time_to_first_answer_seconds")), legend: "first answer token"},
			},
		},
		{
			title: "TTFT by model (p95)", unit: seconds, limit: "ttft",
			about:   "The slow twentieth of each model. Points lead to traces.",
			queries: []query{{expr: w.quantile(0.95, w.ttft(), "gen_ai_request_model"), legend: "{{gen_ai_request_model}}", exemplars: true}},
		},
		{
			title: "Ended without a token", look: stacked, unit: perSecond, blank: "every answer had a token",
			about:   "Exchanges of a generating operation in which no token came, by how they ended. empty is a stream that ended well with nothing in it.",
			queries: []query{{expr: w.rate(traffic("headway_no_first_token_total"), "reason"), legend: "{{reason}}"}},
		},
	}
}

func streamsSilence(w writer) []panel {
	return []panel{
		{
			title: "Streams that are silent now", unit: plain,
			about:   "Open streams that have brought no content for so long or longer. One that is silent for 70 s is in the lines of 10s, 30s and 60s. Before the first token a model may think; in the middle of a stream it has stopped.",
			queries: []query{{expr: sum(traffic("headway_streams_silent").gauge(), "phase", "age"), legend: "{{phase}} {{age}}"}},
		},
		{
			title: "Silences that ended", look: stacked, unit: each, blank: "no silence of 10 s",
			about:   "Times of 10 s or longer without content, when each ended: resumed went on, the client left in client_gone, and cut is any other end. A silence that is not over is in the picture beside this one.",
			queries: []query{{expr: w.rate(traffic("headway_silences_total"), "ended"), legend: "{{ended}}"}},
		},
		{
			title: "Length of silences (p95)", unit: seconds, blank: "no silence of 10 s",
			about:   "How long they were, by how they ended. A timeout between resumed and the others cuts few good streams.",
			queries: []query{{expr: w.quantile(0.95, traffic("headway_silence_seconds"), "ended"), legend: "{{ended}}"}},
		},
	}
}

func streamsPauses(w writer) []panel {
	stall := traffic("headway_stall_seconds")
	return []panel{
		{
			title: "Streams that stalled for a second", unit: ratio, blank: "no streams",
			about:   "The share of streams with a wait of more than a second inside, by who made it wait: the upstream, headway, or a client that reads slowly.",
			queries: []query{{expr: w.beyond(1, stall, "by"), legend: "{{by}}"}},
		},
		{
			title: "Longest stall (p95)", unit: seconds, limit: "stall",
			about:   "The longest wait inside a stream, by who caused it. proxy above a millisecond means that headway's host has too little CPU.",
			queries: []query{{expr: w.quantile(0.95, stall, "by"), legend: "{{by}}", exemplars: true}},
		},
		{
			title: "Streams out of a buffer", unit: ratio, share: true,
			about:   "The share of streams whose gaps are those of a buffer between the model and headway. Near 1, a proxy on the way collects chunks: ITL then tells of the proxy, not of the model.",
			queries: []query{{expr: highest(traffic("headway_upstream_buffering").gauge(), "model", "upstream"), legend: "{{model}} {{upstream}}"}},
		},
	}
}

func streamsChunks(w writer) []panel {
	return []panel{
		{
			title: "Tokens per chunk", unit: plain,
			about:   "The mean number of tokens in a chunk. More than one is speculative decoding, or a server that sends in batches.",
			queries: []query{{expr: w.mean(traffic("headway_tokens_per_chunk"), "model"), legend: "{{model}}"}},
		},
		{
			title: "ITL by model (p99)", unit: seconds, limit: "itl_p99",
			about:   "The slow hundredth of each model's tokens.",
			queries: []query{{expr: w.quantile(0.99, traffic("headway_inter_token_latency_seconds"), "model"), legend: "{{model}}", exemplars: true}},
		},
		{
			title: "Streams in flight", look: stacked, unit: plain,
			about:   "Streams that are open now, by model.",
			queries: []query{{expr: byModelNow("headway_streams_in_flight"), legend: "{{model}}"}},
		},
	}
}
