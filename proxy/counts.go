package proxy

import (
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// counts counts client connections.
type counts struct {
	explicit, transparent atomic.Uint64 // all connections, by the way they came in
	upgraded, raw         atomic.Uint64 // those of them that became tunnels
}

// count counts the connection in n, unless no application opened it.
func (c *clientConn) count(n *atomic.Uint64) {
	if !c.uncounted {
		n.Add(1)
	}
}

// Connections counts the connections that applications have opened so far: explicit and
// transparent ones, and those of them that became tunnels, upgraded by an exchange or
// raw from their first byte. Connections from Connect are not among them.
func (p *Proxy) Connections() map[exchange.Mode]uint64 {
	return map[exchange.Mode]uint64{
		exchange.Explicit:    p.counts.explicit.Load(),
		exchange.Transparent: p.counts.transparent.Load(),
		exchange.Upgraded:    p.counts.upgraded.Load(),
		exchange.Raw:         p.counts.raw.Load(),
	}
}
