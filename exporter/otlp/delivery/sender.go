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

	closing  <-chan struct{} // closed when the queue is
	draining bool            // the sender knows
	outlived bool            // what is left over is for a next process
}

// deliver sends an entry until the collector has answered for good, and counts what it
// refused. False says that ctx ended before, or that it is to be left to a next process.
func (s *sender) deliver(ctx context.Context, e entry) bool {
	for {
		s.look()
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
		nobody := a.why != "" // answered
		if s.draining && s.outlived && nobody {
			return false
		}
		if !s.rest(ctx, a) {
			return false
		}
	}
}

// A queue that closes waits no longer than this between attempts, whatever its
// configuration or the collector asked for.
const (
	drainFirst = 100 * time.Millisecond
	drainMost  = time.Second
)

// look notices that the queue was closed.
func (s *sender) look() {
	select {
	case <-s.closing:
		if !s.draining {
			s.draining = true
			s.pace = pace{first: min(drainFirst, s.pace.first), most: min(drainMost, s.pace.most)}
		}
	default:
	}
}

// rest waits before the next attempt; false if ctx ended. When the queue is closed the
// wait ends and the next attempt is made at once, though the collector may have asked
// for a longer one: a shutdown is the last chance of what waits, and it is over before
// most such waits are.
func (s *sender) rest(ctx context.Context, a answer) bool {
	closing, asked := s.closing, a.after
	if s.draining {
		closing, asked = nil, 0
	}
	wait := s.pace.next(asked)
	s.reports.warn("the collector takes nothing; trying again", a.word, "reason", a.why, "wait", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-closing:
		return true
	case <-ctx.Done():
		return false
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
