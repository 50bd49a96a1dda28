package spans

import "time"

// maxWaiting is how many full batches wait for the goroutine that encodes them. Who
// fills one more encodes them himself, so that memory stays bounded and nothing
// is lost when that goroutine gets no processor.
const maxWaiting = 2

// maxSpare is how many batches are kept for reuse: as many as can wait, and one
// that was being sent.
// One takes some 0.5 MiB.
const maxSpare = maxWaiting + 2

// row is room for the next span, in a batch that is not full. b.mu is held.
func (b *Builder) row() row {
	if b.open.fullAt(b.config.MaxBatch) {
		b.turn()
	}
	if b.open.used == 0 {
		b.open.since = time.Now()
		b.signal()
	}
	b.counted.Spans++
	return b.open.next()
}

// turn puts the open batch to those to be sent, unless it is empty. b.mu is held.
func (b *Builder) turn() {
	if b.open.used == 0 {
		return
	}
	b.full = append(b.full, b.open)
	if n := len(b.spare); n > 0 {
		b.open, b.spare = b.spare[n-1], b.spare[:n-1]
		return
	}
	b.open = newBatch(b.blank)
}

// unlock ends what was begun with b.mu.Lock, and sees to what is full now.
func (b *Builder) unlock() {
	if b.open.fullAt(b.config.MaxBatch) {
		b.turn()
		b.signal()
	}
	waiting := len(b.full)
	b.mu.Unlock()
	if waiting > maxWaiting {
		b.sendFull()
	}
}

func (b *Builder) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run sends batches when they are full, or their first span has lingered.
func (b *Builder) run() {
	defer close(b.done)
	timer := time.NewTimer(b.config.Linger)
	defer timer.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-b.wake:
		case <-timer.C:
		}
		if due := b.sendDue(); due > 0 {
			timer.Reset(due)
		}
	}
}

// sendDue sends what is to be sent, and tells how long the open batch may still
// linger; 0 when it is empty.
func (b *Builder) sendDue() time.Duration {
	b.mu.Lock()
	var due time.Duration
	if b.open.used > 0 {
		if due = b.config.Linger - time.Since(b.open.since); due <= 0 {
			b.turn()
			due = 0
		}
	}
	b.mu.Unlock()
	b.sendFull()
	return due
}

// sendFull encodes and sends the full batches.
func (b *Builder) sendFull() {
	b.sending.Lock()
	defer b.sending.Unlock()
	for {
		b.mu.Lock()
		if len(b.full) == 0 {
			b.mu.Unlock()
			return
		}
		next := b.full[0]
		b.full = append(b.full[:0], b.full[1:]...)
		b.mu.Unlock()

		items := next.used
		b.config.Send(next.encode(&b.part), items)
		next.reset()

		b.mu.Lock()
		b.counted.Batches++
		if len(b.spare) < maxSpare {
			b.spare = append(b.spare, next)
		}
		b.mu.Unlock()
	}
}
