// Package tap measures one exchange as its bytes pass and tells an Observer
// once, at its end.
//
// The relay forwards first and calls the tap after: nothing here can delay,
// change or fail the traffic, but for Tell, which says what to tell an upstream of
// a span. What a decoder gets wrong, it gets wrong alone; a decoder that panics,
// overflows or falls behind is detached and counted, and the exchange is recorded
// without it.
package tap

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config is what a Tap measures with.
type Config struct {
	Dialects dialect.Set
	Observer exchange.Observer
	// Begun, when it is set, is told of every request that was read whole, with as
	// much of its Record as is known then. What it returns is the Attempt of the Record
	// that the Observer gets. Otherwise the contract is that of Observe.
	Begun func(exchange.Record) exchange.Attempt
	// Conditions, when it is set, returns what the heads of requests are looked at
	// for. It is called for each and must not wait.
	Conditions func() *exchange.Conditions
	Role       exchange.Role
	Mode       exchange.Mode
}

// Tap begins the measuring of exchanges. It is safe for concurrent use.
type Tap struct {
	config Config
	flight flight
	open   sync.WaitGroup // exchanges begun and not yet told

	backlogs sync.Pool // of *backlog

	panicked   atomic.Uint64
	overflowed atomic.Uint64
	slow       atomic.Uint64
}

// New returns a Tap.
func New(c Config) *Tap {
	return &Tap{config: c, flight: flight{live: map[flightKey]*exchange.InFlight{}}}
}

// Detached counts the decoders that were taken off their exchange, by reason.
func (t *Tap) Detached() map[string]uint64 {
	return map[string]uint64{
		"panic":    t.panicked.Load(),
		"overflow": t.overflowed.Load(),
		"slow":     t.slow.Load(),
	}
}

// InFlight lists what is under way, by operation, model and upstream.
func (t *Tap) InFlight() []exchange.InFlight { return t.flight.list() }

// Wait returns when every exchange that has begun was told to the Observer. No
// exchange may begin meanwhile.
func (t *Tap) Wait() { t.open.Wait() }

// Request is the head of a request as it goes to the upstream.
type Request struct {
	Method   string
	Path     string // undecoded, without the query
	Query    string
	Upstream exchange.Upstream
	Header   exchange.Header
	Read     Instant         // when the head had been read: the exchange's start
	Origin   exchange.Origin // empty: an application
	Mode     exchange.Mode   // empty: that of the tap
}

// Instant is a moment on the process's monotonic clock.
type Instant time.Duration

// since0 is the zero of every Instant.
var since0 = time.Now()

// Now is the present moment.
func Now() Instant { return Instant(time.Since(since0)) }

// Sub is the time from o to i.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i - o) }

// Time is the wall clock's reading at i.
func (i Instant) Time() time.Time { return since0.Add(time.Duration(i)) }

func (t *Tap) borrowBacklog() *backlog {
	if b, ok := t.backlogs.Get().(*backlog); ok {
		return b
	}
	return new(backlog)
}

func (t *Tap) returnBacklog(b *backlog) {
	if b != nil {
		b.n = 0
		t.backlogs.Put(b)
	}
}
