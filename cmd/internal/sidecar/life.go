package sidecar

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// FlushTimeout is the most time that headway takes at the end to write telemetry,
	// and after that to finish the answers of the admin port.
	FlushTimeout = 5 * time.Second
	// urgentTimeout is the most time in an emergency for cutting exchanges, and again
	// for writing telemetry.
	urgentTimeout = time.Second
	// leaveCheck is the interval at which a sidecar that stops checks whether its
	// application has left.
	leaveCheck = 20 * time.Millisecond
)

// Run serves until ctx ends or somebody posts to /stop, then drains: it lets running
// exchanges finish, for HEADWAY_DRAIN_TIMEOUT at most, and flushes telemetry. A drain
// that had to cut exchanges is no error. When urgent ends, at any time, Run cuts
// everything. Run closes the ports. Call it once, after Listen.
func (s *Sidecar) Run(ctx, urgent context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	admin := s.adminServer()
	failed := make(chan error, 3)
	go func() { failed <- s.serveAdmin(admin) }()
	if s.listener != nil {
		go func() { failed <- s.proxy.Serve(s.listener) }()
	}
	if s.transparent != nil {
		go func() { failed <- s.transparent.Serve(s.transparent.listener) }()
	}
	go returnMemory(ctx, s.proxy.Open)
	stopKeeping := s.keepUp()
	go s.start()
	stopProbing := s.probes.run()
	var failure error
	select {
	case err := <-failed:
		failure = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	case <-s.asked:
	case <-urgent.Done():
	}
	stopProbing()
	s.drain(urgent)
	err := s.flush(urgent)
	stopKeeping()
	s.awaitScrape(urgent)
	s.hub.Close() // or its viewers would delay the exit
	last, done := lastMoments(urgent)
	defer done()
	stopAdmin(last, admin)
	return errors.Join(failure, err)
}

// keepUp follows the files of the configuration, judges by the load test, looks at open
// streams, and keeps the error budgets until the caller calls stop. stop returns when all state is saved.
func (s *Sidecar) keepUp() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var kept sync.WaitGroup
	var asked [6]chan os.Signal
	for i := range asked {
		asked[i] = make(chan os.Signal, 1)
	}
	kept.Go(func() { tellAll(ctx, s.reload, asked[:]) })
	watching := append(s.otlp.interimObservers(), s.metrics)
	kept.Go(func() { watchOpen(ctx, s.tap, watching, s.log) })
	kept.Go(func() { s.pauses.watch(ctx, s.tap, watching, s.log) })
	kept.Go(func() { s.slos.follow(ctx, asked[0]) })
	kept.Go(func() { s.probes.follow(ctx, asked[3]) })
	kept.Go(func() { s.prices.follow(ctx, asked[5]) })
	if s.web != nil {
		kept.Go(func() { s.web.file.follow(ctx, asked[1]) })
	}
	if s.capture != nil {
		kept.Go(func() { reopenOn(ctx, asked[2], s.capture) })
	}
	if s.judging != nil {
		kept.Go(func() { s.judging.follow(ctx, asked[4]) })
	}
	return func() {
		cancel()
		kept.Wait()
	}
}

// start opens upstream connections ahead of the first request. If an upstream is not
// there yet, start logs a warning, and headway still becomes ready.
func (s *Sidecar) start() {
	if err := s.proxy.Warm(); err != nil && !s.stopping.Load() {
		s.log.Warn("no connection to the upstream yet; headway tries again with the first request", "err", err)
	}
	s.started.Store(true)
	if !s.stopping.Load() {
		ports := []any{"admin", s.admin.Addr().String()}
		if s.listener != nil {
			ports = append([]any{"listen", s.listener.Addr().String(), "base_url", baseURL(s.listener.Addr())}, ports...)
		}
		s.log.Info("ready", ports...)
	}
}

// baseURL is what an application on the same machine has in place of the upstream's URL.
func baseURL(a net.Addr) string {
	to, ok := a.(*net.TCPAddr)
	if ok && to.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", to.Port)
	}
	return "http://" + a.String()
}

// askToStop has the same effect as SIGTERM. Any goroutine may call it, any number of
// times.
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
		s.log.Warn("cut the exchanges that still ran", "err", err)
	}
}

// drainAll drains the proxy and the tunnels at the same time, so that an idle tunnel
// delays the drain of no exchange.
func (s *Sidecar) drainAll(ctx context.Context) error {
	tunnels := make(chan error, 1)
	go func() { tunnels <- s.transparent.drain(ctx) }()
	return errors.Join(s.proxy.Drain(ctx), <-tunnels)
}

// serveOn lets headway serve as before for DRAIN_DELAY. Meanwhile load balancers learn
// that headway is not ready any more, and every response tells its client to connect
// anew. An application beside headway has no other sidecar to call: headway serves it
// unchanged, and the delay ends as soon as the application has closed its connections.
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

// servesOwnPod says whether all clients are beside headway. Such clients stop together
// with headway, and no endpoint leads other clients here.
func (s *Sidecar) servesOwnPod() bool {
	if s.listener == nil {
		return true // there are no clients
	}
	at, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback() && s.config.Role == exchange.Client
}

// flush writes the last measurements to the capture and sends them to the collector,
// within FlushTimeout or, in an emergency, urgentTimeout. If the collector does not
// take them, flush returns no error.
func (s *Sidecar) flush(urgent context.Context) error {
	ctx, cancel := lastMoments(urgent)
	defer cancel()
	observed := make(chan struct{})
	go func() {
		s.tap.Wait()
		close(observed)
	}()
	select {
	case <-observed:
	case <-ctx.Done():
	}
	s.chains.Close()
	s.turns.Close()
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

// lastMoments returns a context for the work before the exit. It ends after
// FlushTimeout or, in an emergency, urgentTimeout.
func lastMoments(urgent context.Context) (context.Context, context.CancelFunc) {
	timeout := FlushTimeout
	if urgent.Err() != nil {
		timeout = urgentTimeout
	}
	return context.WithTimeout(context.Background(), timeout)
}

// awaitScrape waits until somebody has read the metrics of every exchange, for
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

// stopAdmin lets requests to the admin port, such as a scrape, finish until ctx ends.
// Then it cuts the others, such as a long profile or a connection without a request, so
// that they do not delay headway's exit.
func stopAdmin(ctx context.Context, admin *http.Server) {
	if err := admin.Shutdown(ctx); err != nil {
		_ = admin.Close()
	}
}
