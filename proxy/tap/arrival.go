package tap

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// coming is when bytes came, and when the relay had read them. Both are equal if only the
// relay knows.
type coming struct{ at, read Instant }

// Arrived says that the bytes of the upstream that the relay read at read had come at the
// given moment, by the kernel's stamp. The relay calls it once for the read, before it
// reports the bytes, on the side of the response. Reports of a read without a call have come
// when they were read, by the clock of the process.
func (x *Exchange) Arrived(at, read Instant) { x.stamp = coming{min(at, read), read} }

// cameAt returns the arrival of the bytes that the relay read at read. No arrival is earlier
// than the one before. The caller holds x.mu, and is the side of the response.
func (x *Exchange) cameAt(read Instant) coming {
	a := coming{read, read}
	if x.stamp.read == read {
		a = x.stamp
	}
	x.stamped = x.stamped && a.stamped()
	a.at = min(max(a.at, x.latest.at), read)
	x.latest = a
	return a
}

// stamped says whether the kernel told the arrival: it is always earlier than the read.
func (a coming) stamped() bool { return a.at < a.read }

// endedAt is the moment of the end that the relay reports: the arrival of the last bytes,
// if it ended with them.
func (x *Exchange) endedAt(at Instant) Instant {
	if x.latest.read == at {
		return x.latest.at
	}
	return at
}

// clock is the clock of all arrivals so far.
func (x *Exchange) clock() exchange.ArrivalClock {
	if x.stamped {
		return exchange.KernelClock
	}
	return exchange.ProcessClock
}

// bookArrival books the wait for bytes of the body that came at a, and how long they lay in
// the kernel while headway had nothing else to do for the exchange: headway waited for a
// processor then.
func (x *Exchange) bookArrival(a coming) {
	late := time.Duration(0)
	if a.stamped() {
		late = max(0, a.read.Sub(max(a.at, x.ready)))
	}
	x.bookWait(a.at)
	if late > 0 {
		x.late += late
		x.record.Clocks.Proxy.Add(late)
	}
}
