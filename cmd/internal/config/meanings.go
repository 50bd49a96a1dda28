package config

// group has the meanings of variables that belong together.
type group struct {
	name     string
	meanings []meaning
}

// meaning documents the variable of one field of Config, which has the same key.
type meaning struct {
	key   string
	text  string
	pages []string // of docs
}

// meanings returns the meaning of each variable, in the order of the fields of Config.
// `headway run -h` and docs/configuration.md print the meanings. A longer explanation
// belongs under the tables of that page.
func meanings() []group {
	return []group{
		{"Where traffic comes from and goes to", []meaning{
			{"LISTEN", "address of the port that the application's base URL points to", nil},
			{"UPSTREAM", "URL of the upstream for every path without a route of its own: `https://api.openai.com`, say. A path in it goes before the path of every request", nil},
			{"ROUTES", "more upstreams, by path prefix: `/anthropic=https://api.anthropic.com,/local=http://127.0.0.1:8000`. " +
				"The longest prefix that matches wins, and headway strips it", nil},
			{"TRANSPARENT_LISTEN", "address of the port where the connections arrive that the packet filter redirects: `[::]:8482`, say. " +
				"With it, headway needs no upstream", []string{"transparent.md", "redirect.md"}},
			{"SEALED_TLS", "in transparent mode, time TLS by its records; `false` lets TLS pass without a look", nil},
			{"PROXY_PROTOCOL", "every connection to `HEADWAY_LISTEN` begins with a PROXY header, version 1 or 2, which headway takes off", nil},
			{"REQUEST_HEADER_TIMEOUT", "limit from the first byte of a request's head to its end, and of a response's head, too; `0` never cuts. A connection may be idle", nil},
		}},
		{"Upstream connections", []meaning{
			{"CONNECT_TIMEOUT", "limit for opening an upstream connection, TLS included; `0` waits as long as the system does", nil},
			{"HEADER_TIMEOUT", "limit from the end of the request to the head of the response; `0` never cuts", nil},
			{"IDLE_TIMEOUT", "limit for silence inside a response; `0` never cuts: a sidecar must not end a stream that the provider keeps open", nil},
			{"PREWARM", "connections that headway opens to each upstream before the first request", nil},
		}},
		{"Admin port", []meaning{
			{"ADMIN_LISTEN", "address of the port for metrics and health, and, for clients on loopback, profiles", nil},
			{"ADMIN_WEB_CONFIG", "file with TLS and basic authentication for the admin port, in the format of Prometheus exporters. " +
				"headway reads it again when it changes. It refuses a wrong version, or one that turns protection off, and keeps the one before in force", nil},
			{"ADMIN_HOSTS", "more host names by which clients ask the admin port, separated by commas: `metrics.example.com`, say. " +
				"Addresses, and names that the public DNS cannot hold, need no entry", nil},
		}},
		measurements(),
		{"Traces and metrics for a collector", []meaning{
			{"TRACE_RATIO", "share of unremarkable exchanges that become traces. Errors, missed SLOs, retried calls, stalls and the slowest always do",
				[]string{"opentelemetry.md"}},
			{"PROPAGATE", "`inject` names headway's span to upstreams, in `traceparent` or the client's B3 fields; `off` lets requests pass as they came", nil},
			{"SPOOL_DIR", "directory, which must exist, where OTLP waits on disk while the collector is away. " +
				"Without it, OTLP waits in memory, up to 16 MiB for each signal. One process at a time may use the directory", nil},
			{"SPOOL_MAX_BYTES", "limit of the spool, at least `1MiB`: seven eighths of it for traces, the rest for metrics. " +
				"Beyond it headway drops the oldest, and counts them", nil},
			{"POD_NAME", "name of the pod, from the downward API: `k8s.pod.name` of the exported resource", nil},
			{"POD_UID", "uid of the pod, from the downward API: `k8s.pod.uid` and `service.instance.id`", nil},
			{"POD_NAMESPACE", "namespace of the pod, from the downward API: `k8s.namespace.name`", nil},
			{"NODE_NAME", "node of the pod, from the downward API: `k8s.node.name`", nil},
		}},
		{"The end", []meaning{
			{"DRAIN_DELAY", "time after SIGTERM in which headway still serves new requests, while endpoints change. " +
				"Beside the application, it ends once the application keeps no connection", []string{"lifecycle.md"}},
			{"DRAIN_TIMEOUT", "time after SIGTERM in which running exchanges may finish, the delay included. " +
				"headway cuts the rest and records them as `drained`", nil},
			{"SCRAPE_WAIT", "longest time that headway waits at the end for a scraper, if nobody has read the last numbers", nil},
		}},
		{"Log", []meaning{
			{"LOG_LEVEL", "least level of a line: `debug`, `info`, `warn` or `error`", nil},
			{"LOG_FORMAT", "`json` or `text`; without it, text on a terminal and JSON otherwise", nil},
		}},
		{"This environment itself", []meaning{
			{"ALLOW_UNKNOWN", "`true` warns of `HEADWAY_` variables that headway does not know, in place of refusing to start: " +
				"for a configuration that serves several versions of headway", nil},
		}},
	}
}

// measurements returns the group of the variables that say what headway measures.
func measurements() group {
	return group{"Measurements", []meaning{
		{"ROLE", "`client` beside the application (`gen_ai_client_*` metrics), `server` beside the model server (`gen_ai_server_*`)", nil},
		{"HISTOGRAMS", "kind of histograms for Prometheus: `classic`, `native` or `both`", nil},
		{"SEMCONV", "names of the `gen_ai` metrics and attributes: `v1.41`, `v0.1` of semantic-conventions-genai, or `dup` for both. `latest` is `v0.1`", nil},
		{"MAX_MODELS", "models with a label of their own; one that answers takes the place of one that never did, and further models share `_other`", []string{"metrics.md"}},
		{"MAX_UPSTREAMS", "upstreams with a label of their own; further upstreams share `_other`. In transparent mode the application names them", nil},
		{"MAX_WINDOWS", "memory for the windows of all compressed responses together. headway reads a response no further whose window does not fit", []string{"definitions.md"}},
		{"MAX_SERIES", "series of metrics that may exist, a histogram counted as one; `0` derives it from the memory limit: some 2,700 in 128 MiB, 20,000 without a limit. " +
			"Exchanges beyond it count in the series of `_other`", []string{"metrics.md"}},
		{"LABELS", "labels from the fields of requests, for metrics, spans and captures: `tenant=header:X-Tenant,team=header:X-Team`, or `key=hash:Authorization` for a keyed hash of a secret", []string{"tenants.md"}},
		{"LABEL_KEY_FILE", "file with the key of labels that are hashes, 16 bytes or more, which all pods must share; without it every process makes a key of its own", []string{"tenants.md"}},
		{"MAX_TENANTS", "combinations of the values of `HEADWAY_LABELS` with labels of their own; further ones share `_other`", []string{"tenants.md"}},
		{"LIMIT_HEADERS", "more fields in which a request may set a limit for itself, in milliseconds: `ttft=X-TTFT-Limit-Ms,e2e=X-Deadline-Ms`. headway knows those of llm-d and of the Gateway API Inference Extension; " +
			"with `off` it reads none", []string{"slos.md"}},
		{"CAPTURE_FILE", "file to which headway appends one JSON line an exchange: timings and counts, never content. " +
			"headway puts it aside at 64 MiB, as `.1` to `.3`", []string{"capture.md"}},
		{"SLO_FILE", "file with the objectives by which headway judges exchanges. headway reads it again on SIGHUP and when it changes. " +
			"It refuses a wrong version and keeps the one before in force", []string{"slos.md"}},
		{"PRICE_FILE", "file with the prices by which headway says what exchanges cost. headway reads it again on SIGHUP and when it changes. " +
			"It refuses a wrong version and keeps the one before in force", []string{"cost.md"}},
		{"BASELINE_FILE", "file of a load test, from `headway baseline import`, with which headway compares canaries and production. headway reads it again on SIGHUP and when it changes. " +
			"It refuses a wrong version and keeps the one before in force", []string{"drift.md"}},
		{"PROBE_FILE", "file with the canaries that headway sends. headway reads it again on SIGHUP and when it changes. " +
			"It refuses a wrong version and keeps the one before in force", []string{"canaries.md"}},
		{"PROBE_LEASE", "which of several processes sends the canaries: in a Kubernetes cluster the one that holds a Lease. `auto` names the Lease by the targets, " +
			"`namespace/name` is another one, and with `off` every process sends", []string{"canaries.md"}},
		{"STATE_DIR", "directory, which must exist, for the error budgets and what the detectors of drift have seen: there they survive a restart", nil},
	}}
}
