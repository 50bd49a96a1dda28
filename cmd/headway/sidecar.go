package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// flushTimeout bounds how long telemetry may take to be written at the end.
const flushTimeout = 5 * time.Second

// sidecar is the program put together: proxy, tap, exporters, admin server.
type sidecar struct {
	config  config
	log     *slog.Logger
	proxy   *proxy.Proxy
	tap     *tap.Tap
	metrics *prometheus.Exporter
	capture *capture.Writer // nil without HEADWAY_CAPTURE_FILE

	listener net.Listener
	admin    net.Listener

	started  atomic.Bool
	stopping atomic.Bool
}

// newSidecar wires what c describes. Observers are told of every exchange beside
// the exporters. Nothing is bound yet.
func newSidecar(c config, log *slog.Logger, observers ...exchange.Observer) (*sidecar, error) {
	s := &sidecar{config: c, log: log}
	if c.CaptureFile != "" {
		var err error
		if s.capture, err = capture.NewWriter(capture.Config{Path: c.CaptureFile, Log: log}); err != nil {
			return nil, fmt.Errorf("%sCAPTURE_FILE: %w", envPrefix, err)
		}
		observers = append(observers, s.capture)
	}
	var err error
	s.metrics, err = prometheus.New(prometheus.Config{
		Histograms: c.Histograms, Models: exporter.NewModels(c.MaxModels), Live: s.live(),
	})
	if err != nil {
		return nil, err
	}
	s.tap = tap.New(tap.Config{
		Dialects: openai.Dialects(),
		Observer: append(exchange.Fanout{s.metrics}, observers...),
		Origin:   exchange.App,
		Role:     c.Role,
		Mode:     exchange.Explicit,
	})
	s.proxy = proxy.New(proxy.Config{
		Routes: c.routes, Tap: s.tap, Log: log,
		ConnectTimeout: c.ConnectTimeout, HeaderTimeout: c.HeaderTimeout, IdleTimeout: c.IdleTimeout, Prewarm: c.Prewarm,
	})
	return s, nil
}

// live is what the metrics read from the running program at every scrape.
func (s *sidecar) live() exporter.Live {
	return exporter.Live{
		Build:       build(),
		InFlight:    func() []exchange.InFlight { return s.tap.InFlight() },
		Connections: s.connections,
		Detached:    func() map[string]uint64 { return s.tap.Detached() },
		Dropped: func() map[string]uint64 {
			if s.capture == nil {
				return map[string]uint64{"capture": 0}
			}
			return map[string]uint64{"capture": s.capture.Dropped()}
		},
	}
}

// connections counts what was accepted, by mode.
func (s *sidecar) connections() map[string]uint64 {
	counts := map[string]uint64{}
	for mode, n := range s.proxy.Connections() {
		counts[string(mode)] = n
	}
	return counts
}

// listen binds both ports. An error begins with the name of the setting that the
// address came from.
func (s *sidecar) listen(listenName, adminName string) error {
	var err error
	if s.listener, err = net.Listen("tcp", s.config.Listen); err != nil {
		return fmt.Errorf("%s: %w", listenName, err)
	}
	if s.admin, err = net.Listen("tcp", s.config.AdminListen); err != nil {
		_ = s.listener.Close()
		return fmt.Errorf("%s: %w", adminName, err)
	}
	return nil
}

// run serves until ctx ends, then drains. It returns nil when all that ran could
// finish, and when DRAIN_TIMEOUT cut the rest.
func (s *sidecar) run(ctx context.Context) error {
	admin := &http.Server{Handler: s.adminHandler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- admin.Serve(s.admin) }()
	go func() { failed <- s.proxy.Serve(s.listener) }()
	go returnMemory(ctx, s.proxy.Open)
	s.warm()
	s.started.Store(true)
	s.log.Info("ready", "listen", s.listener.Addr().String(), "admin", s.admin.Addr().String())
	var failure error
	select {
	case err := <-failed:
		failure = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.drain()
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	defer stopAdmin(ctx, admin)
	return errors.Join(failure, s.flush(ctx))
}

// stopAdmin lets a scrape finish until ctx ends. What takes longer, a profile or a
// connection that asks for nothing, is cut: it has no say in how headway exits.
func stopAdmin(ctx context.Context, admin *http.Server) {
	if err := admin.Shutdown(ctx); err != nil {
		_ = admin.Close()
	}
}

// warm opens connections ahead of the first request. An upstream that is not
// there yet is not headway's failure.
func (s *sidecar) warm() {
	if err := s.proxy.Warm(); err != nil {
		s.log.Warn("opening upstream connections ahead", "err", err)
	}
}

// drain stops taking requests and lets those that run finish.
func (s *sidecar) drain() {
	s.stopping.Store(true)
	s.log.Info("draining", "timeout", s.config.DrainTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	if err := s.proxy.Drain(ctx); err != nil {
		s.log.Warn("cut what still ran", "err", err)
	}
}

// flush hands over what was measured last, until ctx ends.
func (s *sidecar) flush(ctx context.Context) error {
	told := make(chan struct{})
	go func() {
		s.tap.Wait()
		close(told)
	}()
	select {
	case <-told:
	case <-ctx.Done():
	}
	if s.capture == nil {
		return nil
	}
	return s.capture.Close(ctx)
}
