// Package exportertest makes a running program for the tests of backends that read one.
package exportertest

import (
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Live has a value for every instrument that reads the running program.
func Live() exporter.Live {
	l := traffic()
	judged(&l)
	return l
}

// traffic is what a program tells of its traffic and of itself.
func traffic() exporter.Live {
	return exporter.Live{
		Build: exporter.Build{Version: "v1.2.3", Revision: "0123456789ab", Go: "go1.26.0"},
		InFlight: func() []exchange.InFlight {
			return []exchange.InFlight{{Operation: exchange.Chat, Model: "gpt-4o-mini", Upstream: "api.openai.com:443", Requests: 2, Streams: 1}}
		},
		Silent: func() []exchange.Silent {
			return []exchange.Silent{{
				Operation: exchange.Chat, Model: "gpt-4o-mini", Upstream: "api.openai.com:443", Phase: exchange.MidStream, For: [4]int{3, 2, 1, 0},
			}}
		},
		Buffering: func() []exchange.Buffering {
			return []exchange.Buffering{{Operation: exchange.Chat, Model: "gpt-4o-mini", Upstream: "api.openai.com:443", Streams: 8, Buffered: 2}}
		},
		Connections: counts(map[string]uint64{"explicit": 3}),
		Detached:    counts(map[string]uint64{"overflow": 0, "panic": 0, "slow": 1}),
		Queued:      counts(map[string]uint64{"traces": 0}),
		Dropped:     counts(map[string]uint64{"capture": 0}),
		Series: func() exporter.SeriesUse {
			return exporter.SeriesUse{Present: 70, Limit: 10000, Folded: 6, Released: 5}
		},

		CaptureReopened: func() uint64 { return 2 },

		ChainsOpen:    func() int { return 4 },
		ChainsEvicted: func() uint64 { return 0 },
		TurnsOpen:     func() int { return 6 },
		TurnsEvicted:  func() uint64 { return 0 },
		NamesShared:   func() uint64 { return 0 },
		AcceptWaits:   func() uint64 { return 0 },
		Loops:         func() uint64 { return 3 },
		Reloaded:      func() bool { return true },
	}
}

// judged adds what a program tells of its SLOs, its load test and its probes.
func judged(l *exporter.Live) {
	l.Drift = func() []exporter.Drift {
		return []exporter.Drift{
			{Source: "canary", Probe: "chat", Model: "gpt-4o-mini", Indicator: "ttft", Compared: true, Ratio: 1.31, ReturnPeriod: 41 * 86400, Alarm: true},
			{Source: "production", Model: "gpt-4o-mini", Indicator: "e2e"},
		}
	}
	l.Tested = func() []exporter.Tested {
		return []exporter.Tested{{Cell: "gpt-4o-mini/in512/out128/c16", Indicator: "ttft", Share: .95, Seconds: .62}}
	}
	l.Headroom = func() []exporter.Headroom {
		return []exporter.Headroom{{Model: "gpt-4o-mini", SLO: "interactive", Ratio: 2.5}}
	}
	l.Scaling = func() []exporter.Scaling { return []exporter.Scaling{{Model: "gpt-4o-mini", Ratio: .75}} }
	l.ProbeRuns = func() []exporter.ProbeRuns {
		return []exporter.ProbeRuns{{
			Probe: "chat-short", Via: "sidecar", Outcome: "ok", Operation: exchange.Chat, Model: "gpt-4o-mini",
			Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443}, Runs: 7,
		}}
	}
	l.ProbeLeader = func() bool { return true }
	l.ProbeSuccesses = func() []exporter.ProbeSuccess {
		return []exporter.ProbeSuccess{{Probe: "chat-short", Via: "sidecar", At: time.Unix(1764500000, 0)}}
	}

	l.SLOs = func() []exporter.SLO {
		return []exporter.SLO{{
			Name: "interactive", Objective: .99, Timed: 4, OnTime: 3,
			Limits: []exporter.Limit{{Indicator: exchange.TTFT, Limit: 200 * time.Millisecond}},
		}}
	}
}

func counts(of map[string]uint64) func() map[string]uint64 {
	return func() map[string]uint64 { return of }
}
