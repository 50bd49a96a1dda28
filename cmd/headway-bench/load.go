package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// loadSpec is the task of a load generator. The bench writes it as JSON to the generator's standard
// input.
type loadSpec struct {
	Scenario     string
	Port         int    // of the target
	Prefix       string // goes before the path of every request
	UpstreamPort int
	UpstreamPID  int
	UID          int    // user to run as; 0 changes nothing
	ProxyPIDs    []int  // empty for direct
	AdminAddr    string // of headway, which counts its goroutines there; empty for other proxies

	Streams     int
	Interval    time.Duration // between two events of a stream
	Events      int           // content events of a stream
	Warmup      time.Duration
	Duration    time.Duration
	Opening     time.Duration // opening: the time in which all streams open
	Connections int
	Requests    int
	Settle      time.Duration // memory: the time from the end of the streams to the last reading
	Capture     string        // truth: the file to which headway writes what it records
}

// loadResult is the answer of a load generator, which writes it as JSON to standard output. It sets the
// fields that belong to the scenario.
type loadResult struct {
	Events    int64         `json:"events,omitempty"`   // data events that arrived in the measured window
	Expected  int64         `json:"expected,omitempty"` // soak: data events that the upstream had to send
	Requests  int64         `json:"requests,omitempty"` // answers that arrived in the window
	Streams   int64         `json:"streams,omitempty"`  // streams that arrived whole
	Bad       int64         `json:"bad"`                // lost, cut, reordered or altered streams and requests
	FirstBad  string        `json:"first_bad,omitempty"`
	Wall      time.Duration `json:"wall_ns"`
	ProxyCPU  time.Duration `json:"proxy_cpu_ns"`  // user and system time of the proxy in the window
	ProxyWait time.Duration `json:"proxy_wait_ns"` // time in which the proxy could have run and had no core
	LoadCPU   time.Duration `json:"load_cpu_ns"`   // load generator and upstream together

	Lateness quantiles    `json:"lateness_ns,omitzero"` // of an event: arrival minus sending
	TTFT     quantiles    `json:"ttft_ns,omitzero"`     // see streamClient.firstToken
	Latency  quantiles    `json:"latency_ns,omitzero"`  // of a plain request
	Worst    streamWorst  `json:"worst_ns,omitzero"`
	Memory   memoryResult `json:"memory,omitzero"`
	Truth    truthResult  `json:"truth_ns,omitzero"`
}

// waited is the share of the window in which the proxy could have run and had no core.
func (r *loadResult) waited() float64 { return r.ProxyWait.Seconds() / r.Wall.Seconds() }

// disturbed reports whether other work on the proxy's core is a visible part of the figures.
func (r *loadResult) disturbed() bool { return r.waited() > 0.02 }

// loader is one load generator: a single thread that drives all its connections.
type loader struct {
	spec   loadSpec
	poller *poller
	result loadResult

	events    int64
	requests  int64
	perStream bool   // each stream keeps its own lateness
	truth     *truth // nil in other scenarios
	// Samples in nanoseconds.
	lateness, ttft, latency []int64
}

// generateLoad reads a loadSpec, makes the load and prints the loadResult.
func generateLoad() error {
	runtime.LockOSThread()
	debug.SetGCPercent(800)
	var l loader
	if err := json.NewDecoder(os.Stdin).Decode(&l.spec); err != nil {
		return fmt.Errorf("reading the load specification: %w", err)
	}
	if l.spec.UID > 0 {
		if err := becomeUser(l.spec.UID); err != nil {
			return err
		}
	}
	var err error
	if l.poller, err = newPoller(); err != nil {
		return err
	}
	scenarios := map[string]func() error{
		"events": l.runEvents, "requests": l.runRequests, "memory": l.runMemory, "opening": l.runOpening, "soak": l.runSoak,
		"events-tls": l.runEvents, "requests-tls": l.runRequests, "raw": l.runEvents, "sealed": l.runEvents,
		"truth": l.runTruth,
	}
	run := scenarios[l.spec.Scenario]
	if run == nil {
		return fmt.Errorf("unknown scenario %q", l.spec.Scenario)
	}
	if err := run(); err != nil {
		return err
	}
	l.result.Lateness = quantilesOf(l.lateness)
	l.result.TTFT = quantilesOf(l.ttft)
	l.result.Latency = quantilesOf(l.latency)
	return json.NewEncoder(os.Stdout).Encode(l.result)
}

// until serves the connections until the clock reaches at, or stop returns true. stop may be nil.
func (l *loader) until(at int64, stop func() bool) error {
	for l.poller.clock.now() < at && (stop == nil || !stop()) {
		if err := l.poller.wait(at); err != nil {
			return err
		}
	}
	return nil
}

// sleep serves the connections for so long.
func (l *loader) sleep(d time.Duration) error {
	return l.until(l.poller.clock.now()+int64(d), nil)
}

// bad counts a stream or request that did not arrive as the upstream sent it.
func (l *loader) bad(err error) {
	l.result.Bad++
	if l.result.FirstBad == "" {
		l.result.FirstBad = err.Error()
	}
}

// usage is a reading of all counters at one moment.
type usage struct {
	at       int64         // of the clock
	proxy    time.Duration // CPU time of the proxy
	wait     time.Duration // time in which the proxy had no core
	load     time.Duration // CPU time of load generator and upstream
	events   int64
	requests int64
}

func (l *loader) usage() (usage, error) {
	var u usage
	for _, pid := range l.spec.ProxyPIDs {
		cpu, err := cpuTime(pid)
		if err != nil {
			return usage{}, err
		}
		u.proxy += cpu
		u.wait += runDelay(pid)
	}
	for _, pid := range []int{l.spec.UpstreamPID, os.Getpid()} {
		cpu, err := cpuTime(pid)
		if err != nil {
			return usage{}, err
		}
		u.load += cpu
	}
	u.at, u.events, u.requests = l.poller.clock.now(), l.events, l.requests
	return u, nil
}

// setWindow fills in the result's measured window from the readings at its two ends.
func (l *loader) setWindow(from, to usage) {
	r := &l.result
	r.Wall = time.Duration(to.at - from.at)
	r.ProxyCPU = to.proxy - from.proxy
	r.ProxyWait = to.wait - from.wait
	r.LoadCPU = to.load - from.load
	r.Events = to.events - from.events
	r.Requests = to.requests - from.requests
}
