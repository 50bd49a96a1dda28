package delivery

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// sender delivers one entry after the other. It belongs to one goroutine.
type sender struct {
	to      client
	timeout time.Duration
	pace    pace
	dropped *atomic.Uint64
	reports *reports
	away    bool // the last attempt failed and may be repeated
	// leave, once closed, ends the wait for a collector that does not answer, for a next
	// process goes on. It is nil where nothing outlives this one.
	leave <-chan struct{}
}

// deliver sends an entry until the collector has answered for good, and counts what it
// refused. False says that ctx ended before, or that it is to be left to a next process.
func (s *sender) deliver(ctx context.Context, e entry) bool {
	for {
		a := s.attempt(ctx, e.payload)
		if ctx.Err() != nil && a.fate == later {
			return false
		}
		switch a.fate {
		case accepted:
			s.accept(a, e.items)
			return true
		case never:
			s.pace.reset()
			s.away = false
			s.dropped.Add(uint64(e.items))
			s.reports.warn("the collector refused a request; its items are dropped", a.word, "items", e.items)
			return true
		}
		s.away = true
		wait := s.pace.next(a.after)
		s.reports.warn("the collector takes nothing; trying again", a.word, "reason", a.why, "wait", wait)
		var leave <-chan struct{}
		if a.why != "" { // nobody answered
			leave = s.leave
		}
		if !sleep(ctx, leave, wait) {
			return false
		}
	}
}

func (s *sender) attempt(ctx context.Context, payload []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.to.export(ctx, payload)
}

func (s *sender) accept(a answer, items int) {
	s.pace.reset()
	if s.away {
		s.away = false
		s.reports.log.Info("the collector takes requests again")
	}
	if rejected := min(a.rejected, int64(items)); rejected > 0 {
		s.dropped.Add(uint64(rejected))
		s.reports.warn("the collector refused a part of a request; it is dropped", "partial success", "items", rejected)
	}
}

func sleep(ctx context.Context, leave <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-leave:
		return false
	case <-ctx.Done():
		return false
	}
}

// longest bounds the wait that a collector may ask for, so that a wrong clock in a
// Retry-After date does not silence a queue for years.
const longest = time.Hour

// pace is the exponential backoff of one run of failures.
type pace struct {
	first, most time.Duration
	now         time.Duration // the next wait before jitter; 0: first
}

// next is how long to wait before the next attempt: what the collector asked for,
// exactly, or the next step. Steps go on from what was asked for (google.rpc.RetryInfo).
func (p *pace) next(asked time.Duration) time.Duration {
	p.now = min(max(p.now, p.first, asked), p.most)
	wait := p.now/2 + rand.N(p.now+1)
	p.now = min(2*p.now, p.most)
	if asked > 0 {
		return min(asked, longest)
	}
	return wait
}

func (p *pace) reset() { p.now = 0 }
