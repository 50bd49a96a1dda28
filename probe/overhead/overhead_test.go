package overhead_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/overhead"
)

// sender answers as a service does and remembers what was asked.
type sender struct {
	delay time.Duration // of the way through headway
	fail  func(n int, way overhead.Way) error

	mu    sync.Mutex
	sent  [][2]int // worker and way, in order
	under int      // requests under way
	most  int
}

func (s *sender) send(_ context.Context, worker int, way overhead.Way) (overhead.Sample, error) {
	s.mu.Lock()
	n := len(s.sent)
	s.sent = append(s.sent, [2]int{worker, int(way)})
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	took := 100 * time.Millisecond
	if way == overhead.Through {
		took += s.delay
	}
	time.Sleep(took)
	s.mu.Lock()
	s.under--
	s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(n, way); err != nil {
			return overhead.Sample{}, err
		}
	}
	return overhead.Sample{E2E: took, TTFT: took / 2, Tokens: 10}, nil
}

func TestRunSendsPairsInRandomOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{delay: 7 * time.Millisecond}
		var progress []int
		o, err := overhead.Run(t.Context(), overhead.Plan{
			Pairs: 200, Warmup: 2, Concurrency: 4, Seed: 1, MaxTokens: 1e6, Send: s.send,
			Progress: func(done int) { progress = append(progress, done) },
		})
		if err != nil || len(o.Pairs) != 200 || o.Tokens != 208*20 || s.most != 4 {
			t.Errorf("%d pairs, %d tokens, %d at a time, %v", len(o.Pairs), o.Tokens, s.most, err)
		}
		if len(progress) != 200 || progress[199] != 200 || !slices.IsSorted(progress) {
			t.Errorf("progress %v", progress)
		}
		if d, _ := overhead.Compare(o.Pairs, e2e); d.Shift != 7*time.Millisecond {
			t.Errorf("%+v", d)
		}
		first := map[int]int{} // of each pair: which way, how often
		for worker := range 4 {
			mine := slices.DeleteFunc(slices.Clone(s.sent), func(x [2]int) bool { return x[0] != worker })[2*2:]
			for i := 0; i < len(mine); i += 2 {
				first[mine[i][1]]++
				if mine[i][1] == mine[i+1][1] {
					t.Fatalf("pair %d of worker %d went one way twice", i/2, worker)
				}
			}
		}
		if first[0] < 70 || first[1] < 70 {
			t.Errorf("first in the pairs: %v", first)
		}
	})
}

func TestHalvesOfPairsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{fail: func(n int, way overhead.Way) error {
			if way == overhead.Through && n%11 == 0 && n > 1 {
				return fmt.Errorf("failure %d", n)
			}
			return nil
		}}
		o, err := overhead.Run(t.Context(), overhead.Plan{Pairs: 50, Warmup: 1, Concurrency: 1, MaxTokens: 1e6, Send: s.send})
		if err != nil || o.Failed[overhead.Direct] != 0 || o.Failed[overhead.Through] == 0 || len(o.Pairs) != 50-o.Failed[overhead.Through] || o.Errors[overhead.Through] == nil {
			t.Errorf("%d pairs, failed %v, %v, %v", len(o.Pairs), o.Failed, o.Errors, err)
		}
	})
}

func TestRunEnds(t *testing.T) {
	broken := errors.New("401 Unauthorized")
	tests := []struct {
		name  string
		plan  overhead.Plan
		fail  func(int, overhead.Way) error
		after time.Duration // the context ends; 0 never
		want  error
		sent  int
	}{
		{"when the tokens are used up", overhead.Plan{Pairs: 100, Concurrency: 1, MaxTokens: 200}, nil, 0, overhead.ErrTokens, 20},
		{"when the first pair gets no answer", overhead.Plan{Pairs: 100, Warmup: 3, Concurrency: 1, MaxTokens: 1e6}, func(int, overhead.Way) error { return broken }, 0, broken, 2},
		{"when a fifth of the pairs has failed", overhead.Plan{Pairs: 100, Concurrency: 1, MaxTokens: 1e6}, func(n int, _ overhead.Way) error {
			if n%4 == 0 {
				return broken
			}
			return nil
		}, 0, overhead.ErrFailing, 78},
		{"when its context ends", overhead.Plan{Pairs: 100, Concurrency: 1, MaxTokens: 1e6}, nil, 950 * time.Millisecond, context.DeadlineExceeded, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sender{fail: tt.fail}
				tt.plan.Send = s.send
				ctx := t.Context()
				if tt.after > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.after)
					defer cancel()
				}
				if _, err := overhead.Run(ctx, tt.plan); !errors.Is(err, tt.want) || len(s.sent) != tt.sent {
					t.Errorf("%v after %d requests", err, len(s.sent))
				}
			})
		})
	}
}
