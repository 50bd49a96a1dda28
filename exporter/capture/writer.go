package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// flushEvery is how old a line gets before run writes it, while lines come often.
	flushEvery = time.Second
	// idle is how long no line must have come for the next to be written at once.
	idle = 100 * time.Millisecond
	// flushBytes is how many bytes run gathers at most before it writes.
	flushBytes = 64 << 10
	// queued is how many exchanges and chains may wait for the disk: under a kilobyte
	// each, MaxChunkBytes at the very most.
	queued = 2048
)

// Config says where a Writer writes.
type Config struct {
	Path string
	// MaxBytes is the size at which the Writer puts the file aside as Path.1 and begins
	// a new one; the former Path.1 becomes Path.2, and so on. 0 is 64 MiB.
	MaxBytes int64
	// Keep is how many files the Writer keeps beside the current one. 0 is 3.
	Keep int
	// Labels names the labels that a Record has values of.
	Labels []string
	// Log gets an entry when writing begins to fail and when it works again; nil logs
	// nothing.
	Log *slog.Logger
}

// Writer is an exchange.ChainObserver that appends every exchange to a file, and every
// chain that was not answered at its first try. A goroutine of its own encodes and
// writes. When that goroutine cannot keep up, the Writer drops exchanges and counts them.
type Writer struct {
	mu     sync.RWMutex // held for reading while sending to queue
	closed bool
	queue  chan entry
	done   chan struct{} // closed when everything is written

	dropped  atomic.Uint64
	reopened atomic.Uint64
	reopen   chan struct{} // holds one element while somebody asks for a new file

	// The rest belongs to the goroutine.
	file    file
	labels  []string
	log     *slog.Logger
	buffer  bytes.Buffer
	encoder *json.Encoder
	lines   uint64    // in buffer
	came    time.Time // the last line
	failing bool
}

// entry is a record, a chain or a turn that waits for the disk.
type entry struct {
	record exchange.Record
	chain  *exchange.Chain     // instead of the record
	turn   *exchange.WholeTurn // instead of the record
}

// NewWriter opens the file for appending, readable by its owner only, and starts
// the goroutine that Close ends.
func NewWriter(c Config) (*Writer, error) {
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.Keep == 0 {
		c.Keep = 3
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &Writer{
		queue: make(chan entry, queued),
		done:  make(chan struct{}),

		reopen: make(chan struct{}, 1),
		file:   file{path: c.Path, maxBytes: c.MaxBytes, keep: c.Keep},
		log:    c.Log,
		labels: c.Labels,
	}
	if err := w.file.open(); err != nil {
		return nil, fmt.Errorf("opening capture file: %w", err)
	}
	w.encoder = json.NewEncoder(&w.buffer)
	w.encoder.SetEscapeHTML(false)
	go w.run()
	return w, nil
}

// Observe queues r, or drops it if the queue is full or the Writer is closed.
func (w *Writer) Observe(r exchange.Record) { w.put(entry{record: r}) }

// ObserveChain does the same for a chain, unless the line of its only attempt tells
// everything.
func (w *Writer) ObserveChain(c exchange.Chain) {
	if c.Outcome != exchange.FirstTry {
		w.put(entry{chain: &c})
	}
}

// ObserveTurn does the same for a turn of several calls. The lines of its only call tell all
// of any other.
func (w *Writer) ObserveTurn(t exchange.WholeTurn) {
	if t.Calls > 1 {
		w.put(entry{turn: &t})
	}
}

func (w *Writer) put(e entry) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		w.dropped.Add(1)
		return
	}
	select {
	case w.queue <- e:
	default:
		w.dropped.Add(1)
	}
}

// Dropped counts the exchanges and chains that did not reach the file.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Reopen has the Writer close its file and open it anew by its name, after the lines of all
// exchanges that it has taken from the queue. It does not wait. The Writer does the same by
// itself when it has something to write and the name leads elsewhere; after Reopen it does
// so also without traffic.
func (w *Writer) Reopen() {
	select {
	case w.reopen <- struct{}{}:
	default:
	}
}

// Reopened counts how often the Writer has opened its file anew because it was asked to, or
// because the file's name did not lead to it any more. Putting the file aside by its size
// does not count.
func (w *Writer) Reopened() uint64 { return w.reopened.Load() }

// Close writes the queued lines and closes the file. It waits for that until ctx ends.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing capture file: %w", ctx.Err())
	}
}

func (w *Writer) run() {
	defer close(w.done)
	due := time.NewTimer(flushEvery)
	due.Stop()
	for {
		select {
		case e, more := <-w.queue:
			if !more {
				w.flush()
				w.file.close()
				return
			}
			if w.lines == 0 {
				due.Reset(flushEvery)
			}
			w.encode(e)
			if w.idle() || w.buffer.Len() >= flushBytes {
				due.Stop()
				w.flush()
			}
		case <-due.C:
			w.flush()
		case <-w.reopen:
			w.flush()
			w.anew()
		}
	}
}

// idle reports whether lines come so rarely that the one that came now need not wait for
// others.
func (w *Writer) idle() bool {
	now := time.Now()
	gap := now.Sub(w.came)
	w.came = now
	return gap >= idle && len(w.queue) == 0
}

// encode appends the line of e to the buffer.
func (w *Writer) encode(e entry) {
	before := w.buffer.Len()
	var line any
	switch {
	case e.turn != nil:
		line = NewTurnLine(*e.turn)
	case e.chain != nil:
		of := NewChainLine(*e.chain)
		of.Call.Labels = exchange.LabelsByName(w.labels, e.chain.Last.Labels)
		line = of
	default:
		of := NewLine(e.record)
		of.Labels = exchange.LabelsByName(w.labels, e.record.Labels)
		line = of
	}
	if err := w.encoder.Encode(line); err != nil {
		w.buffer.Truncate(before)
		w.dropped.Add(1)
		return
	}
	w.lines++
}

// flush writes the buffer, which holds whole lines only, and empties it even if that
// failed: lines that the disk refuses must not pile up in memory.
func (w *Writer) flush() {
	if w.lines == 0 {
		return
	}
	if w.file.moved() {
		w.anew()
	}
	err := w.file.write(w.buffer.Bytes())
	if err != nil {
		w.dropped.Add(w.lines)
	}
	w.tell(err)
	w.buffer.Reset()
	w.lines = 0
}

// anew opens the file by its name again.
func (w *Writer) anew() {
	w.file.close()
	w.reopened.Add(1)
	if err := w.file.open(); err != nil {
		w.tell(err)
	}
}

// tell logs when writing begins to fail and when it works again.
func (w *Writer) tell(err error) {
	if failing := err != nil; failing != w.failing {
		w.failing = failing
		if failing {
			w.log.Error("capture lines are lost", "error", err)
		} else {
			w.log.Info("capture file is written again")
		}
	}
}
