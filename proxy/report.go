package proxy

import (
	"time"

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

// reportEnd reports the end of the exchange to the tap, and so to the observers.
func (r *relay) reportEnd(result tap.Result) {
	slow := &r.client.proxy.engine.slow
	if slow.Load() {
		r.up.leader.StepDown()
	}
	began := tap.Now()
	r.x.End(result)
	if was := tap.Now().Sub(began) > slowReport; was != slow.Load() {
		slow.Store(was)
	}
}
