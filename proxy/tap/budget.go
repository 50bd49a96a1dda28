package tap

import (
	"sync"
	"sync/atomic"
	"time"
)

// The bounds on compressed bodies. Those for the process are shared: who comes first
// gets. A server that sends 1 kB of brotli can make a gigabyte of it, and a head of 100
// bytes can ask for a window of 16 MiB.
const (
	// maxWaiting bounds the compressed bytes that wait for one inflater, and
	// maxWaitingTogether those that wait for all.
	maxWaiting         = 8 << 20
	maxWaitingTogether = 16 << 20

	// fairRatio is how many bytes of output a byte of input may give for nothing. Events of
	// a chat, sent one by one, give 20 to 22. Output beyond is excess: that of a chat which
	// is compressed as a whole, 54 to 92 for one, is half.
	fairRatio = 24
	// maxExcess bounds the excess of one exchange. Output of events as small as they get
	// costs 20 ns a byte, so that this is 0.2 s of CPU.
	maxExcess = 8 << 20
	// maxExcessTogether bounds the excess of all exchanges, and excessPerSecond is how much
	// of it comes back: 0.2 s of CPU a second.
	maxExcessTogether = 32 << 20
	excessPerSecond   = 8 << 20

	// maxBarren bounds the input of one exchange that gives less than half as much output:
	// frames and blocks with nothing in them, at up to 80 ns a byte.
	maxBarren = 1 << 20

	// DefaultWindows is the default of Config.Windows.
	DefaultWindows = 8 << 20
	// freeWindow is the memory of a decompressor that counts as the stream's own: all that
	// gzip and deflate need.
	freeWindow = 64 << 10
	// windowPatience is how long a decompressor waits for the memory of others.
	windowPatience = time.Second
)

// budget is what the inflaters of a Tap may use together. It is safe for concurrent use.
type budget struct {
	waiting atomic.Int64 // compressed bytes
	work    allowance
	windows windows
	brotli  sync.Mutex // see layer.turn
	bulk    sync.Mutex // see inflater.bulk
}

// begin makes the budget ready, with so many bytes for windows.
func (b *budget) begin(windows int64) {
	b.work.full.Store(int64(Now()))
	b.windows.most = windows
}

// allowance is an amount that comes back with time (the generic cell rate algorithm, as
// ITU-T I.371 has it).
type allowance struct {
	full atomic.Int64 // the Instant at which all will have come back, or had
}

// take takes n bytes of output, and reports whether there were as many.
func (a *allowance) take(n int64) bool {
	const second = int64(time.Second)
	for {
		now, full := int64(Now()), a.full.Load()
		next := max(now, full) + n*second/excessPerSecond
		if next-now > maxExcessTogether*second/excessPerSecond {
			return false
		}
		if a.full.CompareAndSwap(full, next) {
			return true
		}
	}
}

// owe takes n bytes that were spent already, whether they were there or not.
func (a *allowance) owe(n int64) {
	for {
		full := a.full.Load()
		if a.full.CompareAndSwap(full, max(int64(Now()), full)+n*int64(time.Second)/excessPerSecond) {
			return
		}
	}
}

// windows is the memory of decompressors beyond what is free.
type windows struct {
	most int64

	mu    sync.Mutex
	used  int64
	freed chan struct{} // closed when memory comes back; nil while nobody waits
}

// take takes n bytes, and reports whether it got them. It waits for the memory of others
// until patience is over.
func (w *windows) take(n int64, patience time.Duration) bool {
	until := Now() + Instant(patience)
	for {
		freed, ok := w.try(n)
		switch {
		case ok:
			return true
		case freed == nil:
			return false
		}
		left := until.Sub(Now())
		if left <= 0 {
			return false
		}
		timer := time.NewTimer(left)
		select {
		case <-freed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// try takes n bytes if they are there. Else it returns a channel that closes when memory
// comes back, or nil if there will never be as much.
func (w *windows) try(n int64) (freed chan struct{}, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.used+n <= w.most:
		w.used += n
		return nil, true
	case n > w.most:
		return nil, false
	case w.freed == nil:
		w.freed = make(chan struct{})
	}
	return w.freed, false
}

// giveBack returns n bytes.
func (w *windows) giveBack(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used -= n
	if w.freed != nil {
		close(w.freed)
		w.freed = nil
	}
}
