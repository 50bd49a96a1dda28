package sidecar

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net"
	"os"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/prober"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
	"github.com/headway-sidecar/headway/slo"
)

// probes keeps the probe file of a running sidecar, and sends its canaries.
type probes struct {
	*prober.Prober
	election *election // nil without others
	file     *liveFile // nil without HEADWAY_PROBE_FILE
	routes   []proxy.Route
	judging  *judging // nil if nothing judges
	log      *slog.Logger
}

// newProbes returns the probes of c. Its canaries are measured by the proxy and the tap
// that s will have.
func (s *Sidecar) newProbes(c config.Config) (*probes, error) {
	e, err := newElection(c, s.log)
	if err != nil {
		return nil, err
	}
	p := &probes{election: e, routes: c.RouteTable, judging: s.judging, log: s.log}
	p.Prober = prober.New(prober.Config{
		Connect: func(name string) (net.Conn, error) { return s.proxy.Connect(name) },
		Route:   func(url string) (string, bool) { return config.RouteTo(c.RouteTable, url) },
		Begin:   func(r tap.Request) *tap.Exchange { return s.tap.Begin(r) },
		Own: func(o exchange.Observer) *tap.Tap {
			return tap.New(tap.Config{Dialects: Dialects(), Observer: o, Role: c.Role, Mode: exchange.Explicit})
		},
		InFlight: func() []exchange.InFlight { return s.tap.InFlight() },
		Leads:    e.leads, Getenv: c.Probes.Getenv, Log: s.log, Observer: s.judging.observer(),
	})
	if c.ProbeFile != "" {
		p.file = &liveFile{path: c.ProbeFile, apply: p.apply, log: s.log, seen: sha256.Sum256(c.Probes.Text)}
	}
	p.warn(c.Probes.Warnings)
	return p, p.Replace(c.Probes.List, c.Probes.Paused)
}

// apply parses text and puts its probes into force. After an error the probes before stay
// in force.
func (p *probes) apply(text []byte) error {
	c, err := config.ParseProbes(p.file.path, text, p.judging.loadTest(), p.routes)
	if err != nil {
		return err
	}
	p.warn(c.Warnings)
	p.judging.probed(c.List)
	p.election.aim(c.List)
	return p.Replace(c.List, c.Paused)
}

func (p *probes) warn(warnings []slo.Problem) {
	for _, w := range warnings {
		p.log.Warn("probe file", "warning", w.Error())
	}
}

// follow applies changes of the file until ctx ends.
func (p *probes) follow(ctx context.Context, asked <-chan os.Signal) {
	if p.file != nil {
		p.file.follow(ctx, asked)
	}
}

// reloaded says whether the newest content of the file is in force.
func (p *probes) reloaded() bool { return p.file == nil || !p.file.failed.Load() }

// run sends canaries, while no other process of the fleet does, until the caller calls stop.
// stop cuts those under way and returns when their connections are closed.
func (p *probes) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		p.election.run(ctx, p.Run)
	}()
	return func() {
		cancel()
		<-over
	}
}

// runs returns the counts of runs, as the exporter's type.
func (p *probes) runs() []exporter.ProbeRuns {
	counts := p.Counts()
	out := make([]exporter.ProbeRuns, len(counts))
	for i, c := range counts {
		out[i] = exporter.ProbeRuns{
			Probe: c.Probe, Via: string(c.Via), Outcome: string(c.Outcome), Operation: c.Operation, Model: c.Model, Upstream: c.Upstream, Runs: c.Runs,
		}
	}
	return out
}

// successes returns when each probe last had an answer, as the exporter's type.
func (p *probes) successes() []exporter.ProbeSuccess {
	all := p.Successes()
	out := make([]exporter.ProbeSuccess, len(all))
	for i, s := range all {
		out[i] = exporter.ProbeSuccess{Probe: s.Probe, Via: string(s.Via), At: s.At}
	}
	return out
}

// Once sends one canary of each probe now, brings the telemetry about them on its way, and
// returns how they went. Call it in the place of Listen and Run.
func (s *Sidecar) Once(ctx context.Context) ([]probe.Run, error) {
	runs := s.probes.Once(ctx)
	return runs, s.flush(ctx)
}
