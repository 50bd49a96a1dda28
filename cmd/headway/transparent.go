package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/transparent"
)

// redirected serves the connections that the packet filter leads here.
type redirected struct {
	*transparent.Server
	listener net.Listener
}

// newRedirected returns what serves redirected connections, which relays HTTP by
// p and tells of sealed exchanges; nil when none are awaited.
func newRedirected(c config.Config, p *proxy.Proxy, observer exchange.Observer, log *slog.Logger) *redirected {
	if c.TransparentListen == "" {
		return nil
	}
	dialer := new(transparent.Dialer)
	return &redirected{Server: transparent.New(transparent.Config{
		HTTP:      func(a transparent.Arrival) { p.ServeOriginal(a.Conn, original(a, dialer)) },
		Observer:  observer,
		Role:      c.Role,
		SealedTLS: c.SealedTLS,
		Dialer:    dialer, ConnectTimeout: c.ConnectTimeout, Log: log,
	})}
}

// original is a as the proxy takes it, on the connection that is open already if
// there is one.
func original(a transparent.Arrival, dialer *transparent.Dialer) proxy.Original {
	return proxy.Original{
		Read: a.Read, At: a.At, Address: a.To,
		Dial: func(ctx context.Context) (net.Conn, error) {
			if a.Upstream != nil {
				return a.Upstream, nil
			}
			return dialer.DialContext(ctx, "tcp", a.To.String())
		},
	}
}

// listen binds the port that connections are led to.
func (r *redirected) listen(address string) error {
	if r == nil {
		return nil
	}
	var err error
	if r.listener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("%sTRANSPARENT_LISTEN: %w", config.Prefix, err)
	}
	return nil
}

// count adds the tunnels to counts, by mode.
func (r *redirected) count(counts map[string]uint64) {
	if r == nil {
		return
	}
	for mode, n := range r.Connections() {
		counts[string(mode)] += n
	}
}

// open is the number of tunnels that are open.
func (r *redirected) open() int {
	if r == nil {
		return 0
	}
	return r.Open()
}

// drain is Drain, done at once without a listener.
func (r *redirected) drain(ctx context.Context) error {
	if r == nil {
		return nil
	}
	return r.Drain(ctx)
}
