package config

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// lookupLimit bounds the time that Read spends on resolving names. A name without an
// answer by then is no problem: headway looks names up again while it runs.
const lookupLimit = 2 * time.Second

// listener is an address at which headway will listen.
type listener struct {
	variable string
	address  string // as it was written
	port     int
	at       []netip.Addr // nil is every address of the machine
}

// listeners returns the listeners of c that have a fixed port.
func (c *Config) listeners(m *machine) []listener {
	var all []listener
	for _, l := range []listener{
		{variable: Prefix + "LISTEN", address: c.Listen},
		{variable: Prefix + "ADMIN_LISTEN", address: c.AdminListen},
		{variable: Prefix + "TRANSPARENT_LISTEN", address: c.TransparentListen},
	} {
		host, port, err := net.SplitHostPort(l.address)
		if err != nil {
			continue
		}
		if l.port, err = net.LookupPort("tcp", port); err != nil || l.port == 0 {
			continue
		}
		// Package net listens on all addresses, of IPv4 and of IPv6, for 0.0.0.0 as for ::.
		if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
			if l.at = m.resolve(host); len(l.at) == 0 {
				continue
			}
			slices.SortStableFunc(l.at, func(a, b netip.Addr) int { return cmp.Compare(a.BitLen(), b.BitLen()) })
			l.at = l.at[:1] // of a name with several addresses, package net binds one, of IPv4 if there is one
		}
		all = append(all, l)
	}
	return all
}

// overlaps says whether l and o cannot both be bound.
func (l *listener) overlaps(o *listener) bool {
	return l.port == o.port && (l.at == nil || o.at == nil || slices.Contains(l.at, o.at[0]))
}

// machine is the host that headway runs on: its addresses, and the names that it can
// resolve until ctx ends.
type machine struct {
	ctx       context.Context
	addresses []netip.Addr
}

func newMachine(ctx context.Context) *machine {
	m := &machine{ctx: ctx}
	found, _ := net.InterfaceAddrs() // without an answer, loopback is known still
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				m.addresses = append(m.addresses, ip.Unmap())
			}
		}
	}
	return m
}

// resolve returns the addresses to which a connection to host may go. There are none for
// a name without an answer.
func (m *machine) resolve(host string) []netip.Addr {
	loopback := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761, section 6.3
		return loopback
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip = ip.WithZone("").Unmap(); ip.IsUnspecified() {
			return loopback // package net dials the local system
		}
		return []netip.Addr{ip}
	}
	found, _ := net.DefaultResolver.LookupNetIP(m.ctx, "ip", host)
	for i := range found {
		found[i] = found[i].WithZone("").Unmap()
	}
	return found
}

// has says whether a connection to ip stays on the machine.
func (m *machine) has(ip netip.Addr) bool { return ip.IsLoopback() || slices.Contains(m.addresses, ip) }

// checkListeners refuses two listeners at one address, and whatever would make headway
// send its traffic or its telemetry to a listener of its own. headway runs on m.
func (c *Config) checkListeners(f *findings, m *machine) {
	own := c.listeners(m)
	for i := range own {
		for _, first := range own[:i] {
			wrong, other := own[i], first
			if _, chosen := f.values[wrong.variable]; !chosen {
				wrong, other = first, own[i]
			}
			if wrong.overlaps(&other) {
				f.check(strings.TrimPrefix(wrong.variable, Prefix),
					fmt.Errorf("%q cannot be bound beside %s (%s), which has the same port", wrong.address, other.variable, other.address))
			}
		}
	}
	for i := range c.RouteTable {
		r := &c.RouteTable[i]
		key := "UPSTREAM"
		if r.Prefix != "" {
			key = "ROUTES"
		}
		f.check(key, m.ownPort(r.String(), r.Upstream, own))
	}
	for _, d := range []*Destination{&c.OpenTelemetry.Traces, &c.OpenTelemetry.Metrics} {
		if to, ok := d.upstream(); ok {
			f.checkOnce(d.variable, m.ownPort(d.Endpoint, to, own))
		}
	}
}

// ownPort returns an error if a connection to the host and port of to arrives at one of
// headway's own listeners. written is the way in which the user wrote the destination.
func (m *machine) ownPort(written string, to exchange.Upstream, own []listener) error {
	var resolved []netip.Addr
	for _, l := range own {
		if l.port != to.Port {
			continue // so that most upstreams need no lookup
		}
		if resolved == nil {
			resolved = m.resolve(to.Host)
		}
		for _, ip := range resolved {
			if l.at == nil && m.has(ip) || slices.Contains(l.at, ip) {
				return loop(written, to.Host, ip, &l)
			}
		}
	}
	return nil
}

// loop is the error of a destination that is the listener l. The host of the destination
// has the address ip.
func loop(written, host string, ip netip.Addr, l *listener) error {
	where := ""
	if given, err := netip.ParseAddr(host); err != nil || given.Unmap() != ip {
		where = fmt.Sprintf(" (%s is %s, an address of this machine)", host, ip)
	}
	why := "headway would send its requests to itself, again and again"
	if l.variable == Prefix+"ADMIN_LISTEN" {
		why = "headway's own admin port, which takes no such requests"
	}
	return fmt.Errorf("%s leads to %s=%s%s: %s", quoted(written), l.variable, l.address, where, why)
}

// upstream returns the host and the port of the endpoint, if it has one.
func (s *Destination) upstream() (exchange.Upstream, bool) {
	endpoint := s.Endpoint
	if s.GRPC && endpoint != "" {
		endpoint = "grpc://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" {
		return exchange.Upstream{}, false
	}
	port, err := net.LookupPort("tcp", cmp.Or(u.Port(), u.Scheme))
	return exchange.Upstream{Host: u.Hostname(), Port: port}, err == nil
}
