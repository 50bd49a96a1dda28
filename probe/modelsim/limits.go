package modelsim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// slack absorbs rounding, in tokens: a client that waited as long as it was told must be admitted.
const slack = 1e-6

// bucket refills continuously and holds at most what a minute allows.
type bucket struct {
	limit float64 // per minute
	level float64
	at    time.Time
}

func (b *bucket) refill(now time.Time) {
	if elapsed := now.Sub(b.at); elapsed > 0 {
		b.level = min(b.limit, b.level+b.limit*elapsed.Minutes())
		b.at = now
	}
}

// after is how long until the level has grown by missing.
func (b *bucket) after(missing float64) time.Duration {
	return time.Duration(math.Ceil((missing - slack) / b.limit * float64(time.Minute)))
}

// limiter has the limits of one server. It is safe for concurrent use.
type limiter struct {
	mu               sync.Mutex
	requests, tokens *bucket // nil when there is no limit
}

func newLimiter(requestsPerMinute, tokensPerMinute int, now time.Time) *limiter {
	full := func(limit int) *bucket {
		if limit == 0 {
			return nil
		}
		return &bucket{limit: float64(limit), level: float64(limit), at: now}
	}
	return &limiter{requests: full(requestsPerMinute), tokens: full(tokensPerMinute)}
}

// quotaState is one limit as a response tells it.
type quotaState struct {
	kind             string // requests or tokens
	abbreviation     string
	limit, remaining int
	reset            time.Duration // until the bucket is full
}

// refusal says why the limiter did not admit a request.
type refusal struct {
	quotaState
	requested int
	wait      time.Duration
	never     bool // larger than the limit itself
}

// quota is the outcome of one admission: the state of each limit after it, and the
// refusal if there was one.
type quota struct {
	states  []quotaState
	refused *refusal
}

// admit charges one request and its tokens, or nothing if either does not fit.
func (l *limiter) admit(now time.Time, tokens int) quota {
	l.mu.Lock()
	defer l.mu.Unlock()
	var q quota
	charges := []struct {
		b                  *bucket
		kind, abbreviation string
		amount             int
	}{{l.requests, "requests", "RPM", 1}, {l.tokens, "tokens", "TPM", tokens}}
	for _, c := range charges {
		if c.b == nil {
			continue
		}
		c.b.refill(now)
		if missing := float64(c.amount) - c.b.level; missing > slack && q.refused == nil {
			q.refused = &refusal{
				quotaState: c.b.state(c.kind, c.abbreviation),
				requested:  c.amount,
				wait:       c.b.after(missing),
				never:      float64(c.amount) > c.b.limit,
			}
		}
	}
	for _, c := range charges {
		if c.b == nil {
			continue
		}
		if q.refused == nil {
			c.b.level -= float64(c.amount)
		}
		q.states = append(q.states, c.b.state(c.kind, c.abbreviation))
	}
	return q
}

func (b *bucket) state(kind, abbreviation string) quotaState {
	return quotaState{
		kind: kind, abbreviation: abbreviation,
		limit: int(b.limit), remaining: int(b.level + slack), reset: max(0, b.after(b.limit-b.level)),
	}
}

// setRetryAfter tells when to try again, in the fields that all providers have.
func (r *refusal) setRetryAfter(head http.Header) {
	head.Set("Retry-After", strconv.FormatInt(int64(ceil(r.wait, time.Second)/time.Second), 10))
	if r.never {
		head.Set("X-Should-Retry", "false")
	}
}

func ceil(d, unit time.Duration) time.Duration {
	return (d + unit - 1) / unit * unit
}

func (r *refusal) apiError(model string) *apiError {
	e := &apiError{status: http.StatusTooManyRequests, Type: r.kind, Code: "rate_limit_exceeded", wait: r.wait}
	perMinute := fmt.Sprintf("%s on %s per min (%s): Limit %d", model, r.kind, r.abbreviation, r.limit)
	if r.never {
		e.Message = fmt.Sprintf("Request too large for %s, Requested %d.", perMinute, r.requested)
		return e
	}
	e.Message = fmt.Sprintf("Rate limit reached for %s, Used %d, Requested %d. Please try again in %v.",
		perMinute, r.limit-r.remaining, r.requested, ceil(r.wait, time.Millisecond))
	return e
}
