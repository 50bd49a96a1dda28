package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of the whole benchmark.
type bench struct {
	options   options
	targets   []target
	dir       string
	proxyCore int
	loadCore  int
	upstream  *child
	// port and sealedPort are the upstream's: sealedPort speaks TLS, with the certificate in authority.
	port, sealedPort int
	authority        string // path of a PEM file
	report           *report
}

// runBench measures the targets in every scenario. Its report begins with notes. Before it returns it
// ends every process that it started. After an error the report has the measurements until then; it is
// nil when there is none.
func runBench(ctx context.Context, o options, targets []target, notes []string) (*report, error) {
	b := &bench{options: o, targets: targets, report: newReport(o, targets, notes)}
	if err := enoughPorts(o.mostStreams()); err != nil {
		return nil, err
	}
	var err error
	if b.proxyCore, b.loadCore, err = cores(); err != nil {
		return nil, err
	}
	if b.proxyCore == b.loadCore {
		b.report.note("only one core: the proxy shares it with the upstream and the load, latencies mean little")
	}
	if b.dir, err = os.MkdirTemp("", "headway-bench-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	stop, err := b.startUpstream()
	if err != nil {
		return nil, err
	}
	defer stop()
	err = b.measureAll(ctx)
	if len(b.report.Runs) == 0 {
		return nil, err
	}
	return b.report, err
}

// measureAll measures every target in every scenario of the options. Each round begins with another
// target, so that slow changes of the machine hit all of them alike.
func (b *bench) measureAll(ctx context.Context) error {
	for round := range b.options.rounds {
		for i := range b.targets {
			if err := b.turn(ctx, round, b.targets[(i+round)%len(b.targets)]); err != nil {
				return err
			}
		}
	}
	if err := b.measureTruth(ctx); err != nil {
		return err
	}
	for _, scenario := range []string{"memory", "soak"} {
		for _, t := range b.targets {
			if t.tracked {
				continue // only its events serve a comparison
			}
			if err := b.once(ctx, scenario, t); err != nil {
				return err
			}
		}
	}
	return b.takeProfile(ctx)
}

// startUpstream starts the model server and reads its ports. stop ends it.
func (b *bench) startUpstream() (stop func(), err error) {
	argv, err := self(roleUpstream)
	if err != nil {
		return nil, err
	}
	stdin, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answer, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b.authority = filepath.Join(b.dir, "authority.pem")
	b.upstream, err = start(append(argv, b.authority), nil, b.place(b.loadCore), b.dir, stdin, stdout)
	_, _ = stdin.Close(), stdout.Close()
	if err != nil {
		return nil, fmt.Errorf("starting the upstream: %w", err)
	}
	stop = func() {
		_ = hold.Close() // the upstream ends when its standard input does
		b.upstream.stop()
		_ = answer.Close()
	}
	line, err := bufio.NewReader(answer).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, &b.port, &b.sealedPort)
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("starting the upstream: %w: %s", err, b.upstream.complaint())
	}
	return stop, nil
}

func (b *bench) place(core int) placement {
	return placement{core: core, descriptors: descriptors(b.options.mostStreams())}
}

// turn measures one target once in the scenarios that repeat.
func (b *bench) turn(ctx context.Context, round int, t target) error {
	for _, group := range [][]string{{"events", "requests"}, {"events-tls", "requests-tls"}, {"raw"}, {"sealed"}, {"opening"}} {
		wanted := slices.DeleteFunc(group, func(s string) bool { return !b.takesPart(t, s) })
		if len(wanted) == 0 {
			continue
		}
		if err := b.turnOf(ctx, round, t, wanted); err != nil {
			return err
		}
	}
	return nil
}

// takesPart reports whether a target has a figure in a scenario that repeats.
func (b *bench) takesPart(t target, scenario string) bool {
	switch {
	case !slices.Contains(b.options.scenarios, scenario):
		return false
	case t.tracked:
		return scenario == "events" // only its events serve a comparison
	case isTunnel(scenario):
		// A tunnel is worth measuring only when the rules can redirect to both sides of the comparison.
		canRedirect := slices.ContainsFunc(b.targets, func(t target) bool { return t.redirected })
		return t.tunnel != nil && canRedirect
	case overTLS(scenario):
		return t.upstreamTLS
	}
	return true
}

// overTLS reports whether a proxy must speak TLS to the upstream in a scenario.
func overTLS(scenario string) bool { return strings.HasSuffix(scenario, "-tls") }

// isTunnel reports whether a proxy cannot read the bytes of a scenario as HTTP, and must carry them as
// they are.
func isTunnel(scenario string) bool { return scenario == "raw" || scenario == "sealed" }

// turnOf starts a target and measures it in the scenarios.
func (b *bench) turnOf(ctx context.Context, round int, t target, wanted []string) error {
	p, err := b.startTarget(ctx, t, wanted[0])
	if err != nil {
		return err
	}
	defer p.stop()
	for _, scenario := range wanted {
		fmt.Fprintf(os.Stderr, "round %d of %d: %s through %s\n", round+1, b.options.rounds, scenario, t.name)
		if err := b.measure(ctx, round, scenario, t, p); err != nil {
			return err
		}
	}
	return nil
}

// once measures one target in a scenario that does not repeat, if the options ask for the scenario.
func (b *bench) once(ctx context.Context, scenario string, t target) error {
	if !slices.Contains(b.options.scenarios, scenario) || (scenario == "memory" && t.command == nil) {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s through %s\n", scenario, t.name)
	p, err := b.startTarget(ctx, t, scenario)
	if err != nil {
		return err
	}
	defer p.stop()
	return b.measure(ctx, 0, scenario, t, p)
}

// measure runs a load generator against a started target and adds its result to the report. When other
// work on the machine disturbs the run, it tries again, and adds the run that waited least for its core.
func (b *bench) measure(ctx context.Context, round int, scenario string, t target, p *proxyUnderTest) error {
	spec := b.spec(scenario, t, p)
	result, err := b.load(ctx, spec)
	for again := 0; err == nil && again < b.options.retries && repeats(scenario) && result.disturbed(); again++ {
		fmt.Fprintf(os.Stderr, "  again: the proxy's threads waited for their core %.0f %% of the time\n", 100*result.waited())
		var next loadResult
		if next, err = b.load(ctx, spec); next.waited() < result.waited() {
			result = next
		}
	}
	if err != nil {
		return fmt.Errorf("%s through %s: %w%s", scenario, t.name, err, p.complaint())
	}
	b.report.add(round, scenario, t.name, result)
	return nil
}

// repeats reports whether a run that other work disturbed is worth another. An opening keeps the proxy's core
// so busy that its own threads wait for each other.
func repeats(scenario string) bool {
	return !slices.Contains([]string{"memory", "opening", "soak"}, scenario)
}

// spec returns the load of a scenario.
func (b *bench) spec(scenario string, t target, p *proxyUnderTest) loadSpec {
	o := b.options
	s := loadSpec{
		Scenario: scenario, Port: p.port, Prefix: p.prefix, UpstreamPort: b.port, UpstreamPID: b.upstream.pid(),
		ProxyPIDs: p.pids, AdminAddr: p.admin,
		Streams: o.streams, Interval: time.Second / time.Duration(o.eventRate), Events: o.eventsPerStream,
		Warmup: min(time.Second, o.duration), Duration: o.duration,
		Connections: o.connections, Requests: o.requests,
	}
	if p.redirected {
		s.UID = redirectedUID
	}
	switch scenario {
	case "memory", "opening":
		// Streams that stay open: an event every two seconds, and far more events than there is time for.
		s.Streams, s.Interval, s.Events, s.Settle = o.memoryStreams, 2*time.Second, 1_000_000, 5*time.Second
		if scenario == "opening" {
			s.Streams, s.Opening = o.openingStreams, o.openingTime
		}
	case "truth":
		s.Events, s.Capture = 2, p.capture
	case "soak":
		s.Streams, s.Interval, s.Duration = o.soakStreams, time.Second/time.Duration(o.soakRate), o.soakDuration
		if t.name != "headway" {
			s.Duration /= 3
		}
	}
	return s
}

// load runs a load generator in a process of its own and returns its result.
func (b *bench) load(ctx context.Context, spec loadSpec) (loadResult, error) {
	argv, err := self(roleLoad)
	if err != nil {
		return loadResult{}, err
	}
	input, err := json.Marshal(spec)
	if err != nil {
		return loadResult{}, err
	}
	var output bytes.Buffer
	c, err := start(argv, nil, b.place(b.loadCore), b.dir, bytes.NewReader(input), &output)
	if err != nil {
		return loadResult{}, err
	}
	if err := c.wait(ctx); err != nil {
		c.stop()
		return loadResult{}, err
	}
	var result loadResult
	if err := json.Unmarshal(output.Bytes(), &result); err != nil {
		return loadResult{}, fmt.Errorf("reading the load generator's result: %w", err)
	}
	return result, nil
}
