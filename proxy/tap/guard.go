package tap

import (
	"sync/atomic"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// guard calls into the decoder, and detaches the decoder if it panics.
func (x *Exchange) guard(call func()) {
	if !safely(call) {
		x.detach(&x.tap.panicked, "decoder_panic")
	}
}

// safely reports whether call returned without a panic.
func safely(call func()) (sound bool) {
	defer func() { sound = recover() == nil }()
	call()
	return true
}

// observe calls the Observer. The exchange is over even if the Observer panics.
func (x *Exchange) observe(r exchange.Record) {
	if !safely(func() { x.tap.config.Observer.Observe(r) }) {
		x.tap.panicked.Add(1)
	}
}

// announce calls Config.Begun, and returns the Attempt that it returned. The tap measures the
// exchange even if Begun panics.
func (x *Exchange) announce() (a exchange.Attempt) {
	begun := x.tap.config.Begun
	if begun != nil && !safely(func() { a = begun(x.soFar()) }) {
		x.tap.panicked.Add(1)
	}
	return a
}

// detach takes the decoder off the exchange, which goes on without one.
func (x *Exchange) detach(counter *atomic.Uint64, note string) {
	counter.Add(1)
	x.decoder = nil
	x.progress.over.Store(true)
	x.record.Notes = append(x.record.Notes, note)
}
