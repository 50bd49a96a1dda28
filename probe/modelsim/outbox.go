package modelsim

import "sync"

// emission is what one sequence got from one step, or from several that a slow
// client let pile up.
type emission struct {
	choice int
	tokens int // of the batch's tokens, in order
	ended  bool
	reason string
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

// push copies tokens.
func (o *outbox) push(choice int, tokens []token, ended bool, reason string) {
	o.mu.Lock()
	q := &o.queue
	q.tokens = append(q.tokens, tokens...)
	last := len(q.emissions) - 1
	if len(q.emissions) >= o.limit && q.emissions[last].choice == choice && !q.emissions[last].ended {
		e := &q.emissions[last]
		e.tokens += len(tokens)
		e.ended, e.reason = ended, reason
	} else {
		q.emissions = append(q.emissions, emission{choice, len(tokens), ended, reason})
	}
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// take swaps what is queued with b, whose contents are given up for reuse, and reports
// whether there was anything.
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
