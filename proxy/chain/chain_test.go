package chain_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

func TestFirstTryIsAChainAtOnce(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		r := s.try(time.Second, good(300*ms))
		if r.Attempt.Number != 1 || r.Attempt.Outcome != exchange.FirstTry || r.Attempt.JoinedBy != "" || r.Attempt.Chain == 0 {
			t.Errorf("attempt %+v", r.Attempt)
		}
		want := exchange.Chain{
			ID: r.Attempt.Chain, Outcome: exchange.FirstTry, Start: r.Start, Attempts: 1, TTFT: 300 * ms, E2E: time.Second, Last: r,
		}
		if len(s.chains()) != 1 || !reflect.DeepEqual(s.chains()[0], want) {
			t.Errorf("chains %+v\nwant %+v", s.chains(), want)
		}
		if n := s.joiner.Open(); n != 0 {
			t.Errorf("%d open", n)
		}
		again := s.try(time.Second, good(300*ms))
		if again.Attempt.Chain == r.Attempt.Chain {
			t.Error("an equal request after a good answer is in the same chain")
		}
	})
}

func TestChainIsWhatItsUserFelt(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		a := s.try(100*ms, from(sdk.OpenAIJS), retry(0), failed(429), asks(2*time.Second))
		time.Sleep(time.Second) // sooner than the server asked
		b := s.try(200*ms, from(sdk.OpenAIJS), retry(1), failed(500))
		time.Sleep(900 * ms)
		c := s.try(1000*ms, from(sdk.OpenAIJS), retry(2), good(400*ms))
		for i, r := range []exchange.Record{a, b, c} {
			want := exchange.Attempt{Chain: a.Attempt.Chain, Number: i + 1, JoinedBy: "x-stainless-retry-count", Elapsed: r.Start.Sub(a.Start)}
			switch i {
			case 0:
				want.JoinedBy = ""
			case 2:
				want.Outcome = exchange.Recovered
			}
			if r.Attempt != want {
				t.Errorf("attempt %+v, want %+v", r.Attempt, want)
			}
		}
		if len(s.chains()) != 1 {
			t.Fatalf("%d chains", len(s.chains()))
		}
		got := s.chains()[0]
		want := exchange.Chain{
			ID: a.Attempt.Chain, Outcome: exchange.Recovered, Start: a.Start, Attempts: 3, JoinedBy: []string{"x-stainless-retry-count"},
			TTFT: 2600 * ms, E2E: 3200 * ms, Slept: 1900 * ms, RetryAfterIgnored: 1, Last: c,
			Waste: []exchange.Waste{
				{Cause: "429", Attempts: 1, Time: 100 * ms},
				// The server had the whole prompt before it failed, and counted its tokens later.
				{Cause: "500", Attempts: 1, Time: 200 * ms, Input: exchange.Known(100)},
			},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// TestChainsEnd with an outcome, at once or after a silence, for a single attempt.
func TestChainsEnd(t *testing.T) {
	partly := func(r *exchange.Record) { gone(r); good(ms)(r); gone(r) }
	tests := []struct {
		name    string
		changes []change
		outcome exchange.ChainOutcome
		late    time.Duration // 0 is at once
	}{
		{"answered", []change{good(ms)}, exchange.FirstTry, 0},
		{"a request that is wrong", []change{failed(400)}, exchange.Exhausted, 0},
		{"the client is told not to try again", []change{failed(503), ruled(exchange.No)}, exchange.Exhausted, 0},
		{"a 404 that may be tried again", []change{failed(404), ruled(exchange.Yes)}, exchange.Exhausted, 85200 * ms},
		{"nothing is known of the client", []change{failed(500)}, exchange.Exhausted, 85200 * ms},
		{"nothing could tell another attempt", []change{failed(500), asking(0, 0)}, exchange.Exhausted, 0},
		{"an OpenAI SDK", []change{failed(500), from(sdk.OpenAIPython), retry(0)}, exchange.Exhausted, 12400 * ms},
		{"it waits as long as it is asked to", []change{failed(429), from(sdk.OpenAIPython), retry(0), asks(time.Minute)}, exchange.Exhausted, 80 * time.Second},
		{"an identifier", []change{failed(500), from(sdk.OpenAIPython), named(sdk.IdempotencyKey, 9)}, exchange.Exhausted, time.Minute},
		{"credentials that are not renewed", []change{failed(401), from(sdk.AnthropicJS)}, exchange.Exhausted, 5 * time.Second},
		{"credentials that nobody renews", []change{failed(401)}, exchange.Exhausted, 0},
		{"a stream that broke off", []change{cut, from(sdk.OpenAIJS)}, exchange.Exhausted, 30 * time.Second},
		{"a client that lost patience", []change{gone, from(sdk.OpenAIJS)}, exchange.Abandoned, 12400 * ms},
		{"a client that has read enough", []change{partly}, exchange.Abandoned, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{}, func(t *testing.T, s *stage) {
				r := s.try(time.Second, tt.changes...)
				if at := r.Attempt.Outcome; (tt.late == 0) != (at == tt.outcome) || (tt.late > 0) != (at == "") {
					t.Errorf("the attempt's chain is %q", at)
				}
				time.Sleep(time.Hour)
				if len(s.chains()) != 1 {
					t.Fatalf("%d chains", len(s.chains()))
				}
				c := s.chains()[0]
				late := s.times()[0] - time.Second
				if tt.late > 0 {
					late -= 100 * ms // by which the Joiner may be late, to close several together
				}
				if c.Outcome != tt.outcome || c.Late != (tt.late > 0) || late != tt.late || c.E2E != time.Second {
					t.Errorf("%s, late %v by %v, E2E %v; want %s by %v", c.Outcome, c.Late, late, c.E2E, tt.outcome, tt.late)
				}
			})
		})
	}
}

func TestBoundsCloseTheOldest(t *testing.T) {
	on(t, chain.Config{MaxOpen: 3}, func(t *testing.T, s *stage) {
		var ids []exchange.ChainID
		for i := range 5 {
			ids = append(ids, s.try(ms, failed(500), asking(exchange.Fingerprint(10+i), 0)).Attempt.Chain)
		}
		var closed []exchange.ChainID
		for _, c := range s.chains() {
			closed = append(closed, c.ID)
			if c.Outcome != exchange.Exhausted || !c.Late || c.Last.Model.Request != "large" || c.Last.Status != 500 {
				t.Errorf("%+v", c)
			}
		}
		if !slices.Equal(closed, ids[:2]) || s.joiner.Evicted() != 2 || s.joiner.Open() != 3 {
			t.Errorf("closed %v of %v, %d evicted, %d open", closed, ids, s.joiner.Evicted(), s.joiner.Open())
		}
	})
}

func TestAnAttemptOfAnEvictedChainIsRecorded(t *testing.T) {
	on(t, chain.Config{MaxOpen: 1}, func(t *testing.T, s *stage) {
		first := s.begin(asking(10, 0))
		s.try(ms, asking(11, 0), good(ms))
		if r := first(good(ms)); r.Attempt.Outcome != exchange.FirstTry || len(s.chains()) != 2 {
			t.Errorf("%+v, %d chains", r.Attempt, len(s.chains()))
		}
	})
}

func TestBytesAreBounded(t *testing.T) {
	on(t, chain.Config{MaxBytes: 64 << 10}, func(t *testing.T, s *stage) {
		for i := range 1000 {
			s.try(ms, failed(500), asking(exchange.Fingerprint(10+i), 0), of(strings.Repeat("m", 1000)+strconv.Itoa(i)))
		}
		if n := s.joiner.Open(); n == 0 || n > 150 {
			t.Errorf("%d chains in 64 KiB", n)
		}
	})
}

func TestAClientThatNeverStopsIsNotOneChain(t *testing.T) {
	on(t, chain.Config{MaxAge: time.Minute}, func(t *testing.T, s *stage) {
		for range 100 {
			s.try(100*ms, failed(503))
			time.Sleep(5 * time.Second)
		}
		if len(s.chains()) < 7 {
			t.Errorf("%d chains in eight minutes", len(s.chains()))
		}
	})
}

func TestCloseClosesWhatIsOpen(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		s.try(ms, failed(500))
		running := s.begin(asking(5, 6))
		s.joiner.Close()
		if len(s.chains()) != 1 || s.chains()[0].Outcome != exchange.Exhausted {
			t.Errorf("%+v", s.chains())
		}
		if r := running(failed(500)); r.Attempt.Outcome != exchange.Exhausted || len(s.chains()) != 2 || s.joiner.Open() != 0 {
			t.Errorf("%+v, %d chains, %d open", r.Attempt, len(s.chains()), s.joiner.Open())
		}
	})
}

func TestWhatIsNoCallIsHandedOnAsItIs(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		for _, c := range []change{
			func(r *exchange.Record) { r.Origin = exchange.Canary },
			func(r *exchange.Record) { r.Mode = exchange.Sealed },
			func(r *exchange.Record) { r.Mode = exchange.Raw },
			func(r *exchange.Record) { r.Mode = exchange.Upgraded },
		} {
			if r := s.try(ms, c, good(ms)); r.Attempt != (exchange.Attempt{}) {
				t.Errorf("%+v", r.Attempt)
			}
		}
		if len(s.told) != 4 || len(s.chains()) != 0 {
			t.Errorf("%d told, %d chains", len(s.told), len(s.chains()))
		}
	})
}

// An exchange begins as any other and may switch protocols with its response.
func TestAnUpgradedConnectionIsNoAttempt(t *testing.T) {
	upgraded := func(r *exchange.Record) { r.Status, r.Mode, r.Outcome = 101, exchange.Upgraded, exchange.OK }
	t.Run("as the first of a call", func(t *testing.T) {
		on(t, chain.Config{}, func(t *testing.T, s *stage) {
			end := s.begin()
			time.Sleep(time.Hour)
			if r := end(upgraded); r.Attempt != (exchange.Attempt{}) || len(s.chains()) != 0 || s.joiner.Open() != 0 {
				t.Errorf("%+v, %d chains, %d open", r.Attempt, len(s.chains()), s.joiner.Open())
			}
		})
	})
	t.Run("after an attempt that failed", func(t *testing.T) {
		on(t, chain.Config{}, func(t *testing.T, s *stage) {
			failure := s.try(ms, failed(500))
			time.Sleep(time.Second)
			tunnel := s.begin()
			time.Sleep(2 * time.Second)
			if r := tunnel(upgraded); r.Attempt != (exchange.Attempt{}) {
				t.Errorf("%+v", r.Attempt)
			}
			answer := s.try(ms, good(ms))
			if answer.Attempt.Chain != failure.Attempt.Chain || answer.Attempt.Number != 2 || answer.Attempt.Outcome != exchange.Recovered {
				t.Errorf("the retry after it is %+v of %+v", answer.Attempt, failure.Attempt)
			}
		})
	})
	t.Run("when no attempt can follow any more", func(t *testing.T) {
		on(t, chain.Config{}, func(t *testing.T, s *stage) {
			s.try(ms, failed(500))
			time.Sleep(time.Second)
			tunnel := s.begin()
			time.Sleep(time.Hour)
			tunnel(upgraded)
			time.Sleep(time.Second)
			if c := s.chains(); len(c) != 1 || c[0].Outcome != exchange.Exhausted || c[0].Attempts != 1 || s.joiner.Open() != 0 {
				t.Errorf("%+v, %d open", c, s.joiner.Open())
			}
		})
	})
}

func TestLateChainHasItsLastRecord(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		s.try(100*ms, failed(500), traced("a"))
		time.Sleep(time.Second)
		b := s.try(200*ms, cut, traced("a"), asks(time.Second), labelled("acme", ""))
		time.Sleep(time.Hour)
		want := b
		want.Call, want.Chunks = exchange.Call{}, exchange.Chunks{}
		c := s.chains()[0]
		if !c.Last.Start.Equal(want.Start) {
			t.Errorf("start %v, want %v", c.Last.Start, want.Start)
		}
		c.Last.Start = want.Start
		if !reflect.DeepEqual(c.Last, want) {
			t.Errorf("got  %+v\nwant %+v", c.Last, want)
		}
		waste := []exchange.Waste{
			{Cause: "500", Attempts: 1, Time: 100 * ms},
			{Cause: "stream_truncated", Attempts: 1, Time: 200 * ms, Output: exchange.Known(7)},
		}
		if !reflect.DeepEqual(c.Waste, waste) || c.Slept != time.Second {
			t.Errorf("waste %+v, slept %v", c.Waste, c.Slept)
		}
	})
}

// TestAnEstimateOfTheInputIsNoReport: the answer to the same request tells better what the
// attempt before it had read.
func TestAnEstimateOfTheInputIsNoReport(t *testing.T) {
	estimated := func(r *exchange.Record) {
		cut(r)
		r.Usage.Input, r.Usage.InputSource = exchange.Known(93), exchange.Estimated
	}
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		s.try(200*ms, from(sdk.OpenAIJS), retry(0), estimated)
		time.Sleep(500 * ms)
		s.try(time.Second, from(sdk.OpenAIJS), retry(1), good(300*ms))
		if c := s.chains(); len(c) != 1 || len(c[0].Waste) != 1 || c[0].Waste[0].Input != exchange.Known(100) {
			t.Errorf("%+v", c)
		}
	})
}

func TestChainsAreListed(t *testing.T) {
	on(t, chain.Config{Recent: 4}, func(t *testing.T, s *stage) {
		s.try(100*ms, failed(500))
		time.Sleep(time.Second)
		s.try(200*ms, good(ms))
		s.try(ms, good(ms)) // at its first try: Chains does not list it
		s.try(100*ms, failed(500), asking(5, 6))
		time.Sleep(time.Second)
		running := s.begin(asking(5, 6))
		got := s.joiner.Chains(10)
		if len(got) != 2 || !got[0].Open || got[1].Open {
			t.Fatalf("%+v", got)
		}
		if open := got[0]; len(open.Steps) != 2 || !open.Steps[1].End.IsZero() || open.Steps[1].ResendCount != 1 || open.Outcome != "" {
			t.Errorf("open: %+v", open)
		}
		over := got[1]
		if over.Outcome != "recovered" || over.Attempts != 2 || over.E2E != 1.3 || over.Slept != 1 || len(over.Steps) != 2 ||
			over.Steps[1].End.Sub(over.Steps[1].Start) != 200*ms || over.Steps[1].JoinedBy != "fingerprint" || over.Model != "large" {
			t.Errorf("over: %+v", over)
		}
		if text, err := json.Marshal(got); err != nil || !strings.Contains(string(text), `"resend_count":1`) {
			t.Errorf("%s, %v", text, err)
		}
		running(good(ms))
		for i := range 20 {
			s.try(ms, failed(400), asking(exchange.Fingerprint(20+i), 0))
		}
		if n := len(s.joiner.Chains(100)); n > 4 || n < 3 {
			t.Errorf("%d remembered", n)
		}
		if n := len(s.joiner.Chains(2)); n != 2 {
			t.Errorf("%d of at most 2", n)
		}
	})
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	s := &stage{began: time.Now()}
	s.joiner = chain.New(chain.Config{Next: s, MaxOpen: 50})
	const workers, each = 8, 300
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				r := exchange.Record{
					Start: time.Now(), Mode: exchange.Explicit, Outcome: exchange.OK, Status: 200,
					Call: exchange.Call{Request: exchange.Fingerprint(1 + i%7), Conversation: exchange.Fingerprint(100 + i%5)},
				}
				r.Attempt = s.joiner.Begin(r)
				if (i+w)%3 == 0 {
					r.Outcome, r.Status, r.ErrorType = exchange.Refused, 429, "429"
				}
				s.joiner.Observe(r)
				s.joiner.Chains(3)
			}
		})
	}
	all.Wait()
	s.joiner.Close()
	attempts := 0
	for _, c := range s.chains() {
		attempts += c.Attempts
	}
	if len(s.told) != workers*each || attempts != workers*each {
		t.Errorf("%d records, %d attempts in chains, want %d", len(s.told), attempts, workers*each)
	}
}
