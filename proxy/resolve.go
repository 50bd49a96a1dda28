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
	// lookupEvery is how often the name of an upstream is looked up while connections
	// to it are open, and lookupTimeout how long that may take.
	lookupEvery   = 12 * time.Second
	lookupTimeout = 5 * time.Second
	// maxMissed is how often in a row an address may be missing among those of the name
	// before connections to it are retired. It is more than one for names that give a
	// different few of their addresses each time. With it, a change is followed within
	// 2 × lookupEvery + lookupTimeout: 30 s.
	maxMissed = 2
)

// openConns are the open connections to one upstream. While there are any, its name is
// looked up from time to time, and those to addresses that it has no more are
// retired: closed when they are idle, and not kept when they are busy.
type openConns struct {
	host     string
	resolver *net.Resolver // nil is the system's

	mu     sync.Mutex
	conns  map[*upstreamConn]int // and how often in a row the address was missing
	lookup *time.Timer           // nil while nothing is to be looked up
}

// add takes u among the open connections. Nothing is looked up when ctx is over.
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

// checkName looks the name up, and comes back later if there is still need to.
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
	if err == nil { // else nothing is known to have changed
		for _, u := range o.missingTooLong(found) {
			u.retired.Store(true)
			u.hangUp()
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lookup.Reset(lookupEvery)
}

// missingTooLong returns the connections whose addresses have been missing for too long, and
// are not in found either.
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
