package dashboards

// itself is the dashboard of headway's own cost and health.
func itself(w writer) board {
	return board{
		uid: "headway-itself", title: "headway itself",
		about:     "What the sidecar costs, and whether it sees everything.",
		variables: []variable{byNamespace(), byPod(), byModel()},
		rows: []row{
			{title: "What it costs the traffic", panels: itselfOverhead(w)},
			{title: "What it costs the machine", panels: itselfMachine()},
			{title: "What it could not measure", panels: itselfBlind(w)},
			{title: "What it could not deliver", panels: itselfDelivery()},
		},
	}
}

// ours narrows a metric that every program has to headway's processes.
func ours(expr string) string {
	return expr + "\nand on (job, instance, namespace, pod) " + process("headway_build_info").gauge()
}

func itselfOverhead(w writer) []panel {
	overhead := traffic("headway_proxy_overhead_seconds")
	return []panel{
		{
			title: "Overhead p99 by phase", unit: seconds, log: true,
			about:   "Time that headway itself adds before the request and the first chunk go on, and its work for a chunk after that went on. Normal are microseconds; milliseconds mean too little CPU.",
			queries: []query{{expr: w.quantile(0.99, overhead, "phase"), legend: "{{phase}}"}},
		},
		{
			title: "Overhead, mean", unit: seconds, log: true,
			about:   "The same as a mean.",
			queries: []query{{expr: w.mean(overhead, "phase"), legend: "{{phase}}"}},
		},
		{
			title: "New connections by mode", look: stacked, unit: each,
			about:   "How clients reach headway. sealed is TLS that headway only times; raw and upgraded it cannot read.",
			queries: []query{{expr: rate(process("headway_connections_total"), "mode"), legend: "{{mode}}"}},
		},
	}
}

func itselfMachine() []panel {
	cpu := "rate(" + process("process_cpu_seconds_total").selector("") + window + ")"
	resident := process("process_resident_memory_bytes").gauge()
	files := process("process_open_fds").gauge() + "\n/ " + process("process_max_fds").gauge()
	return []panel{
		{
			title: "CPU", unit: plain,
			about:   "Cores in use, of the ten hungriest sidecars.",
			queries: []query{{expr: "topk(10, " + ours(cpu) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "Memory", unit: bytesUnit,
			about:   "Resident memory of the ten largest sidecars.",
			queries: []query{{expr: "topk(10, " + ours(resident) + ")", legend: "{{pod}} {{instance}}"}},
		},
		{
			title: "File descriptors in use", unit: ratio, share: true,
			about:   "The share of the limit of descriptors. Near 1 new clients wait, which Refusals counts.",
			queries: []query{{expr: "topk(10, " + ours(files) + ")", legend: "{{pod}} {{instance}}"}},
		},
	}
}

func itselfBlind(w writer) []panel {
	return []panel{
		{
			title: "Requests that nothing reads", look: stacked, unit: perSecond, blank: "every request was read",
			about:   "Exchanges whose API no dialect reads, by a template of their path. They are forwarded, and have no tokens.",
			queries: []query{{expr: w.rate(traffic("headway_unread_requests_total"), "path_class"), legend: "{{path_class}}"}},
		},
		{
			title: "Decoders given up", look: stacked, unit: each, blank: "none was given up",
			about:   "Decoders that were taken off their exchange. The exchange went on, and its measurements end there.",
			queries: []query{{expr: rate(process("headway_decoder_detached_total"), "reason"), legend: "{{reason}}"}},
		},
		{
			title: "Series in use", unit: ratio, share: true,
			about: "The share of the bound of series (HEADWAY_MAX_SERIES). At 1 new models and upstreams count as _other.",
			queries: []query{
				{expr: highest(process("headway_series").gauge() + "\n/ " + process("headway_series_limit").gauge()), legend: "fullest sidecar"},
			},
		},
	}
}

func itselfDelivery() []panel {
	return []panel{
		{
			title: "Telemetry lost", look: stacked, unit: each, blank: "nothing was lost",
			about:   "Capture lines, spans and data points that headway dropped, because the disk or the collector did not take them in time.",
			queries: []query{{expr: rate(process("headway_export_dropped_total"), "signal"), legend: "{{signal}}"}},
		},
		{
			title: "Waiting for the collector", look: stacked, unit: bytesUnit, blank: "nothing is exported",
			about:   "Bytes that wait to be sent, by signal. A slope is a collector that is away.",
			queries: []query{{expr: sum(process("headway_export_queue_bytes").gauge(), "signal"), legend: "{{signal}}"}},
		},
		{
			title: "Refusals and folds", unit: each, look: stacked,
			about: "Clients that waited for a descriptor, requests that would have gone in a circle, and samples that counted as _other because series ran out. All should be 0.",
			queries: []query{
				{expr: rate(process("headway_accept_waits_total")), legend: "waits for descriptors"},
				{expr: rate(process("headway_loops_total")), legend: "loops"},
				{expr: rate(process("headway_series_folded_total")), legend: "folded into _other"},
			},
		},
		{
			title: "Configuration refused", look: figure, unit: plain, steps: good(1, 1), about: "Sidecars whose newest configuration file was refused and which go on with the old one. Their log says why.",
			queries: []query{{expr: "count(" + process("headway_config_last_reload_successful").gauge() + " == 0) or vector(0)"}},
		},
	}
}
