package proxy

import "github.com/headway-sidecar/headway/proxy/tap"

// When a client leaves, headway asks the kernel how many of the bytes that it has taken
// for the client the client's kernel has acknowledged. Nothing else tells what has arrived:
// a write succeeds when the own kernel has room. The answer counts what the other kernel
// has got; whether the application has read that, nobody can see.

// noteDeparture notes how much of its connection the client has acknowledged, when it has
// left. Only the first call counts: what the client's kernel does later is no delivery.
func (r *relay) noteDeparture() {
	if w, ok := r.client.conn.(wire); ok && r.acknowledged.Load() == nil {
		if n, known := w.acknowledged(); known {
			r.acknowledged.CompareAndSwap(nil, &n)
		}
	}
}

// receipt is how much of the response had reached the client when it left. Only the
// upstream's goroutine calls it, when it writes no more.
func (r *relay) receipt() tap.Receipt {
	r.noteDeparture() // unless it is known already
	w, ok := r.client.conn.(wire)
	acknowledged := r.acknowledged.Load()
	if !ok || acknowledged == nil || !r.answered {
		return tap.Receipt{}
	}
	sent := w.bytesSent() - r.unreported - r.sentBefore
	return tap.Receipt{Known: true, Sent: sent, Acknowledged: min(sent, max(0, *acknowledged-r.sentBefore))}
}
