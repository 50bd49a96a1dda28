package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	headway   string
	peers     []peer
	targets   []string // empty stands for all that are installed
	scenarios []string
	rounds    int
	retries   int
	duration  time.Duration
	output    string
	profile   string

	streams         int
	eventRate       int // events a second of one stream
	eventsPerStream int
	requests        int
	connections     int
	memoryStreams   int
	openingStreams  int
	openingTime     time.Duration
	soakStreams     int
	soakRate        int
	soakDuration    time.Duration
}

// peer is another reverse proxy to measure. Its command has {listen} and {upstream} in place of the two
// addresses, which are host:port. prefix goes before the path of every request to it, and may be empty.
type peer struct {
	name, prefix string
	command      []string
}

// parseOptions reads the command line. It prints the usage, and errors of the flags, to usage.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var scenarios, targets string
	f := flag.NewFlagSet("headway-bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.headway, "headway", "", "the headway `binary`; by default beside this program, then on the path")
	f.Func("peer", "another proxy to measure, `name=command`, with {listen} and {upstream} for host:port. name/path=command puts the path before that of every request. May be repeated", func(v string) error {
		name, command, found := strings.Cut(v, "=")
		name, path, prefixed := strings.Cut(name, "/")
		words := strings.Fields(command)
		if !found || name == "" || len(words) == 0 || prefixed && path == "" {
			return errors.New("want name=command or name/path=command")
		}
		p := peer{name: name, command: words}
		if prefixed {
			p.prefix = "/" + path
		}
		o.peers = append(o.peers, p)
		return nil
	})
	f.StringVar(&targets, "targets", "", "`names` to measure, separated by commas; by default direct and every installed proxy")
	f.StringVar(&scenarios, "scenario", "events,requests,events-tls,requests-tls,raw,sealed,truth,opening,memory", "`names` of events, requests, events-tls, requests-tls, raw, sealed, truth, opening, memory, soak, separated by commas, or all")
	f.IntVar(&o.rounds, "rounds", 3, "measurements of every target; the report has their median")
	f.IntVar(&o.retries, "retries", 2, "repetitions of a run of events or requests that other work on the machine disturbed")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "measured window of one events run")
	f.StringVar(&o.output, "output", "table", "table, json or markdown")
	f.StringVar(&o.profile, "profile", "", "`file` for a CPU profile of headway; it gets a run of its own, with four times the streams of events (or with requests, when events is not asked for)")
	o.loadFlags(f)
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	if f.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if targets != "" {
		o.targets = strings.Split(targets, ",")
	}
	o.scenarios = strings.Split(scenarios, ",")
	if scenarios == "all" {
		o.scenarios = scenarioNames()
	}
	return o, o.check()
}

// loadFlags adds the flags that say how much load a scenario makes.
func (o *options) loadFlags(f *flag.FlagSet) {
	f.IntVar(&o.streams, "streams", 100, "events: concurrent streams")
	f.IntVar(&o.eventRate, "event-rate", 50, "events: events a second of each stream")
	f.IntVar(&o.eventsPerStream, "events-per-stream", 200, "events: content events of a stream; the client then asks for the next one")
	f.IntVar(&o.requests, "requests", 20_000, "requests: measured requests a run")
	f.IntVar(&o.connections, "connections", 8, "requests: connections, each with one request under way")
	f.IntVar(&o.memoryStreams, "memory-streams", 5_000, "memory: streams held open")
	f.IntVar(&o.openingStreams, "opening-streams", 10_000, "opening: streams opened, each on a connection of its own")
	f.DurationVar(&o.openingTime, "opening-time", 2*time.Second, "opening: the time in which all of them open")
	f.IntVar(&o.soakStreams, "soak-streams", 1_000, "soak: concurrent streams")
	f.IntVar(&o.soakRate, "soak-rate", 20, "soak: events a second of each stream")
	f.DurationVar(&o.soakDuration, "soak-duration", time.Minute, "soak: duration through headway; every other target gets a third of it")
}

func scenarioNames() []string {
	return []string{"events", "requests", "events-tls", "requests-tls", "raw", "sealed", "truth", "opening", "memory", "soak"}
}

// wants reports whether the command line asks for a target.
func (o *options) wants(target string) bool {
	return len(o.targets) == 0 || slices.Contains(o.targets, target)
}

// check returns every problem at once.
func (o *options) check() error {
	var problems []error
	for _, name := range o.scenarios {
		if !slices.Contains(scenarioNames(), name) {
			problems = append(problems, fmt.Errorf("-scenario: %q is none of %s", name, strings.Join(scenarioNames(), ", ")))
		}
	}
	if !slices.Contains([]string{"table", "json", "markdown"}, o.output) {
		problems = append(problems, fmt.Errorf("-output: %q is none of table, json, markdown", o.output))
	}
	positive := []struct {
		flag  string
		value int
	}{
		{"rounds", o.rounds}, {"streams", o.streams}, {"event-rate", o.eventRate}, {"events-per-stream", o.eventsPerStream},
		{"requests", o.requests}, {"connections", o.connections}, {"memory-streams", o.memoryStreams},
		{"opening-streams", o.openingStreams}, {"soak-streams", o.soakStreams}, {"soak-rate", o.soakRate},
	}
	for _, p := range positive {
		if p.value <= 0 {
			problems = append(problems, fmt.Errorf("-%s: must be above 0, is %d", p.flag, p.value))
		}
	}
	if o.duration < 100*time.Millisecond {
		problems = append(problems, fmt.Errorf("-duration: must be 100ms or more, is %s", o.duration))
	}
	if o.openingTime <= 0 {
		problems = append(problems, fmt.Errorf("-opening-time: must be above 0, is %s", o.openingTime))
	}
	if o.soakDuration < time.Second {
		problems = append(problems, fmt.Errorf("-soak-duration: must be 1s or more, is %s", o.soakDuration))
	}
	return errors.Join(problems...)
}

// mostStreams returns the largest number of streams that any scenario has open at once.
func (o *options) mostStreams() int {
	most := 0
	for _, scenario := range o.scenarios {
		most = max(most, o.streamsIn(scenario))
	}
	return most
}

// streamsIn returns the number of streams that a scenario, or another that shares its proxy, has open at
// once.
func (o *options) streamsIn(scenario string) int {
	switch scenario {
	case "opening":
		return o.openingStreams
	case "memory":
		return o.memoryStreams
	case "soak":
		return o.soakStreams
	}
	return max(o.streams, o.connections)
}
