// Package chain joins the attempts that a client made for one logical call, and
// knows when the call is over: the user waited once, however often the client
// tried.
//
// What says that two requests are attempts of one call is evidence of very
// different weight, from an identifier that the client keeps to a request that
// merely looks the same. The strongest there is decides, the chain says which it
// was, and where two chains could have been meant it says that, too.
package chain

import (
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Config is what a Joiner joins with.
type Config struct {
	// Next is told of every exchange when it ended, with its Attempt, and of every
	// chain when it is over.
	Next exchange.ChainObserver
	// MaxOpen bounds the chains that are open at a time; 0 is 100,000. MaxBytes bounds
	// what they hold; 0 is 64 MiB. Beyond either the oldest is closed.
	MaxOpen  int
	MaxBytes int
	// MaxAge bounds how long a chain goes on; 0 is an hour. A client that tries for
	// longer is one that polls.
	MaxAge time.Duration
	// Recent is how many chains Chains remembers that were over; 0 is 256.
	Recent int
	// Exported says that spans are exported: Chains then names the trace of a chain even
	// if its client knows of none.
	Exported bool
	// Log is told when chains begin to be closed before their time; nil is nobody.
	Log *slog.Logger
}

// Joiner is an exchange.Observer that sets the Attempt of every Record and tells
// the next observers of chains. It is safe for concurrent use. Next is called
// without any lock of the Joiner's.
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
	ages    ages  // of all open chains
	silent  queue // of those that wait for another attempt
	alarm   *time.Timer
	kinds   kinds
	errors  map[exchange.ErrorType]exchange.ErrorType // each once
	size    int                                       // bytes held by open chains
	evicted uint64
	spare   spare
	recent  recent
}

// ticket names an attempt under way: the Attempt that Begin gave it. The number is
// not that of the attempt, which evidence to come may change.
type ticket struct {
	chain  exchange.ChainID
	number int
}

// New returns a Joiner. Close ends it.
func New(c Config) *Joiner {
	j := &Joiner{
		next: c.Next, log: c.Log, epoch: time.Now(), seed: maphash.MakeSeed(),
		maxOpen: c.MaxOpen, maxSize: c.MaxBytes, maxAge: c.MaxAge, exported: c.Exported,
		// A random start keeps the chains of two runs apart in one file.
		lastID:  exchange.ChainID(maphash.String(maphash.MakeSeed(), "")),
		flights: map[ticket]*attempt{}, index: newIndex(), kinds: kinds{known: map[kind]*kindUse{}},
		errors: map[exchange.ErrorType]exchange.ErrorType{},
		recent: recent{keep: c.Recent},
	}
	if j.maxOpen == 0 {
		j.maxOpen = 100_000
	}
	if j.maxSize == 0 {
		j.maxSize = 64 << 20
	}
	if j.maxAge == 0 {
		j.maxAge = time.Hour
	}
	if j.recent.keep == 0 {
		j.recent.keep = 256
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	j.alarm = time.AfterFunc(time.Hour, j.expire)
	j.alarm.Stop()
	return j
}

// Begin is told of an exchange whose request was read, and returns the Attempt
// that its Record is to be observed with. A chain whose next attempt is under way
// is not over, however long that takes.
func (j *Joiner) Begin(r exchange.Record) exchange.Attempt {
	if !joins(&r) {
		return exchange.Attempt{}
	}
	handle, evicted := j.enter(&r)
	j.tell(evicted)
	return handle
}

// enter is Begin under the lock.
func (j *Joiner) enter(r *exchange.Record) (exchange.Attempt, []exchange.Chain) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.begin(r)
	return exchange.Attempt{Chain: a.ticket.chain, Number: a.ticket.number}, j.evict()
}

// Observe joins r to its chain and hands it on, and the chain too when r ended it.
// An exchange that was not begun is begun and ended at once.
func (j *Joiner) Observe(r exchange.Record) {
	if !joins(&r) {
		r.Attempt = exchange.Attempt{}
		j.next.Observe(r)
		return
	}
	c, over, evicted := j.leave(&r)
	j.tell(evicted)
	j.next.Observe(r)
	if over {
		j.next.ObserveChain(c)
	}
}

// leave is Observe under the lock: it sets the Attempt of r.
func (j *Joiner) leave(r *exchange.Record) (c exchange.Chain, over bool, evicted []exchange.Chain) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.flights[ticket{r.Attempt.Chain, r.Attempt.Number}]
	if a == nil {
		a = j.begin(r)
	}
	c, over = j.end(a, r)
	return c, over, j.evict()
}

// joins tells whether r is an attempt of anything: production traffic whose
// requests could be read.
func joins(r *exchange.Record) bool {
	switch r.Mode {
	case exchange.Sealed, exchange.Raw, exchange.Upgraded:
		return false
	}
	return r.Origin != exchange.Canary
}

// Open is how many chains are open: with an attempt under way, or after which
// another may come.
func (j *Joiner) Open() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ages.n
}

// Evicted counts the chains that were closed before their time for want of room.
func (j *Joiner) Evicted() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.evicted
}

// Close closes every open chain that has an attempt which ended. What ends later
// is a chain of its own, and closed at once.
func (j *Joiner) Close() {
	j.mu.Lock()
	j.closed = true
	j.alarm.Stop()
	var over []exchange.Chain
	for c := j.ages.oldest; c != nil; c = j.ages.oldest {
		over = j.abandon(c, over)
	}
	j.mu.Unlock()
	j.tell(over)
}

func (j *Joiner) tell(chains []exchange.Chain) {
	for i := range chains {
		j.next.ObserveChain(chains[i])
	}
}
