package tap

import "github.com/headway-sidecar/headway/proxy/exchange"

// Upgraded reports that the exchange has turned its connections into a tunnel. The bytes
// that follow are no request and no response: the tap counts them and reads none. A
// session that is open is no request in flight and no exchange of a dialect either.
func (x *Exchange) Upgraded() {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended || x.record.Mode == exchange.Upgraded {
		return
	}
	x.record.Mode = exchange.Upgraded
	x.decoder = nil
	x.tap.flight.add(x.key, -1, -x.openStreams())
	x.tap.roster.leave(x)
	if x.sessions != nil {
		x.record.Dialect, x.record.Provider, x.key.operation, x.key.model = "", "", "", ""
	}
}
