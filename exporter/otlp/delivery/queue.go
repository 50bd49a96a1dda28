// Package delivery brings encoded OTLP requests to a collector and loses nothing that
// its bounds allow.
//
// A Queue serves one signal. Send hands it an encoded ExportTraceServiceRequest or
// ExportMetricsServiceRequest; one goroutine sends them, oldest first, one at a time,
// by the retry rules of the OTLP specification, for ever: only the bound of bytes ends
// the wait, by dropping the oldest. Every item that is not delivered is counted.
//
// Without a directory the requests wait in memory. With one they wait in files, which
// outlive the process (see spool.go for the format): what the process had written
// before it was killed is sent by the next one, in order. Nothing is flushed to the
// device, so a power cut loses what the kernel had not yet written, some 30 s on Linux
// by default. A kill loses what Send had taken and the writer's goroutine had not yet
// written: nothing or one payload, unless they come faster than the disk takes them or
// the disk is full, when up to 4 MiB wait in memory. The one request that was
// unacknowledged when the process was killed, or when Close gave up on it, is sent
// again, and its collector may have had it already. The specification takes that for
// the better of two evils (OTLP, "Duplicate Data").
package delivery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Queue takes encoded requests of one signal and delivers them. Its methods are safe
// for concurrent use.
type Queue struct {
	signal Signal
	store  store
	sender *sender

	dropped *atomic.Uint64
	wake    chan struct{} // something came for the sender
	closing chan struct{}
	once    sync.Once
	give    context.CancelFunc // ends the sender's attempts
	done    chan struct{}      // the sender has ended and the store is closed
	unsent  bool               // it ended before all was sent; to be read when done
}

// entry is a request as it waits.
type entry struct {
	payload []byte
	items   int
	spooled bool // it lies in the spool; otherwise in memory
}

// store keeps requests until they are settled, the oldest first, within its bound.
type store interface {
	// put takes ownership of the payload and waits for nothing.
	put(payload []byte, items int)
	// take lends the oldest entry. It is not dropped at the bound until it is settled
	// or given back.
	take() (entry, bool)
	// settle forgets a lent entry: it was delivered, or never can be.
	settle(entry)
	// giveBack takes a lent entry back, undelivered. close is all that may follow.
	giveBack(entry)
	// waiting is the size of what is kept, the lent entry included.
	waiting() int64
	// refuse makes put drop everything from now on.
	refuse()
	// close keeps what can outlive the process and counts the rest as dropped.
	close()
}

// New opens a queue and begins to send what an earlier process left in cfg.SpoolDir.
// It connects to nothing: a collector that is away is no error. A spool that another
// process holds is one.
func New(cfg Config) (*Queue, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("delivering %s: %w", cfg.Signal, err)
	}
	cfg = cfg.withDefaults()
	reports := newReports(cfg.Log, cfg.Signal)
	dropped := new(atomic.Uint64)
	wake := make(chan struct{}, 1)
	var kept store = newMemory(cfg.MaxBytes, dropped, wake)
	if cfg.SpoolDir != "" {
		spooled, err := openSpooled(cfg, dropped, wake, reports)
		if err != nil {
			return nil, fmt.Errorf("delivering %s: %w", cfg.Signal, err)
		}
		kept = spooled
	}
	to, err := dial(cfg)
	if err != nil {
		kept.close()
		return nil, fmt.Errorf("delivering %s: %w", cfg.Signal, err)
	}
	ctx, give := context.WithCancel(context.Background())
	q := &Queue{
		signal: cfg.Signal, store: kept, dropped: dropped, wake: wake, give: give,
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	q.sender = &sender{
		to: to, timeout: cfg.Timeout, pace: pace{first: cfg.Backoff.First, most: cfg.Backoff.Max},
		dropped: dropped, reports: reports, closing: q.closing, outlived: cfg.SpoolDir != "",
	}
	go q.run(ctx)
	return q, nil
}

// Send queues an encoded request that holds so many items: spans, or data points. The
// queue owns the payload from here on. Send waits for neither network nor disk; what
// finds no room pushes out the oldest. After Close it only counts.
func (q *Queue) Send(payload []byte, items int) {
	q.store.put(payload, items)
}

// Dropped is how many items were given up since New: refused by the collector, in part
// or for good, pushed out at the bound, lost with a damaged file, or left at Close
// with no spool to stay in.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Bytes is the size of what waits, the request that is being sent included. With a
// spool it counts what frames the payloads in the files, too.
func (q *Queue) Bytes() int64 { return q.store.waiting() }

// closeGrace is how long Close waits, after its context has ended, for a disk that
// does not answer.
const closeGrace = time.Second

// Close sends what waits until nothing does or ctx ends; with a spool, until the
// collector does not answer, too. It begins with an attempt at once, whatever the queue
// was waiting for, and goes on with waits of a second at most. What is left then stays
// in the spool; without one it is dropped, counted, and reported in the error. Close is
// to be called once; Send may still be called, in vain.
func (q *Queue) Close(ctx context.Context) error {
	before := q.dropped.Load()
	q.once.Do(func() {
		q.store.refuse()
		close(q.closing)
	})
	select {
	case <-q.done:
	case <-ctx.Done():
		q.give()
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case <-q.done:
		case <-grace.C:
			return fmt.Errorf("closing the queue of %s: the spool's disk does not answer: %w", q.signal, ctx.Err())
		}
	}
	if lost := q.dropped.Load() - before; lost > 0 && (q.unsent || ctx.Err() != nil) {
		return fmt.Errorf("closing the queue of %s: %d items dropped unsent", q.signal, lost)
	}
	return nil
}

// run sends until the queue is closed and either nothing waits or the sender gives up.
func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	defer q.give()
	defer q.store.close()
	defer q.sender.to.close()
	for {
		closing := ctx.Err() != nil
		select {
		case <-q.closing:
			closing = true
		default:
		}
		e, ok := q.store.take()
		switch {
		case ok && q.sender.deliver(ctx, e):
			q.store.settle(e)
		case ok:
			q.store.giveBack(e)
			q.unsent = true
			return
		case closing:
			return
		default:
			select {
			case <-q.wake:
			case <-q.closing:
			}
		}
	}
}
