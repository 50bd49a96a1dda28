package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// slowReport is how long a report to the tap may hold up the other connections of a loop.
// The next one of its kind gets a goroutine that does not lead, until one is quick again.
// A decoder takes a microsecond, and an observer ten, as a rule.
const slowReport = 500 * time.Microsecond

// reportBody reports the content that was read last, and written to the client, to the tap.
func (r *relay) reportBody(at tap.Instant) {
	if len(r.body.spans) == 0 {
		return
	}
	if r.slow {
		r.up.leader.StepDown()
	}
	r.reportArrival()
	r.slow = r.x.Chunk(r.body.spans, at, tap.Now()) > slowReport
}

// reportEnd reports the end of the exchange from the upstream's side.
func (r *relay) reportEnd(result tap.Result) {
	r.client.proxy.engine.reportEnd(r.x, result, r.up.leader)
}

// reportEnd reports the end of an exchange from the client's side: one that got no
// upstream connection, or that broke off in a panic.
func (c *clientConn) reportEnd(x *tap.Exchange, result tap.Result) {
	c.proxy.engine.reportEnd(x, result, c.leader)
}

// reportEnd reports the end of an exchange to the tap, and so to the observers. All Records
// come from here. The calling goroutine may lead a loop as leader.
func (e *engine) reportEnd(x *tap.Exchange, result tap.Result, leader *poller.Leader) {
	if e.slow.Load() {
		leader.StepDown()
	}
	began := tap.Now()
	x.End(result)
	if slow := tap.Now().Sub(began) > slowReport; slow != e.slow.Load() {
		e.slow.Store(slow)
	}
}
