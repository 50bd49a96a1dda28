package chain_test

import (
	"maps"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// TestAttemptsAreJoined or not: a second attempt follows the first after a gap.
func TestAttemptsAreJoined(t *testing.T) {
	fallback := []change{of("small"), asking(3, 2)}
	ofAnSDK := append([]change{from(sdk.OpenAIJS)}, fallback...)
	tests := []struct {
		name          string
		first, second []change
		gap           time.Duration
		by            string // empty is not
	}{
		{"the same request of an unknown client", []change{failed(500)}, nil, 3 * time.Second, "fingerprint"},
		{"another request", []change{failed(500)}, []change{asking(3, 4)}, 3 * time.Second, ""},
		{"another client", []change{failed(500)}, []change{from(sdk.OpenAIJS)}, 3 * time.Second, ""},
		{"after a good answer", []change{good(ms)}, nil, 3 * time.Second, ""},
		{"after a final failure", []change{failed(400)}, nil, time.Second, ""},
		{"too late", []change{failed(500)}, nil, 2 * time.Minute, ""},
		{"the client's back-off", []change{failed(500), from(sdk.VercelAI)}, []change{from(sdk.VercelAI)}, 2 * time.Second, "fingerprint"},
		{"sooner than the client would", []change{failed(500), from(sdk.VercelAI)}, []change{from(sdk.VercelAI)}, 500 * ms, ""},
		{"as the server asked", []change{failed(429), from(sdk.VercelAI), asks(time.Second)}, []change{from(sdk.VercelAI)}, time.Second, "fingerprint"},
		{"an invocation", []change{failed(500), named(sdk.Invocation, 9)}, []change{named(sdk.Invocation, 9), asking(5, 6)}, 0, "amz-sdk-invocation-id"},
		{"another invocation", []change{failed(500), named(sdk.Invocation, 9)}, []change{named(sdk.Invocation, 8)}, time.Second, ""},
		{"a key for idempotency", []change{failed(500), named(sdk.IdempotencyKey, 9)}, []change{named(sdk.IdempotencyKey, 9)}, time.Second, "idempotency-key"},
		{"a request's identifier", []change{failed(500), named(sdk.Request, 9)}, []change{named(sdk.Request, 9)}, time.Second, "x-request-id"},
		{"a request's identifier on another question", []change{failed(500), named(sdk.Request, 9)}, []change{named(sdk.Request, 9), asking(5, 6)}, time.Second, ""},
		{"a request's identifier that is made anew", []change{failed(500), named(sdk.Request, 9)}, []change{named(sdk.Request, 8)}, time.Second, ""},
		{
			"the same, by a client that counts",
			[]change{failed(500), from(sdk.OpenAIJS), retry(0), named(sdk.Request, 9)},
			[]change{from(sdk.OpenAIJS), retry(1), named(sdk.Request, 8)},
			450 * ms, "x-stainless-retry-count",
		},
		{"the next number", []change{failed(500), from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(1)}, 450 * ms, "x-stainless-retry-count"},
		{"the next number of another request", []change{failed(500), from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(1), asking(3, 4)}, 450 * ms, ""},
		{"a number that leaves one out", []change{failed(500), from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(2)}, 450 * ms, ""},
		{"no number while the client has one to try", []change{failed(500), from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(0)}, 450 * ms, ""},
		{"a loop round a client that does not try", []change{failed(500), from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(0)}, 1500 * ms, "fingerprint"},
		{"a loop round a client that has given up", []change{failed(500), from(sdk.OpenAIJS), retry(2)}, []change{from(sdk.OpenAIJS), retry(0)}, 100 * ms, ""},
		{"a loop round a client that has given up, later", []change{failed(500), from(sdk.OpenAIJS), retry(2)}, []change{from(sdk.OpenAIJS), retry(0)}, 2 * time.Second, "fingerprint"},
		{"a trace", []change{failed(500), traced("a")}, []change{traced("a")}, time.Second, "traceparent"},
		{"another trace", []change{failed(500), traced("a")}, []change{traced("b")}, time.Second, ""},
		{"another trace of a client that counts", []change{failed(500), from(sdk.OpenAIJS), retry(0), traced("a")}, []change{from(sdk.OpenAIJS), retry(1), traced("b")}, 450 * ms, "x-stainless-retry-count"},
		{"a client that lost patience", []change{gone, from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(1)}, 450 * ms, "x-stainless-retry-count"},
		{"a stream that broke off", []change{cut, from(sdk.OpenAIJS), retry(0)}, []change{from(sdk.OpenAIJS), retry(0)}, 10 * ms, "fingerprint"},
		{"another model", []change{failed(500), from(sdk.OpenAIJS)}, ofAnSDK, 10 * ms, "conversation"},
		{"another model, by a client that headway does not know", []change{failed(500)}, fallback, 10 * ms, ""},
		{"another model, by another program with the same SDK", []change{failed(500), from(sdk.OpenAIJS), agent(1)}, append([]change{agent(2)}, ofAnSDK...), 10 * ms, ""},
		{"another provider, by a client that headway does not know", []change{failed(500)}, append([]change{at("other")}, fallback...), 10 * ms, ""},
		{"another provider, after an unknown client", []change{failed(500)}, append([]change{at("other")}, ofAnSDK...), 10 * ms, ""},
		{"the same request of another program", []change{failed(500), agent(1)}, []change{agent(2)}, 3 * time.Second, ""},
		{"the same request of the same program", []change{failed(500), agent(1)}, []change{agent(1)}, 3 * time.Second, "fingerprint"},
		{"another model, when its client would try again", []change{failed(500), from(sdk.VercelAI)}, append([]change{from(sdk.VercelAI)}, fallback...), 2700 * ms, "conversation"},
		{"another model, later than its client would", []change{failed(500), from(sdk.VercelAI)}, append([]change{from(sdk.VercelAI)}, fallback...), 2701 * ms, ""},
		{"another model as late as the server asked the client to wait", []change{failed(429), from(sdk.OpenAIJS), asks(10 * time.Second)}, append([]change{from(sdk.OpenAIJS)}, fallback...), 10 * time.Second, ""},
		{"another model after a client left, much later", []change{gone}, fallback, 20 * time.Second, ""},
		{"another model, later, in the same trace", []change{failed(500), traced("a")}, append([]change{traced("a")}, fallback...), 20 * time.Second, "conversation"},
		{"another model, later, with the same identifier", []change{failed(500), named(sdk.LiteLLMCall, 9)}, append([]change{named(sdk.LiteLLMCall, 9)}, fallback...), 20 * time.Second, "x-litellm-call-id"},
		{"another model with another identifier", []change{failed(500), named(sdk.LiteLLMCall, 9)}, append([]change{named(sdk.LiteLLMCall, 8)}, fallback...), 10 * ms, ""},
		{"another model from another client", []change{failed(500), from(sdk.OpenAIJS)}, append([]change{from(sdk.OpenAIPython)}, fallback...), 10 * ms, ""},
		{
			"another provider from its own client", []change{failed(500), from(sdk.OpenAIJS)},
			append([]change{from(sdk.AnthropicJS), at("other")}, fallback...), 10 * ms, "conversation",
		},
		{"another model after a good answer", []change{good(ms)}, fallback, 10 * ms, ""},
		{"another model in another trace", []change{failed(500), traced("a")}, append([]change{traced("b")}, fallback...), 10 * ms, ""},
		{"the same question with new credentials", []change{failed(401), from(sdk.AnthropicJS), retry(0)}, []change{from(sdk.AnthropicJS), retry(0), asking(3, 2)}, 100 * ms, "conversation"},
		{"the same question of an unknown client, otherwise", []change{failed(500)}, []change{asking(3, 2)}, time.Second, ""},
		{"the same question of a known one, when it is due", []change{failed(500), from(sdk.VercelAI)}, []change{from(sdk.VercelAI), asking(3, 2)}, 2 * time.Second, "conversation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{}, func(t *testing.T, s *stage) {
				a := s.try(100*ms, tt.first...)
				time.Sleep(tt.gap)
				b := s.try(time.Second, append([]change{good(ms)}, tt.second...)...)
				if joined := a.Attempt.Chain == b.Attempt.Chain; joined != (tt.by != "") || b.Attempt.JoinedBy != tt.by {
					t.Errorf("joined by %q, want %q", b.Attempt.JoinedBy, tt.by)
				}
				if falls := b.Model != a.Model || b.Upstream != a.Upstream; tt.by != "" && b.Attempt.Fallback != falls {
					t.Errorf("fallback is %v", b.Attempt.Fallback)
				}
				if last := s.chains()[len(s.chains())-1]; tt.by != "" && last.Fallback != b.Attempt.Fallback {
					t.Errorf("fallback of the chain is %v", last.Fallback)
				}
			})
		})
	}
}

// An application may put one question to several models, to compare them. All of these
// fail, and it does not try again sooner than a person would.
func TestOneQuestionToSeveralModelsIsSeveralCalls(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		for i, model := range []string{"a", "b", "c", "d", "e"} {
			own := []change{of(model), asking(exchange.Fingerprint(10+i), 2)}
			s.try(100*ms, append(own, failed(503))...)
			if i%2 == 1 { // its client's own retry joins its own call
				time.Sleep(300 * ms)
				s.try(100*ms, append(own, gone)...)
			}
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Hour)
		attempts := map[string]int{}
		for _, c := range s.chains() {
			attempts[c.Last.Model.Request] += c.Attempts
			if c.Fallback {
				t.Errorf("%s fell back: %+v", c.Last.Model.Request, c)
			}
		}
		if want := map[string]int{"a": 1, "b": 2, "c": 1, "d": 2, "e": 1}; !maps.Equal(attempts, want) || len(s.chains()) != 5 {
			t.Errorf("%d calls with %v attempts, want 5 with %v", len(s.chains()), attempts, want)
		}
	})
}

// A script asks one model after the other, at once, and all fail. Only an identifier or a
// trace could tell that they are one call. If the last model answers, only the failure just
// before it can be the reason for asking that model.
func TestModelsThatFailOneAfterTheOtherAreSeveralCalls(t *testing.T) {
	for _, tt := range []struct {
		name     string
		own      []change
		last     change
		chains   int
		recovers int
	}{
		{"an unknown client, all fail", nil, failed(503), 5, 0},
		{"an unknown client, the last answers", nil, good(ms), 5, 0},
		{"an SDK, all fail", []change{from(sdk.OpenAIPython)}, failed(503), 5, 0},
		{"an SDK, the last answers", []change{from(sdk.OpenAIPython)}, good(ms), 4, 1},
		{"an SDK, the last fails for good", []change{from(sdk.OpenAIPython)}, failed(400), 5, 0},
		{"an SDK, all fail in one trace", []change{from(sdk.OpenAIPython), traced("a")}, failed(503), 1, 0},
		{"an SDK, one trace, the last answers", []change{from(sdk.OpenAIPython), traced("a")}, good(ms), 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			on(t, chain.Config{}, func(t *testing.T, s *stage) {
				const models = 5
				for i := range models {
					with := append([]change{of(string(rune('a' + i))), asking(exchange.Fingerprint(10+i), 2)}, tt.own...)
					if i < models-1 {
						s.try(10*ms, append(with, failed(503))...)
					} else {
						s.try(10*ms, append(with, tt.last)...)
					}
				}
				time.Sleep(time.Hour)
				attempts, recovered := 0, 0
				for _, c := range s.chains() {
					attempts += c.Attempts
					if c.Outcome == exchange.Recovered {
						recovered++
					}
				}
				if len(s.chains()) != tt.chains || recovered != tt.recovers || attempts != models {
					t.Errorf("%d calls with %d attempts, %d recovered; want %d with %d, %d", len(s.chains()), attempts, recovered, tt.chains, models, tt.recovers)
				}
			})
		})
	}
}

func TestRequestsAtTheSameTimeAreNotAttemptsOfOneCall(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		a, b := s.begin(), s.begin()
		time.Sleep(time.Second)
		failure := a(failed(500))
		if other := b(good(ms)); other.Attempt.Chain == failure.Attempt.Chain {
			t.Error("one that ran beside it was joined")
		}
	})
}

func TestEqualChainsAreToldToBeAmbiguous(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		first := s.try(100*ms, failed(500))
		other := s.begin()
		time.Sleep(100 * ms) // this one joined the first: two begin below before either fails
		other(good(ms))

		x, y := s.begin(asking(7, 8)), s.begin(asking(7, 8))
		time.Sleep(100 * ms)
		rx := x(failed(500))
		time.Sleep(10 * ms)
		ry := y(failed(500))
		time.Sleep(time.Second)
		retryX, retryY := s.begin(asking(7, 8)), s.begin(asking(7, 8))
		time.Sleep(time.Second)
		r1, r2 := retryX(good(ms)), retryY(good(ms))
		if !r1.Attempt.Ambiguous || r1.Attempt.Chain != rx.Attempt.Chain {
			t.Errorf("the first retry is %+v, want the chain that has waited longest, and said to be ambiguous", r1.Attempt)
		}
		if r2.Attempt.Ambiguous || r2.Attempt.Chain != ry.Attempt.Chain {
			t.Errorf("the second retry is %+v: only one chain is left", r2.Attempt)
		}
		if first.Attempt.Ambiguous {
			t.Error("a first attempt is ambiguous")
		}
	})
}

func TestAChainIsNotOverWhileItsNextAttemptRuns(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		s.try(100*ms, failed(500))
		time.Sleep(time.Second)
		second := s.begin()
		time.Sleep(20 * time.Minute)
		if len(s.chains()) > 0 {
			t.Fatalf("over: %+v", s.chains())
		}
		if r := second(good(time.Minute)); r.Attempt.Outcome != exchange.Recovered || r.Attempt.Number != 2 {
			t.Errorf("%+v", r.Attempt)
		}
	})
}

func TestAClientMayComeBackBeforeItsLeavingIsNoticed(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		first := s.begin(from(sdk.OpenAIJS), retry(0))
		time.Sleep(10 * time.Second)
		second := s.begin(from(sdk.OpenAIJS), retry(1))
		time.Sleep(time.Second)
		a := first(gone)
		b := second(good(ms))
		if a.Attempt.Outcome != "" || b.Attempt.Chain != a.Attempt.Chain || b.Attempt.Outcome != exchange.Recovered {
			t.Errorf("attempts %+v and %+v", a.Attempt, b.Attempt)
		}
		if c := s.chains()[0]; c.Attempts != 2 || c.Slept != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// The tap ends an exchange after the relay has forwarded its last byte: the next
// attempt may have begun by then.
func TestTheNextAttemptMayBeginBeforeTheEndIsTold(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		first := s.begin()
		time.Sleep(100 * ms)
		second := s.begin()
		time.Sleep(ms)
		third := s.begin() // an equal one that comes later
		a := first(failed(500), func(r *exchange.Record) { r.Timing.End = 99 * ms })
		b, c := second(good(ms)), third(good(ms))
		if !b.Attempt.Ambiguous {
			t.Error("which of the two it was is certain")
		}
		if b.Attempt.Chain != a.Attempt.Chain || b.Attempt.Number != 2 || b.Attempt.JoinedBy != "fingerprint" {
			t.Errorf("%+v follows %+v", b.Attempt, a.Attempt)
		}
		if c.Attempt.Chain == a.Attempt.Chain {
			t.Error("two attempts follow one")
		}
	})
}

func TestStrongerEvidenceTakesAChainBack(t *testing.T) {
	on(t, chain.Config{}, func(t *testing.T, s *stage) {
		client := []change{from(sdk.OpenAIJS), retry(0)}
		a := s.try(100*ms, append(client, failed(500))...)
		time.Sleep(100 * ms)
		compared := s.begin(append(client, of("small"), asking(3, 2))...) // looks like a fallback
		time.Sleep(350 * ms)
		b := s.try(time.Second, from(sdk.OpenAIJS), retry(1), good(ms))
		other := compared(good(ms))
		if b.Attempt.Chain != a.Attempt.Chain || b.Attempt.Number != 2 {
			t.Errorf("the retry is %+v of %+v", b.Attempt, a.Attempt)
		}
		if other.Attempt.Chain == a.Attempt.Chain || other.Attempt.Outcome != exchange.FirstTry || other.Attempt.JoinedBy != "" {
			t.Errorf("the other call is %+v", other.Attempt)
		}
	})
}
