package tap

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxMarks bounds the times of arrival that are kept for bytes that wait. A later read
	// moves the last of them.
	maxMarks = 256
	// keptCapacity is the largest buffer that is kept while nothing waits.
	keptCapacity = 4 << 10
)

// waiting holds the compressed bytes that the relay has forwarded and an inflater has
// not read, with their times of arrival. One goroutine pushes and another one reads.
type waiting struct {
	together *atomic.Int64 // bytes that wait for all inflaters
	size     atomic.Int64  // bytes that wait here

	mu      sync.Mutex
	changed sync.Cond
	pushed  batch
	ended   bool // no bytes will come
	dropped bool // nobody reads any more

	taken  batch // by the reader, who alone uses it
	next   int   // the first byte of taken that was not read
	marked int   // the mark that next belongs to
	at     time.Duration
}

// batch is bytes of one read or more.
type batch struct {
	bytes []byte
	marks []mark
}

// mark says when the bytes up to an end came.
type mark struct {
	end int
	at  time.Duration
}

func newWaiting(together *atomic.Int64) *waiting {
	w := &waiting{together: together}
	w.changed.L = &w.mu
	return w
}

// push copies the next bytes. It never waits: it returns false when there is no room.
func (w *waiting) push(p []byte, at time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.dropped:
		return true
	case w.size.Load()+int64(len(p)) > maxWaiting || !w.hold(int64(len(p))):
		return false
	}
	w.pushed.add(p, at)
	w.changed.Signal()
	return true
}

// hold books n bytes more, if there is room for them beside those of other inflaters.
func (w *waiting) hold(n int64) bool {
	if w.together.Add(n) > maxWaitingTogether {
		w.together.Add(-n)
		return false
	}
	w.size.Add(n)
	return true
}

func (w *waiting) release(n int64) {
	w.size.Add(-n)
	w.together.Add(-n)
}

func (b *batch) add(p []byte, at time.Duration) {
	b.bytes = append(b.bytes, p...)
	m := mark{len(b.bytes), at}
	if len(b.marks) == maxMarks {
		b.marks[maxMarks-1] = m
		return
	}
	b.marks = append(b.marks, m)
}

// end says that no bytes will come.
func (w *waiting) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.changed.Signal()
}

// drop drops all bytes that wait and all that will come.
func (w *waiting) drop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropped = true
	w.pushed, w.taken = batch{}, batch{}
	w.release(w.size.Load())
}

// Read implements io.Reader. It waits for the first byte, and returns bytes of one time
// only, which at then is.
func (w *waiting) Read(p []byte) (int, error) {
	if w.next == len(w.taken.bytes) && !w.take() {
		return 0, io.EOF
	}
	m := w.taken.marks[w.marked]
	n := copy(p, w.taken.bytes[w.next:m.end])
	if w.next += n; w.next == m.end {
		w.marked++
	}
	w.at = m.at
	w.release(int64(n))
	return n, nil
}

// take takes all that was pushed. It waits for the first byte, and returns false when
// none will come.
func (w *waiting) take() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pushed.bytes) == 0 && !w.ended {
		w.changed.Wait()
	}
	w.taken, w.pushed = w.pushed, w.taken.emptied()
	w.next, w.marked = 0, 0
	return len(w.taken.bytes) > 0
}

// emptied returns an empty batch with the buffers of b.
func (b batch) emptied() batch {
	if cap(b.bytes) > keptCapacity {
		b.bytes = nil
	}
	return batch{b.bytes[:0], b.marks[:0]}
}
