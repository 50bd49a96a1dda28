package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"
)

// takeProfile fetches a CPU profile of headway during a run of its own, so that no figure includes the
// cost of the profile. The run has four times the streams: the profiler's timer hardly ever strikes in a
// process that runs for microseconds at a time.
func (b *bench) takeProfile(ctx context.Context) error {
	i := slices.IndexFunc(b.targets, func(t target) bool { return t.admin })
	if b.options.profile == "" || i < 0 {
		return nil
	}
	p, err := b.startTarget(ctx, b.targets[i], "events")
	if err != nil {
		return err
	}
	defer p.stop()
	const seconds = 5
	spec := b.profileSpec(b.targets[i], p, seconds)
	fmt.Fprintf(os.Stderr, "profile of %s through %s\n", spec.Scenario, b.targets[i].name)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	profiled := make(chan error, 1)
	go func() {
		time.Sleep(spec.Warmup)
		profiled <- fetchProfile(ctx, p.admin, seconds, b.options.profile)
		cancel() // the load may end
	}()
	if _, err := b.load(ctx, spec); err != nil && ctx.Err() == nil {
		return err
	}
	if err := <-profiled; err != nil {
		return fmt.Errorf("profiling %s: %w", b.targets[i].name, err)
	}
	return nil
}

// profileSpec returns the load during a profile of so many seconds.
func (b *bench) profileSpec(t target, p *proxyUnderTest, seconds int) loadSpec {
	scenario := "events"
	if !slices.Contains(b.options.scenarios, scenario) {
		scenario = "requests"
	}
	spec := b.spec(scenario, t, p)
	spec.Streams *= 4
	spec.Duration = time.Duration(seconds+1) * time.Second
	spec.Requests = 100_000 * seconds // more than a proxy on one core serves in that time
	return spec
}

func fetchProfile(ctx context.Context, admin string, seconds int, file string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", admin, seconds)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, answer.Body); err != nil {
		return err
	}
	return out.Close()
}
