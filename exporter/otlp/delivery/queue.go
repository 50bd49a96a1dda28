// Package delivery brings encoded OTLP requests to a collector. While the process runs, it
// drops a request only at its bound, or when the collector refuses the request for good.
//
// A Queue serves one signal. Send hands it an encoded ExportTraceServiceRequest or
// ExportMetricsServiceRequest. One goroutine sends the requests, the oldest first, one at
// a time, by the retry rules of the OTLP specification, and tries for ever. The queue
// counts every item that it does not deliver.
//
// Without a directory the requests wait in memory. With one they wait in files (see
// segment.go for the format). The files outlive the process: when it is killed, the next
// process sends the requests that it had written, in order. Two losses and one repetition
// remain:
//
//   - A power cut loses the data that the kernel has not yet written to the device, because
//     the queue flushes nothing: on Linux the data of some 30 s, by default.
//   - A kill loses the payloads that the writer's goroutine has not yet written: none or
//     one. When payloads come faster than the disk writes them, or the disk is full, up to
//     4 MiB of them wait in memory.
//   - When a kill, or the end of Close, leaves one request without an answer, the next
//     process sends it again. The collector may then have it twice, which the specification
//     prefers to a loss (OTLP, "Duplicate Data").
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
	wake    chan struct{} // the store notifies the sender's goroutine of a new entry
	closing chan struct{} // Close closes it
	once    sync.Once
	giveUp  context.CancelFunc // ends the sender's attempts
	done    chan struct{}      // closed when the sender has ended and the store is closed
	unsent  bool               // the sender ended with requests left; valid when done is closed
}

// entry is a request that waits.
type entry struct {
	payload []byte
	items   int
	spooled bool // it is in the spool; otherwise in memory
}

// store keeps requests, oldest first and within a bound, until each is finished: the
// collector took it, or refused it for good.
type store interface {
	// put takes ownership of the payload and waits for nothing.
	put(payload []byte, items int)
	// lend returns the oldest entry, and false when there is none. The store keeps the
	// entry, whatever the bound, until finish or giveBack.
	lend() (entry, bool)
	// finish removes the lent entry.
	finish(entry)
	// giveBack puts the lent entry back in its place. Only close may follow.
	giveBack(entry)
	// waiting returns the bytes of all entries, the lent one included.
	waiting() int64
	// refuse makes put drop everything from now on.
	refuse()
	// close leaves the entries that can outlive the process, and counts the others as
	// dropped.
	close()
}

// New opens a queue, and begins to send the requests that an earlier process left in
// cfg.SpoolDir. It does not connect: a collector that is away is no error. A spool that
// another process uses is an error.
func New(cfg Config) (*Queue, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("delivering %s: %w", cfg.Signal, err)
	}
	cfg = cfg.withDefaults()
	reports := newReports(cfg.Log, cfg.Signal)
	ctx, giveUp := context.WithCancel(context.Background())
	q := &Queue{
		signal: cfg.Signal, dropped: new(atomic.Uint64), wake: make(chan struct{}, 1), giveUp: giveUp,
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	if err := q.open(cfg, reports); err != nil {
		giveUp()
		return nil, fmt.Errorf("delivering %s: %w", cfg.Signal, err)
	}
	go q.run(ctx)
	return q, nil
}

// open sets the store and the sender.
func (q *Queue) open(cfg Config, reports *reports) error {
	q.store = newMemory(cfg.MaxBytes, q.dropped, q.wake)
	if cfg.SpoolDir != "" {
		spooled, err := openSpooled(cfg, q.dropped, q.wake, reports)
		if err != nil {
			return err
		}
		q.store = spooled
	}
	to, err := dial(cfg)
	if err != nil {
		q.store.close()
		return err
	}
	q.sender = &sender{
		to: to, timeout: cfg.Timeout, pace: pace{first: cfg.Backoff.First, most: cfg.Backoff.Max},
		dropped: q.dropped, reports: reports, closing: q.closing, spooled: cfg.SpoolDir != "",
	}
	return nil
}

// Send queues an encoded request with so many items: spans, or data points. From then on
// the queue owns the payload. Send waits for neither network nor disk: when the queue is
// full, it drops its oldest requests. After Close, Send only counts the items as dropped.
func (q *Queue) Send(payload []byte, items int) {
	q.store.put(payload, items)
}

// Dropped is the number of items since New that the queue gave up: items that the
// collector refused for good, that the bound pushed out, that were in a damaged file, or
// that Close left without a spool to stay in.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Bytes is the size of all requests that wait, including the one that the queue is
// sending. With a spool it includes the frames of the payloads in the files.
func (q *Queue) Bytes() int64 { return q.store.waiting() }

// closeGrace is the time that Close gives a disk that does not answer, after the context
// of Close has ended.
const closeGrace = time.Second

// Close sends the waiting requests until none is left or ctx ends. With a spool it also
// stops when the collector does not answer. Close makes its first attempt at once, even
// when the queue was waiting to retry, and waits a second at most between attempts.
// Requests that are left stay in the spool; without a spool Close drops and counts them,
// and its error says how many items they had. Call Close once.
func (q *Queue) Close(ctx context.Context) error {
	before := q.dropped.Load()
	q.once.Do(func() {
		q.store.refuse()
		close(q.closing)
	})
	select {
	case <-q.done:
	case <-ctx.Done():
		q.giveUp()
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

// run sends requests until Close was called and no request is left, or until the sender
// gives up.
func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	defer q.giveUp()
	defer q.store.close()
	defer q.sender.to.close()
	for {
		closing := ctx.Err() != nil
		select {
		case <-q.closing:
			closing = true
		default:
		}
		e, ok := q.store.lend()
		switch {
		case ok && q.sender.deliver(ctx, e):
			q.store.finish(e)
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
