package delivery

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// sender delivers one entry after another. It belongs to one goroutine.
type sender struct {
	to      client
	timeout time.Duration
	pace    pace
	dropped *atomic.Uint64
	reports *reports
	away    bool // the last attempt failed, and the sender may repeat it

	closing  <-chan struct{} // Close closes it
	draining bool            // the sender has noticed that
	spooled  bool            // the next process sends the entries that are left
}

// deliver sends an entry until the collector accepts it or refuses it for good, and counts
// the items that the collector refused. It returns false when the entry stays unfinished:
// ctx ended, or the sender leaves the entry to the next process.
func (s *sender) deliver(ctx context.Context, e entry) bool {
	for {
		s.noticeClose()
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
			s.reports.warn("the collector refused a request; headway drops its items", a.status, "items", e.items)
			return true
		}
		s.away = true
		unanswered := a.failure != ""
		if s.draining && s.spooled && unanswered {
			return false
		}
		if !s.waitToRetry(ctx, a) {
			return false
		}
	}
}

// A queue that closes waits so long between attempts at most, whatever its configuration
// says and the collector asks for.
const (
	drainFirst = 100 * time.Millisecond
	drainMost  = time.Second
)

// noticeClose shortens the waits once Close was called.
func (s *sender) noticeClose() {
	select {
	case <-s.closing:
		if !s.draining {
			s.draining = true
			s.pace = pace{first: min(drainFirst, s.pace.first), most: min(drainMost, s.pace.most)}
		}
	default:
	}
}

// waitToRetry waits before the next attempt, and returns false when ctx ended. A call of
// Close ends the wait, even one that the collector asked for: a shutdown is the last chance
// of the requests that wait, and it is usually over before such a wait would be.
func (s *sender) waitToRetry(ctx context.Context, a answer) bool {
	closing, asked := s.closing, a.retryAfter
	if s.draining {
		closing, asked = nil, 0
	}
	wait := s.pace.next(asked)
	s.reports.warn("the collector takes nothing; trying again", a.status, "reason", a.failure, "wait", wait)
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

// attempt sends the payload once.
func (s *sender) attempt(ctx context.Context, payload []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.to.export(ctx, payload)
}

// accept books that the collector took a request, and the items of it that it refused.
func (s *sender) accept(a answer, items int) {
	s.pace.reset()
	if s.away {
		s.away = false
		s.reports.log.Info("the collector takes requests again")
	}
	if rejected := min(a.rejected, int64(items)); rejected > 0 {
		s.dropped.Add(uint64(rejected))
		s.reports.warn("the collector refused part of a request; headway drops that part", "partial success", "items", rejected)
	}
}

// longestAsked bounds the wait that a collector may ask for. Otherwise a Retry-After date
// from a wrong clock could silence a queue for years.
const longestAsked = time.Hour

// pace is the exponential backoff over a run of failures.
type pace struct {
	first, most time.Duration
	now         time.Duration // the next wait, without jitter; 0 stands for first
}

// next returns the wait before the next attempt: exactly the wait that the collector asked
// for, or the next step when asked is 0. Later steps continue from the wait that the
// collector asked for (google.rpc.RetryInfo).
func (p *pace) next(asked time.Duration) time.Duration {
	p.now = min(max(p.now, p.first, asked), p.most)
	wait := p.now/2 + rand.N(p.now+1)
	p.now = min(2*p.now, p.most)
	if asked > 0 {
		return min(asked, longestAsked)
	}
	return wait
}

func (p *pace) reset() { p.now = 0 }
