package sidecar

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/scaling"
)

// driftFile is the name of the file with the state of the detectors in HEADWAY_STATE_DIR.
const driftFile = "drift.json"

// judging holds canaries and production beside the load test. A nil judging judges nothing.
type judging struct {
	*watch.Watch
	file  *liveFile // nil without HEADWAY_BASELINE_FILE
	state string    // path; empty keeps nothing
	slos  func() slo.Set

	mu       sync.Mutex // guards what is in force
	baseline baseline.Baseline
	probes   []probe.Probe
}

// newJudging returns nil unless c has a load test or canaries.
func newJudging(c config.Config, inFlight func() []exchange.InFlight, slos func() slo.Set, log *slog.Logger) *judging {
	if len(c.Tested.Baseline.Cells) == 0 && !c.Probing() {
		return nil
	}
	j := &judging{baseline: c.Tested.Baseline, probes: c.Probes.List, slos: slos}
	j.Watch = watch.New(watch.Config{Baseline: j.baseline, Probes: j.probes, Settings: c.Drift, InFlight: inFlight, Log: log})
	if c.StateDir != "" {
		j.state = filepath.Join(c.StateDir, driftFile)
	}
	if c.BaselineFile != "" {
		j.file = &liveFile{path: c.BaselineFile, most: config.MaxBaseline, apply: j.apply, log: log, seen: sha256.Sum256(c.Tested.Text)}
	}
	return j
}

// apply puts another load test into force.
func (j *judging) apply(text []byte) error {
	b, err := config.ParseBaseline(text)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.baseline = b
	j.Replace(b, j.probes)
	return nil
}

// probed puts other probes into force.
func (j *judging) probed(probes []probe.Probe) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.probes = probes
	j.Replace(j.baseline, probes)
}

// loadTest returns the load test in force, or nil without one.
func (j *judging) loadTest() *baseline.Baseline {
	if j == nil || j.file == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	b := j.baseline
	return &b
}

// observer returns j as an observer of canaries, or nil if nothing judges them.
func (j *judging) observer() probe.Observer {
	if j == nil {
		return nil
	}
	return j
}

// follow judges and applies changes of the file until ctx ends. A signal on asked makes it
// read the file at once.
func (j *judging) follow(ctx context.Context, asked <-chan os.Signal) {
	var parts sync.WaitGroup
	parts.Go(func() { j.Run(ctx, j.state) })
	if j.file != nil {
		parts.Go(func() { j.file.follow(ctx, asked) })
	}
	parts.Wait()
}

// reloaded says whether the newest content of the file is in force.
func (j *judging) reloaded() bool { return j == nil || j.file == nil || !j.file.failed.Load() }

// drift returns the findings as the exporter's types.
func (j *judging) drift() []exporter.Drift {
	if j == nil {
		return nil
	}
	var out []exporter.Drift
	for _, f := range j.Findings(time.Now()) {
		v := &f.Verdict
		out = append(out, exporter.Drift{
			Source: string(f.Source), Probe: f.Probe, Model: f.Model, Indicator: f.Indicator,
			Compared: f.Compared(), Ratio: v.Ratio.Value, ReturnPeriod: v.ReturnPeriod.Seconds(), Alarm: v.Alarm,
		})
	}
	return out
}

// mostTested bounds the cells whose percentiles are exported.
const mostTested = 100

// tested returns percentiles of the load test as the exporter's types.
func (j *judging) tested() []exporter.Tested {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	cells := j.baseline.Cells
	j.mu.Unlock()
	var out []exporter.Tested
	for _, c := range cells[:min(mostTested, len(cells))] {
		for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
			for _, p := range []float64{.5, .9, .95, .99} {
				if seconds, has := c.Indicators[name].Quantiles.At(p); has {
					out = append(out, exporter.Tested{Cell: c.ID, Indicator: string(name), Share: p, Seconds: seconds})
				}
			}
		}
	}
	return out
}

// headroom returns the room up to the highest load that kept each SLO.
func (j *judging) headroom() []exporter.Headroom {
	if j == nil {
		return nil
	}
	var out []exporter.Headroom
	for _, h := range j.Headrooms(promises(j.slos()), time.Now(), scaling.Window) {
		if h.Load > 0 {
			out = append(out, exporter.Headroom{Model: h.Model, SLO: h.SLO, Ratio: h.Ratio()})
		}
	}
	return out
}

// carried returns the load of each model and SLO beside the highest one that kept the SLO
// in the load test. If none did, more replicas would not help, and the load test is no
// measure.
func (j *judging) carried(now time.Time) []scaling.Load {
	if j == nil {
		return nil
	}
	var out []scaling.Load
	for _, h := range j.Headrooms(promises(j.slos()), now, scaling.Window) {
		if h.Highest > 0 {
			out = append(out, scaling.Load{Model: h.Model, Ratio: h.Carried / h.Highest})
		}
	}
	return out
}

// promises returns the SLOs that limit what a load test measures.
func promises(set slo.Set) []watch.Promise {
	var out []watch.Promise
	for i := range set.SLOs {
		s := &set.SLOs[i]
		p := watch.Promise{SLO: s.Name, Covers: covers(s.Match.Model), Limits: baseline.Limits{At: s.Objective / 100, Bounds: map[baseline.Name]float64{}}}
		for _, o := range s.Good {
			if name, tested := indicatorOf[o.Indicator]; tested {
				p.Limits.Bounds[name] = o.Limit.Seconds()
			}
		}
		if len(p.Limits.Bounds) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// covers says which models a pattern of an SLO means. An empty one means all.
func covers(pattern string) func(model string) bool {
	return func(model string) bool { return pattern == "" || exchange.Match(pattern, model) }
}

// indicatorOf names the indicators of SLOs that a load test has too.
var indicatorOf = map[exchange.Indicator]baseline.Name{exchange.TTFT: baseline.TTFT, exchange.TPOT: baseline.TPOT, exchange.E2E: baseline.E2E}
