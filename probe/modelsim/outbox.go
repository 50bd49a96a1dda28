package modelsim

import "sync"

// emission is what one step gave to one section of an answer, or several steps when the client is
// slow.
type emission struct {
	choice  int
	section section
	tokens  int // of the batch's tokens, in order
	// produced is how many tokens the answer has by then, shown or not, and thought how many of them
	// are thinking.
	produced, thought int
	ended             bool
	reason            string
}

// batch is a run of emissions and their tokens.
type batch struct {
	emissions []emission
	tokens    []token
}

// outbox hands emissions from the engine, which never waits, to the one goroutine that
// writes them. Up to limit emissions keep their grain; then tokens are merged.
type outbox struct {
	mu    sync.Mutex
	queue batch
	limit int
	ready chan struct{} // capacity 1
}

// push queues an emission with a copy of these tokens.
func (o *outbox) push(e emission, tokens []token) {
	e.tokens = len(tokens)
	o.mu.Lock()
	q := &o.queue
	q.tokens = append(q.tokens, tokens...)
	if last := len(q.emissions) - 1; last+1 >= o.limit && q.emissions[last].takes(e) {
		e.tokens += q.emissions[last].tokens
		q.emissions[last] = e
	} else {
		q.emissions = append(q.emissions, e)
	}
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// takes says whether e and the emission after it can be one.
func (e *emission) takes(next emission) bool {
	return e.choice == next.choice && e.section == next.section && !e.ended
}

// take swaps the queue with b, whose memory it reuses, and reports whether there was anything.
func (o *outbox) take(b *batch) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue.emissions) == 0 {
		return false
	}
	b.emissions, b.tokens = b.emissions[:0], b.tokens[:0]
	*b, o.queue = o.queue, *b
	return true
}
