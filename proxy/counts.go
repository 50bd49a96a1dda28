package proxy

import (
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// counts counts client connections.
type counts struct {
	explicit, transparent atomic.Uint64 // by how they came
	upgraded, raw         atomic.Uint64 // of these, by what they became
}

// count counts the connection in n, unless no application opened it.
func (c *clientConn) count(n *atomic.Uint64) {
	if !c.uncounted {
		n.Add(1)
	}
}

// Connections counts the client connections so far: those that came explicit or
// transparent, and those of them that became a tunnel, upgraded by an exchange or
// raw from their first byte.
func (p *Proxy) Connections() map[exchange.Mode]uint64 {
	return map[exchange.Mode]uint64{
		exchange.Explicit:    p.counts.explicit.Load(),
		exchange.Transparent: p.counts.transparent.Load(),
		exchange.Upgraded:    p.counts.upgraded.Load(),
		exchange.Raw:         p.counts.raw.Load(),
	}
}
