package sidecar

import (
	"context"
	"log/slog"
	"net"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/transparent"
)

// transparentListener serves the connections that the packet filter leads here. nil
// stands for explicit mode alone: methods on nil do nothing.
type transparentListener struct {
	*transparent.Server
	listener net.Listener
}

// newTransparentListener returns the listener of transparent mode, or nil if c has no
// address for it. The listener relays HTTP through p, opens all connections with the
// dialer, which p shares as it does the gate and the poller, and reports sealed exchanges
// to the observer.
func newTransparentListener(c config.Config, p *proxy.Proxy, dialer *sockets.Dialer, gate *sockets.Gate, waiting *poller.Poller, observer exchange.Observer, log *slog.Logger) *transparentListener {
	if c.TransparentListen == "" {
		return nil
	}
	return &transparentListener{Server: transparent.New(transparent.Config{
		HTTP:      func(a transparent.Arrival) { p.ServeOriginal(a.Conn, original(a, dialer)) },
		Observer:  observer,
		Role:      c.Role,
		SealedTLS: c.SealedTLS,
		Dialer:    dialer, Gate: gate, Poller: waiting, ConnectTimeout: c.ConnectTimeout, Log: log,
	})}
}

// original describes an arrival to the proxy. Its Dial returns the upstream connection
// of the arrival if that is open already, and otherwise opens one.
func original(a transparent.Arrival, dialer *sockets.Dialer) proxy.Original {
	return proxy.Original{
		Read: a.Read, At: a.At, Address: a.To, Ended: a.Ended,
		Dial: func(ctx context.Context) (net.Conn, error) {
			if a.Upstream != nil {
				return a.Upstream, nil
			}
			return dialer.DialContext(ctx, "tcp", a.To.String())
		},
	}
}

// listen binds the port to which the packet filter leads connections.
func (r *transparentListener) listen(address string) error {
	if r == nil {
		return nil
	}
	var err error
	if r.listener, err = net.Listen("tcp", address); err != nil {
		return unbound(config.Prefix+"TRANSPARENT_LISTEN", err)
	}
	return nil
}

// count adds the tunnels to counts, by mode.
func (r *transparentListener) count(counts map[string]uint64) {
	if r == nil {
		return
	}
	for mode, n := range r.Connections() {
		counts[string(mode)] += n
	}
}

// loops returns the number of connections that led back to headway.
func (r *transparentListener) loops() uint64 {
	if r == nil {
		return 0
	}
	return r.Loops()
}

// open returns the number of open tunnels.
func (r *transparentListener) open() int {
	if r == nil {
		return 0
	}
	return r.Open()
}

// drain waits for tunnels to end until ctx ends, then cuts the rest.
func (r *transparentListener) drain(ctx context.Context) error {
	if r == nil {
		return nil
	}
	return r.Drain(ctx)
}
