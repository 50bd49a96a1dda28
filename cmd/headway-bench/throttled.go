package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

// busyThreads is the number of threads that compete with headway for its core while it is throttled.
const busyThreads = 2

// measureTruth measures, in every round, how true the times are that headway records: on a core of its own, and
// beside busy threads on that core, which is how a throttled pod lives.
func (b *bench) measureTruth(ctx context.Context) error {
	for round := range b.options.rounds {
		for _, t := range b.targets {
			if !slices.Contains(b.options.scenarios, "truth") || !t.captures && t.command != nil {
				continue
			}
			if err := b.truthOf(ctx, round, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) truthOf(ctx context.Context, round int, t target) error {
	fmt.Fprintf(os.Stderr, "round %d of %d: truth of %s\n", round+1, b.options.rounds, t.name)
	p, err := b.startTarget(ctx, t, "truth")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := b.measure(ctx, round, "truth", t, p); err != nil {
		return err
	}
	if t.command == nil {
		return nil // there is nothing to throttle
	}
	stop, err := b.startBusy()
	if err != nil {
		return err
	}
	defer stop()
	result, err := b.load(ctx, b.spec("truth", t, p))
	if err != nil {
		return fmt.Errorf("truth of %s beside busy threads: %w%s", t.name, err, p.complaint())
	}
	b.report.add(round, "throttled", t.name, result)
	return nil
}

// startBusy starts processes of one busy thread each on the proxy's core. stop ends them.
func (b *bench) startBusy() (stop func(), err error) {
	argv, err := self(roleBusy)
	if err != nil {
		return nil, err
	}
	// They end by themselves as well, some time after the load that they compete with.
	argv = append(argv, (b.options.duration + time.Minute).String())
	var busy []*child
	stop = func() {
		for _, c := range busy {
			c.stop()
		}
	}
	for range busyThreads {
		c, err := start(argv, nil, b.place(b.proxyCore), b.dir, nil, nil)
		if err != nil {
			stop()
			return nil, err
		}
		busy = append(busy, c)
	}
	return stop, nil
}

// keepBusy takes all the time that its core gives, for the duration in args.
func keepBusy(args []string) error {
	if len(args) != 1 {
		return errors.New("want a duration")
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < d; {
		runtime.KeepAlive(start)
	}
	return nil
}
