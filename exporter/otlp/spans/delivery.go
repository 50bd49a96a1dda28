package spans

import "time"

// maxSpare is how many batches are kept for reuse: as many as are in use while nothing is
// late. A batch takes some 0.5 MiB.
const maxSpare = 4

// aging is how often run looks for attempts that wait for nothing.
const aging = time.Minute

// row is room for the next span, in a batch that is not full. b.mu is held.
func (b *Builder) row() row {
	if b.open.fullAt(b.config.MaxBatch) {
		b.closeBatch()
	}
	if b.open.used == 0 {
		b.open.reset() // drops the text of a row that was not done
		b.open.since = time.Now()
		b.signal()
	}
	return b.open.next()
}

// closeBatch adds the open batch to the full ones, unless it is empty. If too many wait
// already, it drops the oldest. b.mu is held.
func (b *Builder) closeBatch() {
	if b.open.used == 0 {
		return
	}
	if len(b.full) >= b.config.MaxWaiting {
		late := b.oldest()
		b.dropped += uint64(late.used)
		b.reuse(late)
	}
	b.full = append(b.full, b.open)
	if n := len(b.spare); n > 0 {
		b.open, b.spare = b.spare[n-1], b.spare[:n-1]
		return
	}
	b.open = newBatch(b.blank)
}

// oldest removes and returns the oldest full batch. There must be one. b.mu is held.
func (b *Builder) oldest() *batch {
	oldest := b.full[0]
	b.full = append(b.full[:0], b.full[1:]...)
	return oldest
}

// reuse keeps a batch for other spans. b.mu is held.
func (b *Builder) reuse(of *batch) {
	if of.reset(); len(b.spare) < maxSpare {
		b.spare = append(b.spare, of)
	}
}

// unlock unlocks b.mu, and wakes the sender if a batch is full now.
func (b *Builder) unlock() {
	if b.open.fullAt(b.config.MaxBatch) {
		b.closeBatch()
		b.signal()
	}
	b.mu.Unlock()
}

func (b *Builder) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run sends batches that are full, or whose first span has lingered, and writes attempts
// that need not wait for their chain any longer.
func (b *Builder) run() {
	defer close(b.done)
	timer, age := time.NewTimer(b.config.Linger), time.NewTicker(aging)
	defer timer.Stop()
	defer age.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-b.wake:
		case <-timer.C:
		case <-age.C:
		}
		for b.releaseDue(false) {
			b.sendFull()
		}
		if due := b.sendDue(); due > 0 {
			timer.Reset(due)
		}
	}
}

// sendDue sends the batches that are due, and returns how long the open batch may still
// linger; 0 if it is empty.
func (b *Builder) sendDue() time.Duration {
	b.mu.Lock()
	var due time.Duration
	if b.open.used > 0 {
		if due = b.config.Linger - time.Since(b.open.since); due <= 0 {
			b.closeBatch()
			due = 0
		}
	}
	b.mu.Unlock()
	b.sendFull()
	return due
}

// sendFull encodes and sends the full batches. Goroutines that relay must not call it.
func (b *Builder) sendFull() {
	b.sending.Lock()
	defer b.sending.Unlock()
	for {
		b.mu.Lock()
		if len(b.full) == 0 {
			b.mu.Unlock()
			return
		}
		next := b.oldest()
		b.mu.Unlock()

		b.config.Send(next.encode(&b.part), next.used)

		b.mu.Lock()
		b.reuse(next)
		b.mu.Unlock()
	}
}
