// Package turn joins the exchanges of one session, and cuts sessions into turns: from the
// request that puts a human's message to the model, to the response that calls no tool. The
// user of an agent waited once, however many calls of models and tools that took.
//
// The evidence that two exchanges belong to one session has very different weights: from
// a session's name that the client sends, to messages that merely begin the same. The
// strongest evidence decides. No evidence joins two sessions that a name tells apart.
package turn

import (
	"cmp"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config configures a Joiner.
type Config struct {
	// Next gets every exchange at its end, with its Turn, and every chain. If it is a
	// TurnObserver, it also gets every turn when that is over. The Joiner calls it without
	// holding a lock.
	Next exchange.ChainObserver
	// MaxOpen bounds the number of sessions that the Joiner knows; 0 is 100,000. Beyond it
	// the Joiner forgets the session that has rested longest.
	MaxOpen int
	// MaxIdle is how long the Joiner knows a session that rests; 0 is 30 minutes. A turn
	// whose tools bring no results for so long is over.
	MaxIdle time.Duration
	// Recent is how many turns that are over Turns remembers; 0 is 256.
	Recent int
	// Log gets a warning when the Joiner begins to forget sessions in the middle of a turn,
	// and when many clients share a session's name. It may be nil.
	Log *slog.Logger
}

// Joiner is an exchange.ChainObserver that sets the Turn of every Record, and makes turns
// of the exchanges. It stands behind the chain stage. It is safe for concurrent use.
type Joiner struct {
	next    exchange.ChainObserver
	maxOpen int
	maxIdle time.Duration
	log     *slog.Logger
	epoch   time.Time
	seed    maphash.Seed

	mu       sync.Mutex
	closed   bool
	lastID   uint64 // of a session
	flights  map[exchange.SpanID]*flight
	sessions sessions
	index    index
	kinds    map[kind]*kind
	alarm    *time.Timer
	set      bool // the alarm is set
	evicted  uint64
	fleets   uint64
	errors   []exchange.ErrorType
	names    [1 << (endEvidence - 1)][]string // of sets of evidence, once each has been needed
	spare    []*flight
	recent   recent
	moved    map[exchange.ChainID]placed // of chains that are not over
}

// New returns a Joiner. Close ends it.
func New(c Config) *Joiner {
	j := &Joiner{
		next: c.Next, log: c.Log, epoch: time.Now(), seed: maphash.MakeSeed(),
		maxOpen: cmp.Or(c.MaxOpen, 100_000), maxIdle: cmp.Or(c.MaxIdle, 30*time.Minute),
		// A random start keeps the turns of two runs apart in one file.
		lastID:  maphash.String(maphash.MakeSeed(), ""),
		flights: map[exchange.SpanID]*flight{}, kinds: map[kind]*kind{},
		errors: []exchange.ErrorType{"", exchange.ErrOther},
		moved:  map[exchange.ChainID]placed{},
		recent: recent{keep: cmp.Or(c.Recent, 256)},
	}
	j.index = newIndex(&j.sessions, 2*j.maxOpen)
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	j.alarm = time.AfterFunc(time.Hour, j.expire)
	j.alarm.Stop()
	return j
}

// Begin begins an exchange, when the tap has read the request and the chain stage has set
// the Attempt of r. The caller passes the Record with the same Span.ID to Observe.
func (j *Joiner) Begin(r exchange.Record) {
	if !joins(&r) {
		return
	}
	var over []exchange.WholeTurn
	j.mu.Lock()
	_, over = j.begin(&r, over)
	over = j.evict(over)
	j.mu.Unlock()
	j.handOn(over)
}

// Observe joins r to its session and hands r on, and the turn too when r has ended it. An
// exchange without a Begin begins and ends at once.
func (j *Joiner) Observe(r exchange.Record) {
	var over []exchange.WholeTurn
	if joins(&r) {
		over = j.observeLocked(&r)
	} else {
		j.withdraw(r.Span.ID)
	}
	j.next.Observe(r)
	j.handOn(over)
}

// observeLocked is the part of Observe that holds the lock. It sets the Turn of r.
func (j *Joiner) observeLocked(r *exchange.Record) (over []exchange.WholeTurn) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.flights[r.Span.ID]
	if f == nil {
		f, over = j.begin(r, nil)
	}
	over = j.end(f, r, over)
	for i := range over {
		if t := &over[i]; t.ID == r.Turn.ID && r.Turn.ID != 0 && !t.Late {
			r.Turn.Outcome, r.Turn.Alone = t.Outcome, t.Alone()
		}
	}
	if r.Turn.Alone {
		r.Turn.Parent = exchange.SpanID{}
	}
	return j.evict(over)
}

// ObserveChain hands c on. The turn of a chain that silence has closed no longer waits for
// another attempt.
func (j *Joiner) ObserveChain(c exchange.Chain) {
	j.mu.Lock()
	if p, ok := j.moved[c.ID]; ok {
		c.Last.Span.Trace, c.Last.Turn = p.trace, p.turn
		delete(j.moved, c.ID)
	}
	var over []exchange.WholeTurn
	if c.Outcome != exchange.FirstTry {
		over = j.giveUp(&c)
	}
	j.mu.Unlock()
	j.next.ObserveChain(c)
	j.handOn(over)
}

// placed is the place of the last attempt of a chain.
type placed struct {
	trace exchange.TraceID
	turn  exchange.Turn
}

// joins reports whether r may belong to a turn: it is production traffic that asks a model
// to generate an answer, and headway could read the request.
func joins(r *exchange.Record) bool {
	switch r.Mode {
	case exchange.Sealed, exchange.Raw, exchange.Upgraded:
		return false
	}
	return r.Origin != exchange.Canary && r.Operation.Generates()
}

// Sessions returns the number of sessions that the Joiner knows, and Open that of the turns
// that are not over.
func (j *Joiner) Sessions() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sessions.n
}

// Open returns the number of turns that are not over.
func (j *Joiner) Open() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sessions.turns
}

// Evicted returns how many turns the Joiner has ended before their time, for want of room.
func (j *Joiner) Evicted() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.evicted
}

// Shared returns how many names of sessions turned out to be shared by many clients.
func (j *Joiner) Shared() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fleets
}

// Close ends all turns. An exchange that ends after Close is a turn of its own.
func (j *Joiner) Close() {
	j.mu.Lock()
	j.closed = true
	j.alarm.Stop()
	var over []exchange.WholeTurn
	for s := j.sessions.at(j.sessions.oldest); s != nil; s = j.sessions.at(j.sessions.oldest) {
		over = j.forget(s, over)
	}
	j.mu.Unlock()
	j.handOn(over)
}

// handOn passes turns that are over to the next observer.
func (j *Joiner) handOn(turns []exchange.WholeTurn) {
	for i := range turns {
		exchange.HandTurn(j.next, turns[i])
	}
}

// now is the present moment, in seconds from the Joiner's epoch.
func (j *Joiner) now() uint32 { return uint32(time.Since(j.epoch) / time.Second) }
