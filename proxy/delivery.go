package proxy

import "github.com/headway-sidecar/headway/proxy/tap"

// When a client leaves, headway asks the kernel how many of the bytes that it has taken
// for the client the client's kernel has acknowledged. Nothing else tells what has arrived:
// a write succeeds when the own kernel has room. The answer counts what the other kernel
// has got; whether the application has read that, nobody can see.

// noteDeparture notes how much of its connection the client has acknowledged, when it has
// left. Only the first call counts: what the client's kernel does later is no delivery.
func (r *relay) noteDeparture() {
	if w := r.client.wire; w != nil && r.acknowledged.Load() == nil {
		if n, known := w.Acknowledged(); known {
			r.acknowledged.CompareAndSwap(nil, &n)
		}
	}
}

// receipt is how much of the response had reached the client when it left. Only the
// upstream's side calls it, when it writes no more.
func (r *relay) receipt() tap.Receipt {
	r.noteDeparture() // unless it is known already
	w := r.client.wire
	acknowledged := r.acknowledged.Load()
	if w == nil || acknowledged == nil || !r.answered {
		return tap.Receipt{}
	}
	sent := w.BytesSent() - r.unreported - r.sentBefore
	return tap.Receipt{Known: true, Sent: sent, Acknowledged: min(sent, max(0, *acknowledged-r.sentBefore))}
}
