package sidecar

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// FlushTimeout bounds the time for writing telemetry at the end. It bounds the last
	// answers of the admin port too.
	FlushTimeout = 5 * time.Second
	// urgentTimeout bounds, in an emergency, the cutting and then the writing.
	urgentTimeout = time.Second
	// leaveCheck is how often a sidecar that stops looks whether its application
	// has left.
	leaveCheck = 20 * time.Millisecond
)

// Run serves until ctx ends or somebody posts to /stop, then drains: it lets running
// exchanges finish, for HEADWAY_DRAIN_TIMEOUT at most, and flushes telemetry. A drain
// that had to cut exchanges is no error. The end of urgent, at any time, cuts everything.
// Run closes the ports; it can be called once, after Listen.
func (s *Sidecar) Run(ctx, urgent context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	admin := s.adminServer()
	failed := make(chan error, 3)
	go func() { failed <- s.serveAdmin(admin) }()
	go func() { failed <- s.proxy.Serve(s.listener) }()
	if s.transparent != nil {
		go func() { failed <- s.transparent.Serve(s.transparent.listener) }()
	}
	go returnMemory(ctx, s.proxy.Open)
	stopKeeping := s.keepObjectives()
	go s.start()
	var failure error
	select {
	case err := <-failed:
		failure = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	case <-s.asked:
	case <-urgent.Done():
	}
	s.drain(urgent)
	err := s.flush(urgent)
	stopKeeping()
	s.awaitScrape(urgent)
	last, done := lastMoments(urgent)
	defer done()
	stopAdmin(last, admin)
	return errors.Join(failure, err)
}

// keepObjectives follows the SLO file and keeps the error budgets, until stop is called.
// stop returns when the budgets are saved.
func (s *Sidecar) keepObjectives() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	kept := make(chan struct{})
	go func() {
		s.slos.follow(ctx, s.reload)
		close(kept)
	}()
	return func() {
		cancel()
		<-kept
	}
}

// start opens connections ahead of the first request. An upstream that is not there yet
// is no failure of headway.
func (s *Sidecar) start() {
	if err := s.proxy.Warm(); err != nil && !s.stopping.Load() {
		s.log.Warn("opening upstream connections ahead", "err", err)
	}
	s.started.Store(true)
	if !s.stopping.Load() {
		s.log.Info("ready", "listen", s.listener.Addr().String(), "admin", s.admin.Addr().String())
	}
}

// askToStop does the same as SIGTERM. Any goroutine may call it, any number of times.
func (s *Sidecar) askToStop() { s.askOnce.Do(func() { close(s.asked) }) }

// drain serves on for DRAIN_DELAY. Then it refuses new connections and lets running
// exchanges finish, until DRAIN_TIMEOUT has passed since drain began.
func (s *Sidecar) drain(urgent context.Context) {
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(urgent, s.config.DrainTimeout)
	defer cancel()
	s.log.Info("stopping", "clients", s.proxy.Open(), "delay", s.config.DrainDelay.String(), "timeout", s.config.DrainTimeout.String())
	s.serveOn(ctx)
	s.log.Info("draining", "clients", s.proxy.Open())
	over := make(chan error, 1)
	go func() { over <- s.drainAll(ctx) }()
	var err error
	select {
	case err = <-over:
	case <-urgent.Done():
		select {
		case err = <-over:
		case <-time.After(urgentTimeout):
			err = errors.New("some exchanges did not end when cut")
		}
	}
	if err != nil {
		s.log.Warn("cut what still ran", "err", err)
	}
}

// drainAll drains both ways in at once: a tunnel that idles holds up no more than
// itself.
func (s *Sidecar) drainAll(ctx context.Context) error {
	tunnels := make(chan error, 1)
	go func() { tunnels <- s.transparent.drain(ctx) }()
	return errors.Join(s.proxy.Drain(ctx), <-tunnels)
}

// serveOn goes on as before for DRAIN_DELAY. Meanwhile load balancers learn that headway
// is not ready any more, and every response tells its client to connect anew. An
// application beside headway has nowhere else to go: headway serves it as ever, and the
// delay ends as soon as it has left.
func (s *Sidecar) serveOn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.config.DrainDelay)
	defer cancel()
	if !s.servesOwnPod() {
		s.proxy.Retire()
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(leaveCheck)
	defer tick.Stop()
	for s.proxy.Open()+s.transparent.open() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// servesOwnPod says whether all clients are beside headway. Then they end with it, and
// no endpoint leads others here.
func (s *Sidecar) servesOwnPod() bool {
	at, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback() && s.config.Role == exchange.Client
}

// flush hands over the last measurements, within a bounded time. A collector that does
// not take them is no failure of headway.
func (s *Sidecar) flush(urgent context.Context) error {
	ctx, cancel := lastMoments(urgent)
	defer cancel()
	told := make(chan struct{})
	go func() {
		s.tap.Wait()
		close(told)
	}()
	select {
	case <-told:
	case <-ctx.Done():
	}
	s.chains.Close()
	sent := make(chan struct{})
	go func() {
		s.otlp.end(ctx, s.log)
		close(sent)
	}()
	var err error
	if s.capture != nil {
		err = s.capture.Close(ctx)
	}
	<-sent
	return err
}

// lastMoments returns a context for the work before the end. It ends when the time for
// that is over.
func lastMoments(urgent context.Context) (context.Context, context.CancelFunc) {
	timeout := FlushTimeout
	if urgent.Err() != nil {
		timeout = urgentTimeout
	}
	return context.WithTimeout(context.Background(), timeout)
}

// awaitScrape waits until the metrics of every exchange have been read, for
// SCRAPE_WAIT at most.
func (s *Sidecar) awaitScrape(urgent context.Context) {
	ctx, cancel := context.WithTimeout(urgent, s.config.ScrapeWait)
	defer cancel()
	if ctx.Err() != nil || s.scrapes.complete() {
		return
	}
	s.log.Info("waiting for a last scrape", "timeout", s.config.ScrapeWait.String())
	if !s.scrapes.await(ctx) {
		s.log.Warn("no scraper came for the last numbers")
	}
}

// stopAdmin lets a scrape finish until ctx ends. Then it cuts the rest, a profile or a
// connection that asks for nothing: they have no say in headway's exit.
func stopAdmin(ctx context.Context, admin *http.Server) {
	if err := admin.Shutdown(ctx); err != nil {
		_ = admin.Close()
	}
}
