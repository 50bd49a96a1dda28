package proxy

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// headway looks the name of an upstream up every lookupEvery while connections to it
	// are open. A lookup may take lookupTimeout.
	lookupEvery   = 12 * time.Second
	lookupTimeout = 5 * time.Second
	// headway retires the connections to an address that was missing from the answers
	// maxMissed times in a row. It is more than one because some names return a different
	// few of their addresses each time. So headway follows a change within
	// 2 × lookupEvery + lookupTimeout: 29 s.
	maxMissed = 2
)

// openConns holds the open connections to one upstream. While there are any, it looks
// the upstream's name up from time to time, and retires the connections to addresses
// that the name no longer has: it closes idle ones, and busy ones are not kept.
type openConns struct {
	host     string
	resolver *net.Resolver // nil is the system's

	mu     sync.Mutex
	conns  map[*upstreamConn]int // how often in a row the address of each was missing
	lookup *time.Timer           // nil while no lookup is due
}

// add adds u to the open connections. Lookups stop when ctx ends.
func (o *openConns) add(ctx context.Context, u *upstreamConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conns == nil {
		o.conns = map[*upstreamConn]int{}
	}
	o.conns[u] = 0
	if _, err := netip.ParseAddr(o.host); err != nil && o.lookup == nil {
		o.lookup = time.AfterFunc(lookupEvery, func() { o.checkName(ctx) })
	}
}

func (o *openConns) remove(u *upstreamConn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, u)
}

// checkName looks the name up once, and again after lookupEvery while connections are
// open.
func (o *openConns) checkName(ctx context.Context) {
	o.mu.Lock()
	if len(o.conns) == 0 || ctx.Err() != nil {
		o.lookup = nil
		o.mu.Unlock()
		return
	}
	o.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	resolver := o.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(within, "ip", o.host)
	if err == nil { // a lookup that fails tells of no change
		for _, u := range o.missingTooLong(found) {
			u.retired.Store(true)
			u.hangUp()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookup.Reset(lookupEvery)
}

// missingTooLong returns the connections whose addresses were missing from the last
// maxMissed answers, of which found is the latest.
func (o *openConns) missingTooLong(found []netip.Addr) (gone []*upstreamConn) {
	for i := range found {
		found[i] = found[i].Unmap().WithZone("")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for u := range o.conns {
		tcp, ok := u.raw.RemoteAddr().(*net.TCPAddr)
		if !ok || slices.Contains(found, tcp.AddrPort().Addr().Unmap().WithZone("")) {
			o.conns[u] = 0
			continue
		}
		if o.conns[u]++; o.conns[u] >= maxMissed {
			gone = append(gone, u)
		}
	}
	return gone
}
