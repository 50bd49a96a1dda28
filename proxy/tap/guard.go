package tap

import (
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// guard runs a call into the decoder; should that panic, the decoder is gone.
func (x *Exchange) guard(call func()) {
	if !safely(call) {
		x.detach(&x.tap.panicked, "decoder_panic")
	}
}

// safely tells whether call returned without a panic.
func safely(call func()) (sound bool) {
	defer func() { sound = recover() == nil }()
	call()
	return true
}

// observe tells the Observer. Should that panic, the exchange is over all the same.
func (x *Exchange) observe(r exchange.Record) {
	if !safely(func() { x.tap.config.Observer.Observe(r) }) {
		x.tap.panicked.Add(1)
	}
}

// begun announces the exchange. Should that panic, it is measured all the same.
func (x *Exchange) begun() {
	announce := x.tap.config.Begun
	if announce != nil && !safely(func() { x.record.Attempt = announce(x.record) }) {
		x.tap.panicked.Add(1)
	}
}

// detach takes the decoder off the exchange, which goes on without.
func (x *Exchange) detach(counter *atomic.Uint64, note string) {
	counter.Add(1)
	x.decoder = nil
	x.record.Notes = append(x.record.Notes, note)
}
