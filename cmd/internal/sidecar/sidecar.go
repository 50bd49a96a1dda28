// Package sidecar is the running program: it wires the proxy, the tap and all observers
// together, serves the admin port, and leads both from the first bound port to the last
// scrape.
//
// New wires, Listen binds the ports, Run serves until its context ends. No function
// reads the environment or ends the process; commands do that.
package sidecar

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/build"
	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/promptcache"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
	"github.com/headway-sidecar/headway/proxy/turn"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/scaling"
)

// Sidecar is the program put together: proxy, tap, exporters, admin server. One
// goroutine must call its methods, except those that say otherwise.
type Sidecar struct {
	config  config.Config
	log     *slog.Logger
	proxy   *proxy.Proxy
	tap     *tap.Tap
	gate    *sockets.Gate
	chains  *chain.Joiner
	turns   *turn.Joiner
	slos    *objectives
	judging *judging        // nil without a load test to judge by
	scaling *scaling.Signal // nil beside an application
	probes  *probes
	prices  *prices
	first   exchange.Observer // of the stages behind the tap
	pauses  *pauses           // nil unless headway stands beside a model server
	names   *exporter.Names
	metrics *prometheus.Exporter
	view    *live.View
	hub     *live.Hub
	capture *capture.Writer // nil without HEADWAY_CAPTURE_FILE
	otlp    telemetry
	scrapes *scrapes
	web     *webConfig    // nil without HEADWAY_ADMIN_WEB_CONFIG
	wired   chan struct{} // closed when all fields above are set

	listener    net.Listener
	admin       net.Listener
	transparent *transparentListener // nil without HEADWAY_TRANSPARENT_LISTEN

	started  atomic.Bool // headway has tried its first connections to upstreams
	stopping atomic.Bool
	reload   <-chan os.Signal // each signal makes headway read files again; nil for none
	asked    chan struct{}    // closed when somebody asks headway to stop
	askOnce  sync.Once
}

// New wires the sidecar that c describes. The observers get every exchange, as the
// exporters do. New opens the capture file and the spool, starts to export, and binds
// no port. Where one variable is to blame, an error begins with it.
func New(c config.Config, log *slog.Logger, observers ...exchange.Observer) (*Sidecar, error) {
	s := &Sidecar{config: c, log: log, scrapes: newScrapes(), wired: make(chan struct{}), asked: make(chan struct{})}
	var err error
	if s.web, err = withWebConfig(c, log); err != nil {
		return nil, err
	}
	if c.CaptureFile != "" {
		if s.capture, err = capture.NewWriter(capture.Config{Path: c.CaptureFile, Labels: c.RequestLabels.Names(), Log: log}); err != nil {
			return nil, fmt.Errorf("%sCAPTURE_FILE: %w", config.Prefix, err)
		}
		observers = append(observers, s.capture)
	}
	if s.judging = newJudging(c, func() []exchange.InFlight { return s.tap.InFlight() }, func() slo.Set { return s.slos.judge.Set() }, log); s.judging != nil {
		observers = append(observers, s.judging)
	}
	if c.Role == exchange.Server {
		s.scaling = scaling.New()
		observers = append(observers, s.scaling)
	}
	if err := s.export(observers); err != nil {
		return nil, err
	}
	s.pauses = newPauses(c.Role)
	s.tap = tap.New(tap.Config{
		Dialects:   Dialects(),
		Observer:   s.pauses.before(s.first),
		Begun:      s.begin,
		Conditions: s.slos.judge.Conditions,
		Labels:     c.RequestLabels.List,
		LabelKey:   c.RequestLabels.Key,
		Limits:     c.RequestLimits,
		Role:       c.Role,
		Mode:       exchange.Explicit,
		Windows:    int64(c.MaxWindows),
	})
	s.hub = live.NewHub(live.Sources{View: s.view, Open: s.tap.AppendOpen, KeepFresh: s.tap.KeepFresh, Chains: s.chains.Chains, Turns: s.turns.Turns})
	gate, idle := newGate(len(c.RouteTable), log)
	dialer, waiting := new(sockets.Dialer), poller.New()
	s.gate = gate
	s.proxy = proxy.New(proxy.Config{
		Routes: c.RouteTable, Tap: s.tap, Log: log,
		HeadTimeout: c.RequestHeaderTimeout, ConnectTimeout: c.ConnectTimeout, HeaderTimeout: c.HeaderTimeout, IdleTimeout: c.IdleTimeout, Prewarm: c.Prewarm,
		Propagate: c.Propagation(), Sampled: s.otlp.sampled, ProxyProtocol: c.ProxyProtocol,
		Dialer: dialer, Gate: s.gate, Poller: waiting, MaxIdle: idle,
	})
	s.transparent = newTransparentListener(c, s.proxy, dialer, s.gate, waiting, s.chains, log)
	close(s.wired)
	return s, nil
}

// Listen binds the ports; that for applications only if the configuration has an address
// for it. listenName and adminName are the names of the settings with
// the addresses. An error begins with the setting that is to blame.
func (s *Sidecar) Listen(listenName, adminName string) error {
	var err error
	if s.config.Listen != "" {
		if s.listener, err = net.Listen("tcp", s.config.Listen); err != nil {
			return unbound(listenName, err)
		}
	}
	if s.admin, err = net.Listen("tcp", s.config.AdminListen); err != nil {
		s.unlisten()
		return unbound(adminName, err)
	}
	if err := s.transparent.listen(s.config.TransparentListen); err != nil {
		s.unlisten()
		_ = s.admin.Close()
		return err
	}
	return nil
}

// unlisten gives the port for applications back, if there is one.
func (s *Sidecar) unlisten() {
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

// unbound is the error err of binding the address that the setting has.
func unbound(setting string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: perhaps another headway, or a demo of it, has the port", setting, err)
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// Addr returns the address that applications connect to. Call it after Listen.
func (s *Sidecar) Addr() net.Addr { return s.listener.Addr() }

// AdminAddr returns the address of the admin port. Call it after Listen.
func (s *Sidecar) AdminAddr() net.Addr { return s.admin.Addr() }

// SLOs returns the goodput and the error budget of each SLO at the time now. Any
// goroutine may call it.
func (s *Sidecar) SLOs(now time.Time) slo.Snapshot { return s.slos.judge.Snapshot(now) }

// ReloadOn makes Run read files again at every signal on asked. Call it before Run.
func (s *Sidecar) ReloadOn(asked <-chan os.Signal) { s.reload = asked }

// export builds the stages behind the tap, from the last to the first: exporters and
// other observers, the sampler when traces are exported, the judge, the joiners of turns and
// of chains, the stage of prompt caches, the prices.
func (s *Sidecar) export(observers []exchange.Observer) error {
	c := s.config
	s.names = namesFor(c)
	var err error
	s.metrics, err = prometheus.New(prometheus.Config{
		Histograms: c.Histograms, SemConv: c.SemConv, Names: s.names, Live: s.live(), Edges: edges(c.SLOs.Set),
	})
	if err != nil {
		return err
	}
	if s.otlp, err = newTelemetry(c, s.names, s.live(), s.log); err != nil {
		return err
	}
	s.view = live.NewView(time.Now)
	s.view.SLOs, s.view.Open, s.view.Labels = s.SLOs, s.underWay, c.RequestLabels.Names()
	if s.probes, err = s.newProbes(c); err != nil {
		return err
	}
	next := s.otlp.sample(c.TraceRatio, append(append(exchange.Fanout{s.metrics, s.scrapes, s.view, s.probes}, s.otlp.observers()...), observers...))
	s.slos = newObjectives(c, s.log, next)
	s.slos.changed = func(set slo.Set) {
		s.metrics.SetEdges(edges(set))
		s.otlp.setEdges(edges(set))
	}
	s.turns = turn.New(turn.Config{Next: s.slos.judge, Log: s.log})
	s.chains = chain.New(chain.Config{Next: s.turns, Log: s.log, Exported: s.otlp.spans != nil})
	caches := promptcache.New(promptcache.Config{Next: s.chains, Bytes: promptBytes(memoryLimit())})
	s.prices = newPrices(c, caches, s.log)
	s.first = s.prices.before(caches)
	return nil
}

// begin tells the joiners that an exchange has begun.
func (s *Sidecar) begin(r exchange.Record) exchange.Attempt {
	r.Attempt = s.chains.Begin(r)
	s.turns.Begin(r)
	return r.Attempt
}

// namesFor returns the labels of models, upstreams and tenants that c allows. The upstreams of the
// configuration have theirs from the start.
func namesFor(c config.Config) *exporter.Names {
	names := exporter.NewNames(c.MaxModels, c.MaxUpstreams)
	names.Label(c.RequestLabels.Names(), c.MaxTenants)
	names.LimitSeries(maxSeries(c.MaxSeries, memoryLimit()))
	for i := range c.RouteTable {
		names.Keep(c.RouteTable[i].Upstream)
	}
	return names
}

// live returns functions that read numbers from the running program. Metrics call them
// at every scrape and every export, and so perhaps before New has finished: each waits
// until the sidecar is wired.
func (s *Sidecar) live() exporter.Live {
	return exporter.Live{
		Build:         build.Info(),
		InFlight:      after(s.wired, func() []exchange.InFlight { return s.tap.InFlight() }),
		Silent:        after(s.wired, func() []exchange.Silent { return s.tap.Silent() }),
		Buffering:     after(s.wired, func() []exchange.Buffering { return s.tap.Buffering() }),
		AcceptWaits:   after(s.wired, func() uint64 { return s.gate.Waits() }),
		Loops:         after(s.wired, func() uint64 { return s.proxy.Loops() + s.transparent.loops() }),
		Connections:   after(s.wired, s.connections),
		Detached:      after(s.wired, func() map[string]uint64 { return s.tap.Detached() }),
		ChainsOpen:    after(s.wired, func() int { return s.chains.Open() }),
		ChainsEvicted: after(s.wired, func() uint64 { return s.chains.Evicted() }),
		TurnsOpen:     after(s.wired, func() int { return s.turns.Open() }),
		TurnsEvicted:  after(s.wired, func() uint64 { return s.turns.Evicted() }),
		NamesShared:   after(s.wired, func() uint64 { return s.turns.Shared() }),
		SLOs:          after(s.wired, func() []exporter.SLO { return s.slos.counted() }),
		Drift:         after(s.wired, func() []exporter.Drift { return s.judging.drift() }),
		Tested:        after(s.wired, func() []exporter.Tested { return s.judging.tested() }),
		Headroom:      after(s.wired, func() []exporter.Headroom { return s.judging.headroom() }),
		Scaling:       s.scalingSignal(),
		Reloaded: after(s.wired, func() bool {
			return s.slos.reloaded() && s.prices.reloaded() && s.probes.reloaded() && s.web.reloaded() && s.judging.reloaded()
		}),
		Dropped: after(s.wired, s.dropped),

		ProbeRuns:      after(s.wired, func() []exporter.ProbeRuns { return s.probes.runs() }),
		ProbeSuccesses: after(s.wired, func() []exporter.ProbeSuccess { return s.probes.successes() }),
		ProbeLeader:    s.probeLeader(),

		Series: s.names.SeriesUse,

		CaptureReopened: s.captureReopened(),
		Queued:          after(s.wired, s.otlp.queued),
	}
}

// after returns a function that waits for ready, then calls f.
func after[T any](ready <-chan struct{}, f func() T) func() T {
	return func() T {
		<-ready
		return f()
	}
}

// captureReopened returns the function that counts how often the capture's file was opened
// anew, or nil without a capture.
func (s *Sidecar) captureReopened() func() uint64 {
	if s.capture == nil {
		return nil
	}
	return s.capture.Reopened
}

// dropped counts the losses on the way to the capture and to the collector, by signal.
func (s *Sidecar) dropped() map[string]uint64 {
	counts := map[string]uint64{"capture": 0}
	if s.capture != nil {
		counts["capture"] = s.capture.Dropped()
	}
	if s.judging != nil {
		counts["drift"] = s.judging.Dropped()
	}
	s.otlp.dropped(counts)
	return counts
}

// connections returns the number of client connections, by mode.
func (s *Sidecar) connections() map[string]uint64 {
	counts := map[string]uint64{}
	for mode, n := range s.proxy.Connections() {
		counts[string(mode)] = n
	}
	s.transparent.count(counts)
	return counts
}
