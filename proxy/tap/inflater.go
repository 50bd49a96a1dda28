package tap

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

// inflater decompresses a copy of a body on a goroutine of its own. Its output has the
// time of the compressed bytes that completed it. It stays within the bounds of its
// Tap's budget, or stops.
type inflater struct {
	x       *Exchange
	waiting *waiting
	done    chan struct{}

	// The goroutine's alone.
	in, out int64 // bytes of the body, and of output of all decompressors
	excess  int64 // of the output, that the budget gave
	windows int64 // bytes that the budget gave
	stopped stop
	// bulk says that f holds budget.bulk: it has more output than it gives in one step, and
	// nothing to wait for. One inflater at a time may take such a step. So all of them
	// together need one core at most, and leave the others to the relays.
	bulk bool
}

// stop is why an inflater stopped before the end of the body.
type stop uint8

const (
	running     stop = iota
	brokenBody       // it does not decompress
	noWindow         // its decompressors need too much memory
	tooMuchWork      // its bytes make too much work
	overflown        // it came faster than it was read
)

// stops names the note and the counter of each reason to stop, which may be nil.
var stops = [...]struct {
	note    string
	counter func(*Tap) *atomic.Uint64
}{
	brokenBody:  {"broken_encoding", nil},
	noWindow:    {"decoder_window", func(t *Tap) *atomic.Uint64 { return &t.windowless }},
	tooMuchWork: {"decoder_work", func(t *Tap) *atomic.Uint64 { return &t.overworked }},
	overflown:   {"decoder_overflow", func(t *Tap) *atomic.Uint64 { return &t.overflowed }},
}

var errStopped = errors.New("over the budget of decompression")

// newInflater starts to decompress, with the codings undone one upon the other, and
// feeds the output to the decoder of x.
func newInflater(codings []coding, x *Exchange) *inflater {
	f := &inflater{x: x, waiting: newWaiting(&x.tap.budget.waiting), done: make(chan struct{})}
	go f.run(codings)
	return f
}

// finish takes no more bytes, and calls then when the decoder has read all.
func (f *inflater) finish(then func()) {
	f.waiting.end()
	go func() {
		<-f.done
		then()
	}()
}

func (f *inflater) run(codings []coding) {
	defer close(f.done)
	defer f.waiting.drop()
	defer func() { f.x.tap.budget.windows.giveBack(f.windows) }()
	err := f.inflate(codings)
	switch {
	case f.stopped != running:
		f.x.bookStop(f.stopped)
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.x.bookShort()
	case errors.Is(err, io.EOF):
	default:
		f.x.bookStop(brokenBody)
	}
}

// inflate reads the body to its end and returns the error that ended it.
func (f *inflater) inflate(codings []coding) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("decompressor panicked: %v", v)
		}
	}()
	var r io.Reader = f
	for _, c := range codings {
		if r, err = openLayer(f, c, r); err != nil {
			return err
		}
	}
	defer f.endBulk()
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if n > 0 && !f.x.feedInflated(buf[:n], f.waiting.at) {
			return io.EOF
		}
		if err != nil {
			return err
		}
		f.endBulk()
		if n == len(buf) {
			runtime.Gosched() // let relays go first
			f.beginBulk()
		}
	}
}

func (f *inflater) beginBulk() {
	f.x.tap.budget.bulk.Lock()
	f.bulk = true
}

// endBulk ends a step. f calls it before it waits for anything, too.
func (f *inflater) endBulk() {
	if f.bulk {
		f.bulk = false
		f.x.tap.budget.bulk.Unlock()
	}
}

// Read implements io.Reader for the innermost decompressor.
func (f *inflater) Read(p []byte) (int, error) {
	if f.in > 2*f.out+maxBarren {
		f.stopped = tooMuchWork
		return 0, errStopped
	}
	bulk := f.bulk
	f.endBulk()
	n, err := f.waiting.Read(p)
	if bulk {
		f.beginBulk()
	}
	f.in += int64(n)
	return n, err
}

// spend books n bytes of output of a decompressor, and reports whether the budget has
// them.
func (f *inflater) spend(n int64) bool {
	f.out += n
	more := f.out - fairRatio*f.in - f.excess
	if more <= 0 {
		return true
	}
	if f.excess += more; f.excess > maxExcess || !f.x.tap.budget.work.take(more) {
		f.stopped = tooMuchWork
		return false
	}
	return true
}

// reserve books n bytes of memory more, and reports whether the budget has them.
func (f *inflater) reserve(n int64, patience time.Duration) bool {
	f.endBulk()
	if !f.x.tap.budget.windows.take(n, patience) {
		f.stopped = noWindow
		return false
	}
	f.windows += n
	return true
}

// feedInflated feeds decompressed bytes to the decoder, on the inflater's goroutine,
// and reports whether the decoder is still there. The relay does not wait for it.
func (x *Exchange) feedInflated(p []byte, at time.Duration) bool {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	decoder := x.decoder
	x.mu.Unlock()
	if decoder == nil {
		return false
	}
	began := Now()
	sound := safely(func() {
		decoder.Feed(p, at)
		x.bookProgress(decoder)
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.decoder == nil:
	case sound:
		x.bookFeed(Now().Sub(began))
	default:
		x.detach(&x.tap.panicked, "decoder_panic")
	}
	return x.decoder != nil
}

// bookShort books that the body ended before its coding did.
func (x *Exchange) bookShort() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.short = true
}

// bookStop books, once, that the body is not read to its end. The decoder keeps all that
// it has read.
func (x *Exchange) bookStop(why stop) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopReading(why)
}

// stopReading is bookStop, with mu locked.
func (x *Exchange) stopReading(why stop) {
	if x.unread {
		return
	}
	x.unread = true
	x.progress.over.Store(true)
	x.record.Notes = append(x.record.Notes, stops[why].note)
	if counter := stops[why].counter; counter != nil {
		counter(x.tap).Add(1)
	}
}
