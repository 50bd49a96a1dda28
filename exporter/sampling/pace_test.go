package sampling_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// normal is a time of a log-normal distribution.
func normal(r *rand.Rand, median time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
}

// slow says whether a Sampler keeps an exchange for its slowness.
func slow(s *sampling.Sampler, l *ledger, change func(*exchange.Record)) bool {
	r := bare()
	change(&r)
	s.Observe(r)
	return l.record.Sampling == at(sampling.Slow)
}

// whole is an answer in one piece.
func whole(e2e time.Duration) func(*exchange.Record) {
	return func(e *exchange.Record) { e.Stream, e.Timing.End = false, e2e }
}

func TestNothingIsSlowBeforeAHundredWereSeen(t *testing.T) {
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	for i := range 100 {
		if slow(s, &l, func(e *exchange.Record) { e.Timing.End = time.Second << (i / 10) }) {
			t.Fatalf("the %d. is slow", i+1)
		}
	}
	if !slow(s, &l, func(e *exchange.Record) { e.Timing.End = time.Hour }) {
		t.Error("the 101st, of an hour, is not")
	}
}

func TestFirstTokenOfAStreamCanBeSlow(t *testing.T) {
	for _, stream := range []bool{true, false} {
		var l ledger
		s := sampling.New(sampling.Config{Next: &l})
		change := func(ttft time.Duration) func(*exchange.Record) {
			return func(e *exchange.Record) { e.Stream, e.Timing.FirstToken = stream, ttft }
		}
		for range 100 {
			slow(s, &l, change(200*ms))
		}
		quick := func(ttft time.Duration) func(*exchange.Record) {
			return func(e *exchange.Record) { change(ttft)(e); e.Timing.End = 850 * ms }
		}
		if slow(s, &l, quick(0)) {
			t.Errorf("stream %v: one without a token is slow", stream)
		}
		if got := slow(s, &l, quick(800*ms)); got != stream {
			t.Errorf("stream %v: a first token after 800 ms: slow is %v", stream, got)
		}
	}
}

// A normal time of one kind is a slow time of another. The limit ignores exchanges that
// failed.
func TestKindsAreComparedWithThemselves(t *testing.T) {
	kinds := []func(*exchange.Record){
		func(*exchange.Record) {},
		func(e *exchange.Record) { e.Operation = exchange.Embeddings },
		func(e *exchange.Record) { e.Model.Request = "large" },
		func(e *exchange.Record) { e.Stream = false },
		func(e *exchange.Record) { e.Mode = exchange.Raw },
	}
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	took := func(e *exchange.Record, e2e time.Duration) { e.Timing = exchange.Timing{End: e2e} }
	for range 100 {
		for i, kind := range kinds {
			slow(s, &l, func(e *exchange.Record) { kind(e); took(e, time.Second<<(2*i)) })
		}
		slow(s, &l, func(e *exchange.Record) { e.Outcome = exchange.HTTPError; took(e, time.Hour) })
	}
	for i, kind := range kinds {
		usual := func(e *exchange.Record) { kind(e); took(e, time.Second<<(2*i)) }
		if slow(s, &l, usual) {
			t.Errorf("kind %d: the usual is slow", i)
		}
		if !slow(s, &l, func(e *exchange.Record) { usual(e); e.Timing.End *= 2 }) {
			t.Errorf("kind %d: twice the usual is not slow", i)
		}
	}
}

// When a model becomes sixteen times as quick, its limit follows soon.
func TestLimitComesDownSoon(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 400))
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	for range 1000 {
		slow(s, &l, whole(normal(r, 16*time.Second, 0.05)))
	}
	for range 1800 {
		slow(s, &l, whole(normal(r, time.Second, 0.05)))
	}
	if !slow(s, &l, whole(1500*ms)) {
		t.Error("half as long again as usual is not slow")
	}
}

// Models beyond the bound are compared with one another.
func TestKindsAreBounded(t *testing.T) {
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	kept := 0
	for i := range 10_000 {
		s.Observe(with(func(e *exchange.Record) { e.Stream, e.Model.Request = false, fmt.Sprint("model-", i) }))
		if l.record.Sampling == at(sampling.Slow) {
			kept++
		}
	}
	if kept > 100 {
		t.Errorf("%d of 10,000 that took as long as one another are slow", kept)
	}
	if !slow(s, &l, func(e *exchange.Record) { e.Stream, e.Model.Request = false, "another"; e.Timing.End = time.Hour }) {
		t.Error("an hour is not slow")
	}
}

// tally counts what is kept, from several goroutines.
type tally struct{ all, kept atomic.Int64 }

func (c *tally) ObserveChain(exchange.Chain) {}

func (c *tally) Observe(r exchange.Record) {
	c.all.Add(1)
	if r.Sampling.Kept {
		c.kept.Add(1)
	}
}

func TestShareIsKeptFromManyGoroutines(t *testing.T) {
	const goroutines, each = 8, 10_000
	var c tally
	s := sampling.New(sampling.Config{Next: &c})
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			r := rand.New(rand.NewPCG(6, uint64(200+g)))
			for range each {
				e := bare()
				e.Stream = false
				e.Model.Request = fmt.Sprint("m", r.IntN(2))
				e.Timing.End = normal(r, time.Second, 0.5)
				s.Observe(e)
			}
		})
	}
	all.Wait()
	if n := float64(c.kept.Load()) / (goroutines * each); c.all.Load() != goroutines*each || math.Abs(n-0.01) > 0.001 {
		t.Errorf("kept %.3f %% of %d", 100*n, c.all.Load())
	}
}
