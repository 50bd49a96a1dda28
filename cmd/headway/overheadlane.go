package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/probe/overhead"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// overheadLanes are the connections of every worker, one each way. The requests of both
// ways pass a tap of this process, the same code that measures production; what it costs
// is in both samples of a pair, and not in their difference.
type overheadLanes struct {
	options *overheadOptions
	lanes   [][2]*overheadLane // by worker and way
}

// overheadLane is a client whose requests a tap measures. They are canaries with cold
// prompts, so that no cache of prompts answers one sooner than the other one of its pair.
type overheadLane struct {
	client  *http.Client
	writer  *canary.Writer
	records chan exchange.Record
}

// newOverheadLanes makes the lanes that o.plan needs.
func newOverheadLanes(o *overheadOptions, routes [2]config.Config, log *slog.Logger) (*overheadLanes, error) {
	l := &overheadLanes{options: o}
	for range o.plan.Concurrency {
		var both [2]*overheadLane
		for way := range both {
			lane, err := newOverheadLane(o, routes[way], log)
			if err != nil {
				return nil, err
			}
			both[way] = lane
		}
		l.lanes = append(l.lanes, both)
	}
	return l, nil
}

func newOverheadLane(o *overheadOptions, c config.Config, log *slog.Logger) (*overheadLane, error) {
	writer, err := canary.NewWriter(&probe.Probe{
		Name: "overhead", URL: o.target, Dialect: o.dialect, Model: o.model, Shape: probe.Shape{Input: o.input, Output: o.answer}, Cache: probe.Cold,
	})
	if err != nil {
		return nil, err
	}
	lane := &overheadLane{writer: writer, records: make(chan exchange.Record, 1)}
	p := proxy.New(proxy.Config{
		Routes: c.RouteTable, Log: log, HeadTimeout: c.RequestHeaderTimeout, ConnectTimeout: c.ConnectTimeout,
		Tap: tap.New(tap.Config{Dialects: sidecar.Dialects(), Observer: lane, Role: c.Role, Mode: exchange.Explicit}),
	})
	lane.client = &http.Client{Transport: &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return p.Connect("overhead") },
		DisableCompression: true,
	}}
	return lane, nil
}

// Observe implements exchange.Observer. A Record that nobody waits for any more makes way.
func (l *overheadLane) Observe(r exchange.Record) {
	select {
	case <-l.records:
	default:
	}
	l.records <- r
}

func (l *overheadLanes) close() {
	for _, both := range l.lanes {
		for _, lane := range both {
			lane.client.CloseIdleConnections()
		}
	}
}

// send implements overhead.Plan's Send.
func (l *overheadLanes) send(ctx context.Context, worker int, way overhead.Way) (overhead.Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.timeout)
	defer cancel()
	lane := l.lanes[worker][way]
	select { // the Record of a request that was given up
	case <-lane.records:
	default:
	}
	request, err := lane.request(ctx, l.options.key)
	if err != nil {
		return overhead.Sample{}, err
	}
	response, err := lane.client.Do(request)
	if err != nil {
		return overhead.Sample{}, fmt.Errorf("sending a request: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err != nil {
		return overhead.Sample{}, fmt.Errorf("reading an answer: %w", err)
	}
	select {
	case r := <-lane.records:
		if r.Usage.Input.Known {
			lane.writer.Counted(r.Usage.Input.N)
		}
		return l.options.sample(&r)
	case <-ctx.Done():
		return overhead.Sample{}, ctx.Err()
	}
}

// request makes the next request. The route of the lane knows the host.
func (l *overheadLane) request(ctx context.Context, key string) (*http.Request, error) {
	next, err := l.writer.Next(key)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://target"+next.Path, bytes.NewReader(next.Body))
	if err != nil {
		return nil, err
	}
	r.Header = next.Header
	r.Header.Set("User-Agent", "headway")
	return r, nil
}

// sample is the measurement of an answer. An answer that is none has no times to compare.
func (o *overheadOptions) sample(r *exchange.Record) (overhead.Sample, error) {
	tokens := o.input + o.answer
	if r.Usage.Input.Known && r.Usage.Output.Known {
		tokens = int(r.Usage.Input.N + r.Usage.Output.N)
	}
	switch {
	case r.Outcome != exchange.OK:
		return overhead.Sample{}, fmt.Errorf("the answer has status %d, and ended as %s", r.Status, r.Outcome)
	case r.Unread || !r.Stream:
		return overhead.Sample{Tokens: tokens}, fmt.Errorf("the answer is no stream of %s", o.dialect)
	}
	return overhead.Sample{TTFT: r.TTFT(), TPOT: r.TPOT(), E2E: r.E2E(), Tokens: tokens}, nil
}
