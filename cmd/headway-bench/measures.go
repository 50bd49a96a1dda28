package main

import (
	"math"
	"time"
)

// measure is one line of the report.
type measure struct {
	name     string
	unit     string
	scenario string
	// value computes the value of a target from its result and the result of direct in the same round,
	// which is nil when the run does not measure direct. NaN stands for no value.
	value func(r, direct *loadResult) float64
	// compared adds the ratio to the value of another target; limit is then a limit on the ratio.
	compared bool
	// against names that other target; empty stands for nginx.
	against string
	// only names the targets with a value in this line; empty stands for all.
	only []string
	// limit is the largest value, or ratio, that headway may have; nil is none.
	limit *float64
}

// measures lists the lines of the report, in order.
func measures() []measure {
	return append([]measure{
		{name: "CPU per event", unit: "µs", scenario: "events", value: perEvent, limit: new(1.3), compared: true},
		{name: "CPU per event, tracked", unit: "µs", scenario: "events", value: perEvent, compared: true,
			against: "headway", only: []string{"headway", "headway-tracked"}},
		{name: "CPU per event, transparent", unit: "µs", scenario: "events", value: perEvent, limit: new(1.05), compared: true,
			against: "headway-tracked", only: []string{"headway-tracked", "headway-transparent"}},
		{name: "CPU per event, raw tunnel", unit: "µs", scenario: "raw", value: perEvent, limit: new(1.1), compared: true, against: "haproxy"},
		{name: "CPU per event, sealed tunnel", unit: "µs", scenario: "sealed", value: perEvent, limit: new(1.1), compared: true, against: "haproxy"},
		{name: "CPU per plain request", unit: "µs", scenario: "requests", value: perRequest, limit: new(2.5), compared: true},
		{name: "CPU per event, TLS upstream", unit: "µs", scenario: "events-tls", value: perEvent, limit: new(1.0), compared: true},
		{name: "CPU per plain request, TLS upstream", unit: "µs", scenario: "requests-tls", value: perRequest, compared: true},
		lateness("event lateness p50", quantiles.p50),
		lateness("event lateness p99", quantiles.p99),
		lateness("event lateness p99.9", quantiles.p999),
		addedLateness("added lateness p50", quantiles.p50, new(1.5)),
		addedLateness("added lateness p99", quantiles.p99, new(2.0)),
		addedLateness("added lateness p99.9", quantiles.p999, nil),
		ttft("TTFT p50", quantiles.p50),
		ttft("TTFT p99", quantiles.p99),
		addedTTFT("added TTFT p50", quantiles.p50),
		addedTTFT("added TTFT p99", quantiles.p99),
		{name: "plain request p50", unit: "µs", scenario: "requests", compared: true, value: func(r, _ *loadResult) float64 { return r.Latency.p50() }},
		{name: "plain request p99", unit: "µs", scenario: "requests", compared: true, value: func(r, _ *loadResult) float64 { return r.Latency.p99() }},
		memory("RSS idle", "MiB", new(30.0), func(m memoryResult) float64 { return mebi(m.Idle) }),
		memory("RSS per open stream", "KiB", new(32.0), func(m memoryResult) float64 {
			return float64(m.Open-m.Idle) / 1024 / float64(m.Streams)
		}),
		memory("RSS, streams open", "MiB", nil, func(m memoryResult) float64 { return mebi(m.Open) }),
		memory("RSS, 5 s after", "MiB", nil, func(m memoryResult) float64 { return mebi(m.After) }),
		memory("goroutines idle", "", nil, func(m memoryResult) float64 { return known(float64(m.IdleGoroutines)) }),
		memory("goroutines, streams open", "", nil, func(m memoryResult) float64 { return known(float64(m.OpenGoroutines)) }),
		memory("goroutines, 5 s after", "", nil, func(m memoryResult) float64 { return known(float64(m.AfterGoroutines)) }),
		opening("opening: TTFT p50", "ms", new(2.0), func(r *loadResult) float64 { return r.TTFT.p50() / 1e3 }),
		opening("opening: TTFT p99", "ms", new(2.0), func(r *loadResult) float64 { return r.TTFT.p99() / 1e3 }),
		opening("opening: CPU per stream", "µs", nil, func(r *loadResult) float64 { return r.proxyMicros(int64(r.Memory.Streams)) }),
		{name: "opening: proxy waiting for its core", unit: "%", scenario: "opening", value: func(r, _ *loadResult) float64 { return 100 * r.waited() }},
		opening("opening: RSS, all open", "MiB", nil, func(r *loadResult) float64 { return known(mebi(r.Memory.Open)) }),
		{name: "opening: goroutines, all open", scenario: "opening", value: func(r, _ *loadResult) float64 { return known(float64(r.Memory.OpenGoroutines)) }},
		soak("soak: events", "", nil, func(r *loadResult) float64 { return float64(r.Events) }),
		soak("soak: events lost", "", new(0.0), func(r *loadResult) float64 { return float64(r.Expected - r.Events) }),
		soak("soak: streams cut or altered", "", new(0.0), func(r *loadResult) float64 { return float64(r.Bad) }),
		soak("soak: lateness p50", "ms", nil, func(r *loadResult) float64 { return millis(r.Lateness.P50) }),
		soak("soak: lateness p99.9", "ms", nil, func(r *loadResult) float64 { return millis(r.Lateness.P999) }),
		soak("soak: p99.9 of the middle stream", "ms", nil, func(r *loadResult) float64 { return millis(r.Worst.MedianP999) }),
		soak("soak: p99.9 of the worst stream", "ms", nil, func(r *loadResult) float64 { return millis(r.Worst.WorstP999) }),
		soak("soak: latest event of all", "ms", nil, func(r *loadResult) float64 { return millis(r.Worst.WorstMax) }),
		soak("soak: proxy waiting for its core", "%", nil, func(r *loadResult) float64 { return 100 * r.waited() }),
		soak("soak: CPU per event", "µs", nil, func(r *loadResult) float64 { return perEvent(r, nil) }),
		loadPerEvent(),
		busy("proxy's core, events", func(r *loadResult) float64 { return share(r.ProxyCPU, r.Wall) }),
		busy("proxy waiting for its core, events", func(r *loadResult) float64 { return 100 * r.waited() }),
		busy("load's core, events", func(r *loadResult) float64 { return share(r.LoadCPU, r.Wall) }),
	}, truthMeasures()...)
}

// The quantiles in microseconds; NaN when there is no sample.
func (q quantiles) p50() float64  { return q.micros(q.P50) }
func (q quantiles) p99() float64  { return q.micros(q.P99) }
func (q quantiles) p999() float64 { return q.micros(q.P999) }

func (q quantiles) micros(ns int64) float64 {
	if q.Count == 0 {
		return math.NaN()
	}
	return float64(ns) / 1e3
}

func perEvent(r, _ *loadResult) float64   { return r.proxyMicros(r.Events) }
func perRequest(r, _ *loadResult) float64 { return r.proxyMicros(r.Requests) }

// proxyMicros is the CPU time of the proxy for each of n, in microseconds; NaN when there is no proxy.
func (r *loadResult) proxyMicros(n int64) float64 {
	if r.ProxyCPU == 0 {
		return math.NaN()
	}
	return float64(r.ProxyCPU) / 1e3 / float64(n)
}

// loadPerEvent is the cost of upstream and load generator. No difference much smaller than this cost
// can be measured.
func loadPerEvent() measure {
	return measure{name: "CPU of upstream and load per event", unit: "µs", scenario: "events", value: func(r, _ *loadResult) float64 {
		return float64(r.LoadCPU) / 1e3 / float64(r.Events)
	}}
}

func lateness(name string, q func(quantiles) float64) measure {
	return measure{name: name, unit: "µs", scenario: "events", compared: true, value: func(r, _ *loadResult) float64 { return q(r.Lateness) }}
}

func addedLateness(name string, q func(quantiles) float64, limit *float64) measure {
	return added(name, func(r *loadResult) float64 { return q(r.Lateness) }, limit)
}

func ttft(name string, q func(quantiles) float64) measure {
	return measure{name: name, unit: "µs", scenario: "events", compared: true, value: func(r, _ *loadResult) float64 { return q(r.TTFT) }}
}

func addedTTFT(name string, q func(quantiles) float64) measure {
	return added(name, func(r *loadResult) float64 { return q(r.TTFT) }, nil)
}

// added is the difference between the value of a target and the value of direct.
func added(name string, value func(*loadResult) float64, limit *float64) measure {
	return measure{name: name, unit: "µs", scenario: "events", limit: limit, compared: true, value: func(r, direct *loadResult) float64 {
		if direct == nil || r == direct {
			return math.NaN()
		}
		return value(r) - value(direct)
	}}
}

func memory(name, unit string, limit *float64, value func(memoryResult) float64) measure {
	return measure{name: name, unit: unit, scenario: "memory", limit: limit, value: func(r, _ *loadResult) float64 { return value(r.Memory) }}
}

func opening(name, unit string, limit *float64, value func(*loadResult) float64) measure {
	return measure{name: name, unit: unit, scenario: "opening", limit: limit, compared: true, value: func(r, _ *loadResult) float64 { return value(r) }}
}

func soak(name, unit string, limit *float64, value func(*loadResult) float64) measure {
	return measure{name: name, unit: unit, scenario: "soak", limit: limit, value: func(r, _ *loadResult) float64 { return value(r) }}
}

func busy(name string, value func(*loadResult) float64) measure {
	return measure{name: name, unit: "%", scenario: "events", value: func(r, _ *loadResult) float64 { return value(r) }}
}

func share(part, whole time.Duration) float64 { return 100 * part.Seconds() / whole.Seconds() }
func millis(ns int64) float64                 { return float64(ns) / 1e6 }
func mebi(bytes int64) float64                { return float64(bytes) / (1 << 20) }

// known turns 0, which stands for an unknown number, into NaN.
func known(n float64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return n
}
