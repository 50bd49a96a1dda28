// Package chain joins the attempts that a client made for one logical call, and
// knows when the call is over: the user waited once, however often the client
// tried.
//
// The evidence that two requests are attempts of one call has very different weights:
// from an identifier that the client keeps, to a request that merely looks the same.
// The strongest evidence decides, and the chain says which it was. Where the evidence
// fits two chains equally well, the chain says that, too.
package chain

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
	// Next gets every exchange at its end, with its Attempt, and every chain when it is
	// over. The Joiner calls it without holding a lock.
	Next exchange.ChainObserver
	// MaxOpen bounds the number of open chains; 0 is 100,000. MaxBytes bounds their
	// memory; 0 is 64 MiB. Beyond either the Joiner closes the oldest chain.
	MaxOpen  int
	MaxBytes int
	// MaxAge bounds how long a chain goes on; 0 is an hour. A client that tries for
	// longer is polling.
	MaxAge time.Duration
	// Recent is how many chains that are over Chains remembers; 0 is 256.
	Recent int
	// Exported says that headway exports spans: Chains then names the trace of a chain
	// even if neither client nor upstream knows the trace.
	Exported bool
	// Log gets a warning when the Joiner begins to close chains before their time. It
	// may be nil.
	Log *slog.Logger
}

// Joiner is an exchange.Observer that sets the Attempt of every Record, and makes
// chains of the attempts. It is safe for concurrent use.
type Joiner struct {
	next             exchange.ChainObserver
	maxOpen, maxSize int
	maxAge           time.Duration
	exported         bool
	log              *slog.Logger
	epoch            time.Time
	seed             maphash.Seed

	mu      sync.Mutex
	closed  bool
	lastID  exchange.ChainID
	flights map[ticket]*attempt
	index   index
	ages    ages  // all open chains
	silent  queue // the chains that wait for another attempt
	alarm   *time.Timer
	kinds   kinds
	errors  map[exchange.ErrorType]exchange.ErrorType // each once
	size    int                                       // of all open chains, in bytes
	evicted uint64
	spare   spare
	recent  recent
}

// ticket names an attempt under way by the Attempt that Begin returned for it. Its
// number is not the attempt's, which later evidence may change.
type ticket struct {
	chain  exchange.ChainID
	number int
}

// New returns a Joiner. Close ends it.
func New(c Config) *Joiner {
	j := &Joiner{
		next: c.Next, log: c.Log, epoch: time.Now(), seed: maphash.MakeSeed(),
		maxOpen: cmp.Or(c.MaxOpen, 100_000), maxSize: cmp.Or(c.MaxBytes, 64<<20), maxAge: cmp.Or(c.MaxAge, time.Hour),
		exported: c.Exported, recent: recent{keep: cmp.Or(c.Recent, 256)},
		// A random start keeps the chains of two runs apart in one file.
		lastID:  exchange.ChainID(maphash.String(maphash.MakeSeed(), "")),
		flights: map[ticket]*attempt{}, index: newIndex(), kinds: kinds{known: map[kind]*kindUse{}},
		errors: map[exchange.ErrorType]exchange.ErrorType{},
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	j.alarm = time.AfterFunc(time.Hour, j.expire)
	j.alarm.Stop()
	return j
}

// Begin begins an attempt, when the tap has read the request. It returns the Attempt
// that the Record has to have when the caller passes it to Observe. A chain whose next
// attempt is under way is not over, however long that takes.
func (j *Joiner) Begin(r exchange.Record) exchange.Attempt {
	if !joins(&r) {
		return exchange.Attempt{}
	}
	begun, evicted := j.beginLocked(&r)
	j.handOn(evicted)
	return begun
}

// beginLocked is the part of Begin that holds the lock.
func (j *Joiner) beginLocked(r *exchange.Record) (exchange.Attempt, []exchange.Chain) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.begin(r)
	return exchange.Attempt{Chain: a.ticket.chain, Number: a.ticket.number}, j.evict()
}

// Observe joins r to its chain and hands r on, and the chain too when r has ended it.
// An exchange without a Begin begins and ends at once.
func (j *Joiner) Observe(r exchange.Record) {
	if !joins(&r) {
		j.withdraw(r.Attempt)
		r.Attempt = exchange.Attempt{}
		j.next.Observe(r)
		return
	}
	c, over, evicted := j.endLocked(&r)
	j.handOn(evicted)
	j.next.Observe(r)
	if over {
		j.next.ObserveChain(c)
	}
}

// endLocked is the part of Observe that holds the lock: it sets the Attempt of r, and
// returns the chain if r has ended it.
func (j *Joiner) endLocked(r *exchange.Record) (c exchange.Chain, over bool, evicted []exchange.Chain) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.flights[ticket{r.Attempt.Chain, r.Attempt.Number}]
	if a == nil {
		a = j.begin(r)
	}
	c, over = j.end(a, r)
	return c, over, j.evict()
}

// joins reports whether r may be an attempt of a call: it is production traffic, and
// headway could read the request.
func joins(r *exchange.Record) bool {
	switch r.Mode {
	case exchange.Sealed, exchange.Raw, exchange.Upgraded:
		return false
	}
	return r.Origin != exchange.Canary
}

// Open returns the number of open chains: an attempt of theirs is under way, or another
// may come.
func (j *Joiner) Open() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ages.n
}

// Evicted returns how many chains the Joiner has closed before their time, for want of
// room.
func (j *Joiner) Evicted() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.evicted
}

// Close closes all open chains. An attempt that ends after Close is a chain of its own,
// and over at once.
func (j *Joiner) Close() {
	j.mu.Lock()
	j.closed = true
	j.alarm.Stop()
	var over []exchange.Chain
	for c := j.ages.oldest; c != nil; c = j.ages.oldest {
		over = j.abandon(c, over)
	}
	j.mu.Unlock()
	j.handOn(over)
}

// handOn passes chains that are over to the next observer.
func (j *Joiner) handOn(chains []exchange.Chain) {
	for i := range chains {
		j.next.ObserveChain(chains[i])
	}
}
