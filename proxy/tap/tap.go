// Package tap measures one exchange as its bytes pass, and calls an Observer once, at
// the end of the exchange.
//
// The relay forwards first and calls the tap after, so that nothing here can delay,
// change or fail the traffic. One method speaks to the relay: Tell, which gives it the
// fields that announce headway's span to an upstream. The tap detaches a decoder that
// panics, overflows or falls behind, counts it, and records the exchange without it.
package tap

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config configures a Tap.
type Config struct {
	Dialects dialect.Set
	Observer exchange.Observer
	// Begun may be nil. The tap calls it when it has read a request whole, with the part
	// of the Record that it knows by then, and puts the Attempt that Begun returns into
	// the Record that the Observer gets. All else is as for Observe.
	Begun func(exchange.Record) exchange.Attempt
	// Conditions may be nil. The tap calls it for every request, looks in the head for
	// the conditions that it returns, and cannot wait for it.
	Conditions func() *exchange.Conditions
	// Labels are the labels that requests give their exchanges, exchange.MaxLabels at most.
	// LabelKey is the key of those that are hashes.
	Labels   []Label
	LabelKey []byte
	// Limits are the fields in which requests set limits for themselves.
	Limits []LimitField
	Role   exchange.Role
	Mode   exchange.Mode // of a Request that has none
	// Windows bounds the windows of all decompressors together, in bytes: those of brotli
	// and zstd, beyond 64 KiB each. 0 is DefaultWindows.
	Windows int64
}

// Tap measures exchanges. It is safe for concurrent use.
type Tap struct {
	config    Config
	flight    flight
	roster    roster
	paths     pathClasses
	buffering buffering
	labels    *labels        // nil without any
	open      sync.WaitGroup // exchanges that the Observer has not got yet

	backlogs    sync.Pool // of *backlog
	restored    sync.Pool // of *restored
	bodyReaders sync.Pool // of *bodyReader
	inflaters   frame.Inflaters
	budget      budget
	habits      calibration
	looks       looks
	debts       debts

	panicked   atomic.Uint64
	overflowed atomic.Uint64
	slow       atomic.Uint64
	windowless atomic.Uint64
	overworked atomic.Uint64
}

// New returns a Tap.
func New(c Config) *Tap {
	t := &Tap{config: c, flight: flight{live: map[flightKey]*exchange.InFlight{}}, habits: calibration{kinds: map[flightKey]*habits{}}, labels: newLabels(c.Labels, c.LabelKey)}
	t.budget.begin(cmp.Or(c.Windows, DefaultWindows))
	return t
}

// Detached counts the decoders that the tap has detached from their exchange, by
// reason.
func (t *Tap) Detached() map[string]uint64 {
	return map[string]uint64{
		"panic":    t.panicked.Load(),
		"overflow": t.overflowed.Load(),
		"slow":     t.slow.Load(),
		"window":   t.windowless.Load(),
		"work":     t.overworked.Load(),
	}
}

// InFlight counts the exchanges under way, by operation, model and upstream.
func (t *Tap) InFlight() []exchange.InFlight { return t.flight.list() }

// Wait returns when the Observer has got every exchange that has begun. No exchange
// may begin meanwhile.
func (t *Tap) Wait() { t.open.Wait() }

// Request is the head of a request as it goes to the upstream.
type Request struct {
	Method   string
	Path     string // undecoded, without the query
	Query    string // without the question mark
	Upstream exchange.Upstream
	Header   exchange.Header // valid while Begin runs
	Read     Instant         // when the relay had read the head
	Arrived  Instant         // when the head had come, by the kernel's stamp; 0 is Read, by the process's clock
	Origin   exchange.Origin // empty is exchange.App
	Probe    string          // of a canary: the name of its probe
	Mode     exchange.Mode   // empty is the Config's
}

// Instant is a moment on the process's monotonic clock.
type Instant time.Duration

// epoch is the zero of every Instant.
var epoch = time.Now()

// Now returns the present moment.
func Now() Instant { return Instant(time.Since(epoch)) }

// InstantOf returns the moment of t, which has a reading of the monotonic clock.
func InstantOf(t time.Time) Instant { return Instant(t.Sub(epoch)) }

// Sub returns the time from o to i.
func (i Instant) Sub(o Instant) time.Duration { return time.Duration(i - o) }

// Time returns i on the wall clock.
func (i Instant) Time() time.Time { return epoch.Add(time.Duration(i)) }

func (t *Tap) borrowBacklog() *backlog {
	if b, ok := t.backlogs.Get().(*backlog); ok {
		return b
	}
	return new(backlog)
}

func (t *Tap) returnBacklog(b *backlog) {
	b.n = 0
	t.backlogs.Put(b)
}

func (t *Tap) borrowRestored() *restored {
	if r, ok := t.restored.Get().(*restored); ok {
		return r
	}
	return new(restored)
}
