// Package overhead finds what a way through headway costs beside the direct one, on a
// service whose own latency varies far more than that. It sends pairs of like requests,
// one each way in random order, and judges the differences within the pairs: what the
// service does to both requests of a pair cancels out.
package overhead

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Way is one of the two ways to the service.
type Way int

// The ways.
const (
	Direct Way = iota
	Through
)

func (w Way) String() string {
	if w == Through {
		return "through headway"
	}
	return "direct"
}

// Sample is one request that was answered.
type Sample struct {
	TTFT, TPOT, E2E time.Duration // 0 for an answer that has none
	Tokens          int           // of prompt and answer together
}

// Plan says which pairs to send.
type Plan struct {
	Pairs       int
	Warmup      int    // pairs that are sent first and do not count, for each of the Concurrency
	Concurrency int    // pairs under way at a time
	Seed        uint64 // of the order within each pair
	MaxTokens   int    // no pair begins when the samples have so many
	// Send sends a request and measures it. worker is from 0 to Concurrency - 1. Calls for
	// different workers come concurrently, those for one worker in turn.
	Send func(ctx context.Context, worker int, way Way) (Sample, error)
	// Progress, if set, learns after each pair how many are over. Calls come in turn.
	Progress func(done int)
}

// Pair has a sample of each way, by Way.
type Pair [2]Sample

// Outcome is what a Plan found.
type Outcome struct {
	Pairs  []Pair   // that were answered both ways, in the order in which they ended
	Failed [2]int   // requests without an answer, by Way
	Errors [2]error // the first error of each way
	Tokens int      // of all requests, the warm-up's included
}

// The errors of Run that end it before its time.
var (
	ErrTokens  = errors.New("the tokens are used up")
	ErrFailing = errors.New("too many requests fail")
)

// mostFailed is the share of pairs whose failure ends a run: a service that turns so many
// requests away needs rest.
const mostFailed = .2

// Run sends the pairs of a plan. The error is ErrTokens when the answers had more tokens
// than MaxTokens allows, ErrFailing when a fifth of the pairs failed, that of ctx, or that of
// a warm-up that no answer came to; the Outcome has the pairs until then.
func Run(ctx context.Context, p Plan) (Outcome, error) {
	r := &run{Plan: p, left: p.Pairs}
	var workers sync.WaitGroup
	for worker := range p.Concurrency {
		workers.Go(func() { r.work(ctx, worker) })
	}
	workers.Wait()
	switch {
	case ctx.Err() != nil:
		return r.found, ctx.Err()
	case r.cold != nil:
		return r.found, r.cold
	case r.failing():
		return r.found, ErrFailing
	case r.left > 0:
		return r.found, ErrTokens
	}
	return r.found, nil
}

// run is a plan under way.
type run struct {
	Plan

	mu    sync.Mutex
	found Outcome
	left  int   // pairs that have not begun
	done  int   // pairs that are over
	cold  error // that ended the warm-up
}

// work sends pairs until none is left.
func (r *run) work(ctx context.Context, worker int) {
	order := rand.New(rand.NewPCG(r.Seed, uint64(worker)))
	for range r.Warmup {
		if !r.warm(ctx, worker) {
			return
		}
	}
	for r.begin(ctx) {
		r.end(r.pair(ctx, worker, Way(order.IntN(2))))
	}
}

// warm sends a pair that does not count. It is false when a run makes no sense, because a
// way gets no answer.
func (r *run) warm(ctx context.Context, worker int) bool {
	pair, errs := r.pair(ctx, worker, Direct)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found.Tokens += pair[Direct].Tokens + pair[Through].Tokens
	for way, err := range errs {
		if err != nil && r.cold == nil {
			r.cold = fmt.Errorf("%s: %w", Way(way), err)
		}
	}
	return r.cold == nil
}

// begin takes the next pair, if there is one.
func (r *run) begin(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 || r.cold != nil || r.failing() || r.found.Tokens >= r.MaxTokens || ctx.Err() != nil {
		return false
	}
	r.left--
	return true
}

// failing says whether too many pairs have failed.
func (r *run) failing() bool {
	return float64(r.done-len(r.found.Pairs)) >= max(2, mostFailed*float64(r.Pairs))
}

// pair sends a request each way.
func (r *run) pair(ctx context.Context, worker int, first Way) (pair Pair, errs [2]error) {
	for _, way := range [2]Way{first, 1 - first} {
		pair[way], errs[way] = r.Send(ctx, worker, way)
	}
	return pair, errs
}

// end books a pair. Only the requests of a whole pair are comparable.
func (r *run) end(pair Pair, errs [2]error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for way, err := range errs {
		if err == nil {
			continue
		}
		r.found.Failed[way]++
		if r.found.Errors[way] == nil {
			r.found.Errors[way] = err
		}
	}
	r.found.Tokens += pair[Direct].Tokens + pair[Through].Tokens
	if errs == [2]error{} {
		r.found.Pairs = append(r.found.Pairs, pair)
	}
	if r.done++; r.Progress != nil {
		r.Progress(r.done)
	}
}
