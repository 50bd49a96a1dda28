package turn_test

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/turn"
)

const ms = time.Millisecond

// stage is a Joiner and its next observer, which keeps all that it gets.
type stage struct {
	joiner *turn.Joiner
	mu     sync.Mutex
	told   []exchange.Record
	over   []exchange.WholeTurn
	spans  uint64
}

func (s *stage) Observe(r exchange.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, r)
}

func (*stage) ObserveChain(exchange.Chain) {}

func (s *stage) ObserveTurn(t exchange.WholeTurn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = append(s.over, t)
}

// on runs test with a stage, in a bubble.
func on(t *testing.T, c turn.Config, test func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := new(stage)
		c.Next = s
		s.joiner = turn.New(c)
		defer s.joiner.Close()
		test(t, s)
	})
}

func (s *stage) turns() []exchange.WholeTurn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.over)
}

// only returns the only turn that is over, and fails the test unless there is one.
func (s *stage) only(t *testing.T) exchange.WholeTurn {
	t.Helper()
	all := s.turns()
	if len(all) != 1 {
		t.Fatalf("%d turns are over, want 1: %+v", len(all), all)
	}
	return all[0]
}

type change func(*exchange.Record)

// begin begins a chat now, and returns a function that ends it well.
func (s *stage) begin(changes ...change) func(...change) exchange.Record {
	s.spans++
	r := exchange.Record{
		Start: time.Now(), Origin: exchange.App, Mode: exchange.Explicit, Operation: exchange.Chat, Model: exchange.Model{Request: "m"},
		Upstream: exchange.Upstream{Host: "model", Port: 443}, Thread: exchange.Thread{Speaker: exchange.Human},
	}
	binary.BigEndian.PutUint64(r.Span.ID[:], s.spans)
	r.Span.Trace[0] = byte(s.spans)
	for _, c := range changes {
		c(&r)
	}
	s.joiner.Begin(r)
	return func(changes ...change) exchange.Record {
		r.Timing.End, r.Status, r.Outcome = time.Since(r.Start), 200, exchange.OK
		for _, c := range changes {
			c(&r)
		}
		s.joiner.Observe(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.told[len(s.told)-1]
	}
}

// ask makes a whole exchange, which takes so long.
func (s *stage) ask(took time.Duration, changes ...change) exchange.Record {
	end := s.begin(changes...)
	time.Sleep(took)
	return end(changes...)
}

// in names the session.
func in(session exchange.Fingerprint) change { return marked(sdk.Session, session) }

func marked(by exchange.Marker, id exchange.Fingerprint) change {
	return func(r *exchange.Record) {
		i := slices.IndexFunc(r.Thread.Marks[:], func(m exchange.Mark) bool { return m.By == 0 || m.By == by })
		r.Thread.Marks[i] = exchange.Mark{By: by, ID: id}
	}
}

// says has the messages whole, behind those of another request.
func says(whole, before exchange.Fingerprint) change {
	return func(r *exchange.Record) {
		r.Thread.Whole, r.Thread.Before = whole, before
		if before != 0 {
			r.Thread.Stem = before + 1<<32
		}
	}
}

// calls asks for tools.
func calls(ids ...exchange.Fingerprint) change {
	return func(r *exchange.Record) { r.Thread.Calls, r.FinishReasons = ids, []string{"tool_calls"} }
}

// brings has the result of a tool.
func brings(id exchange.Fingerprint) change {
	return func(r *exchange.Record) { r.Thread.Result, r.Thread.Speaker = id, exchange.Tool }
}

func failed(r *exchange.Record) {
	r.Status, r.Outcome, r.ErrorType = 500, exchange.HTTPError, "500"
}

func gone(r *exchange.Record) { r.Outcome, r.ErrorType = exchange.ClientGone, exchange.ErrCanceled }

// attempt is an attempt of a chain, which goes on if there is no outcome.
func attempt(chain exchange.ChainID, number int, outcome exchange.ChainOutcome) change {
	return func(r *exchange.Record) {
		r.Attempt = exchange.Attempt{Chain: chain, Number: number, Outcome: outcome}
	}
}

func answers(after time.Duration) change {
	return func(r *exchange.Record) { r.Stream, r.Timing.FirstAnswer = true, after }
}

func TestTimeOfATurnIsSplit(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		s.ask(2*time.Second, says(1, 0), calls(10, 11))
		time.Sleep(3 * time.Second)
		s.ask(time.Second, says(2, 1), brings(11), calls(12))
		time.Sleep(500 * ms)
		last := s.ask(4*time.Second, says(3, 2), brings(12), answers(700*ms))
		got := s.only(t)
		if got.All != 10500*ms || got.Model != 7*time.Second || got.Tool != 3500*ms || got.Slept() != 0 || got.FirstAnswer != 7200*ms || got.Human != 0 {
			t.Errorf("all %v, model %v, tool %v, slept %v, first answer %v, human %v", got.All, got.Model, got.Tool, got.Slept(), got.FirstAnswer, got.Human)
		}
		if got.Outcome != exchange.TurnAnswered || got.Calls != 3 || got.Attempts != 3 || got.ToolCalls != 3 || got.Overlap != 1 || got.Late || last.Turn.ID != got.ID || last.Turn.Call != 3 {
			t.Errorf("%+v, its last exchange %+v", got, last.Turn)
		}
		time.Sleep(time.Minute)
		s.ask(time.Second, says(4, 3))
		next := s.turns()[1]
		if next.Session != got.Session || next.Human != time.Minute || next.Number != 2 || !slices.Equal(next.JoinedBy, []string{"messages"}) {
			t.Errorf("the next turn is %+v", next)
		}
	})
}

func TestSubAgentsAreOfTheTurnThatCalledThem(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		s.ask(time.Second, in(1), says(1, 0), calls(10, 11))
		first := s.begin(in(1), says(101, 0))
		second := s.begin(in(1), says(201, 0))
		time.Sleep(2 * time.Second)
		first()
		time.Sleep(time.Second)
		second(calls(20))
		time.Sleep(time.Second)
		s.ask(time.Second, in(1), says(202, 201), brings(20))
		time.Sleep(time.Second)
		s.ask(time.Second, in(1), says(2, 1), brings(11))
		got := s.only(t)
		if got.All != 8*time.Second || got.Model != 6*time.Second || got.Tool != 2*time.Second || got.Calls != 5 || got.Overlap != 2 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTurnCountsCallsNotAttempts(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		s.ask(time.Second, says(1, 0), attempt(7, 1, ""), failed)
		time.Sleep(2 * time.Second)
		second := s.ask(time.Second, says(1, 0), attempt(7, 2, exchange.Recovered))
		got := s.only(t)
		if got.Calls != 1 || got.Attempts != 2 || got.All != 4*time.Second || got.Model != 2*time.Second || got.Tool != 0 || got.Slept() != 2*time.Second {
			t.Errorf("%+v", got)
		}
		if second.Turn.Call != 1 || second.Turn.JoinedBy != "retry" {
			t.Errorf("the second attempt is %+v", second.Turn)
		}
	})
}

func TestTurnEnds(t *testing.T) {
	tests := []struct {
		name string
		run  func(s *stage)
		want exchange.TurnOutcome
		all  time.Duration
		late bool
	}{
		{"failed with its last call", func(s *stage) { s.ask(time.Second, attempt(1, 1, exchange.Exhausted), failed) }, exchange.TurnFailed, time.Second, false},
		{"failed when no retry came", func(s *stage) {
			s.ask(time.Second, attempt(1, 1, ""), failed)
			time.Sleep(time.Minute)
			s.joiner.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.Exhausted, Late: true})
		}, exchange.TurnFailed, time.Second, true},
		{"abandoned by a client that left", func(s *stage) { s.ask(time.Second, attempt(1, 1, exchange.Abandoned), gone) }, exchange.TurnAbandoned, time.Second, false},
		{"abandoned when no result came", func(s *stage) {
			s.ask(time.Second, calls(1))
			time.Sleep(32 * time.Minute)
		}, exchange.TurnAbandoned, time.Second, true},
		{"abandoned when the human speaks instead of the tool", func(s *stage) {
			s.ask(time.Second, says(1, 0), calls(1))
			time.Sleep(time.Minute)
			s.begin(says(2, 1))
		}, exchange.TurnAbandoned, time.Second, true},
		{"answered by a call that was only to have arguments", func(s *stage) {
			s.ask(time.Second, calls(1), func(r *exchange.Record) { r.Thread.Forced = true })
			time.Sleep(32 * time.Minute)
		}, exchange.TurnAnswered, time.Second, true},
		{"answered while a killed sub-agent is waited for", func(s *stage) {
			s.ask(time.Second, in(1), says(1, 0), calls(1))
			s.ask(time.Second, in(1), says(101, 0), calls(9))
			s.ask(time.Second, in(1), says(2, 1), brings(1))
		}, exchange.TurnAnswered, 3 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, turn.Config{}, func(t *testing.T, s *stage) {
				tt.run(s)
				synctest.Wait()
				if got := s.only(t); got.Outcome != tt.want || got.All != tt.all || got.Late != tt.late {
					t.Errorf("%s after %v, late %v; want %s after %v, late %v", got.Outcome, got.All, got.Late, tt.want, tt.all, tt.late)
				}
			})
		})
	}
}

// TestEvidence asks which evidence joins a second exchange to the first, which called a tool.
func TestEvidence(t *testing.T) {
	agent := func(a exchange.Fingerprint) change { return func(r *exchange.Record) { r.Call.Agent = a } }
	follows := func(id exchange.Fingerprint) change { return func(r *exchange.Record) { r.Thread.Follows = id } }
	first := []change{says(1, 0), calls(10), agent(1), func(r *exchange.Record) { r.Thread.Response = 30 }}
	tests := []struct {
		name   string
		first  change
		second []change
		want   string // empty is apart
	}{
		{"nothing", nil, []change{agent(1)}, ""},
		{"a session's name", in(5), []change{in(5), agent(2)}, "session"},
		{"another session's name", in(5), []change{in(6), says(2, 1), brings(10), agent(1)}, ""},
		{"a name that only one of them has", in(5), []change{says(2, 1), brings(10), agent(1)}, "tool_call_id"},
		{"a weaker name that differs beside one that does not", func(r *exchange.Record) { in(5)(r); marked(sdk.EndUser, 8)(r) },
			[]change{in(5), marked(sdk.EndUser, 9)}, "session"},
		{"a name that many share", marked(sdk.EndUser, 5), []change{marked(sdk.EndUser, 5), agent(1)}, ""},
		{"a key of the cache that many share", marked(sdk.CacheKey, 5), []change{marked(sdk.CacheKey, 5), agent(1)}, ""},
		{"the end of a conversation and another user", marked(sdk.EndUser, 5), []change{marked(sdk.EndUser, 6), says(2, 1), agent(1)}, ""},
		{"the id of a response", nil, []change{follows(30), agent(2)}, "previous_response_id"},
		{"the id of a call", nil, []change{brings(10), agent(2)}, "tool_call_id"},
		{"the id of another call", nil, []change{brings(11), agent(1)}, ""},
		{"the messages", nil, []change{says(2, 1), agent(1)}, "messages"},
		{"the messages of another client", nil, []change{says(2, 1), agent(2)}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, turn.Config{}, func(t *testing.T, s *stage) {
				changes := first
				if tt.first != nil {
					changes = append(slices.Clone(first), tt.first)
				}
				a := s.ask(time.Second, changes...).Turn
				b := s.ask(time.Second, tt.second...).Turn
				if b.JoinedBy != tt.want || (a.Session == b.Session) != (tt.want != "") {
					t.Errorf("joined by %q: %+v and %+v, want %q", b.JoinedBy, a, b, tt.want)
				}
			})
		})
	}
}

func TestBranchIsATurnOfTheSameSession(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		stem := func(of exchange.Fingerprint) change { return func(r *exchange.Record) { r.Thread.Stem = of } }
		first := s.ask(time.Second, says(1, 0))
		second := s.ask(time.Second, says(2, 1), stem(77))
		s.ask(time.Second, says(3, 2), stem(78))
		again := s.ask(time.Second, says(9, 1), stem(77))
		if again.Turn.Session != first.Turn.Session || again.Turn.ID == second.Turn.ID || again.Turn.JoinedBy != "branch" {
			t.Errorf("%+v after %+v", again.Turn, second.Turn)
		}
	})
}

// The Joiner may get the end of an exchange after the beginning of the next.
func TestEndThatComesLate(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		end := s.begin(in(1), says(1, 0))
		time.Sleep(time.Second)
		ended := func(r *exchange.Record) { r.Timing.End = time.Second }
		time.Sleep(ms)
		next := s.begin(in(1), says(2, 1))
		time.Sleep(ms)
		end(ended)
		time.Sleep(time.Second)
		next(calls(5))
		if all := s.turns(); len(all) != 1 || all[0].All != time.Second || all[0].Calls != 1 {
			t.Fatalf("%+v", all)
		}
		time.Sleep(time.Second)
		s.ask(time.Second, in(1), says(3, 2), brings(5))
		if got := s.turns()[1]; got.Calls != 2 || got.Human != ms || got.Model != 2001*ms || got.Tool != time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestNameOfAFleetJoinsNobody(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		var ends []func(...change) exchange.Record
		for i := range 200 {
			ends = append(ends, s.begin(in(1), says(exchange.Fingerprint(1000+i), 0)))
		}
		sessions := map[exchange.SessionID]int{}
		for _, end := range ends {
			if r := end(); r.Turn.ID != 0 {
				sessions[r.Turn.Session]++
			}
		}
		if len(sessions) < 130 || s.joiner.Shared() != 1 {
			t.Errorf("%d sessions, and %d shared names", len(sessions), s.joiner.Shared())
		}
		a, b := s.ask(time.Second, in(1), says(5001, 0)), s.ask(time.Second, in(1), says(5002, 5001))
		if a.Turn.Session != b.Turn.Session || b.Turn.JoinedBy != "messages" {
			t.Errorf("%+v and %+v", a.Turn, b.Turn)
		}
	})
}

func TestSessionsHaveABound(t *testing.T) {
	on(t, turn.Config{MaxOpen: 3}, func(t *testing.T, s *stage) {
		for i := range 10 {
			s.ask(time.Second, in(exchange.Fingerprint(i+1)), calls(1))
		}
		if n := s.joiner.Sessions(); n != 3 || s.joiner.Open() != 3 || s.joiner.Evicted() != 7 {
			t.Errorf("%d sessions, %d open turns, %d evicted", n, s.joiner.Open(), s.joiner.Evicted())
		}
	})
}

// A human who speaks while a sub-agent still works begins a turn, whose time is its own.
func TestTurnBeginsBesideAnExchangeOfTheLast(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		time.Sleep(time.Hour)
		s.ask(time.Second, in(1), says(1, 0), calls(1))
		left := s.begin(in(1), says(101, 0))
		time.Sleep(time.Second)
		end := s.begin(in(1), says(2, 1))
		time.Sleep(time.Second)
		left()
		time.Sleep(time.Second)
		end()
		all := s.turns()
		if len(all) != 2 || all[0].Outcome != exchange.TurnAbandoned || all[1].All != 2*time.Second || all[1].Model != 2*time.Second || all[1].Tool != 0 {
			t.Errorf("%+v", all)
		}
	})
}

// Sessions with one prompt are found by it a bounded number of times.
func TestOnePromptForAll(t *testing.T) {
	on(t, turn.Config{MaxOpen: 500}, func(t *testing.T, s *stage) {
		for range 2000 {
			s.ask(ms, says(1, 0))
		}
		last := s.ask(ms, says(2, 1))
		if last.Turn.JoinedBy != "messages" || !last.Turn.Ambiguous || s.joiner.Sessions() != 500 {
			t.Errorf("%+v of %d sessions", last.Turn, s.joiner.Sessions())
		}
	})
}

func TestExchangesOfATurnShareItsTrace(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		first := s.ask(time.Second, says(1, 0), calls(10))
		told := s.ask(time.Second, says(2, 1), brings(10), calls(11), func(r *exchange.Record) { r.Span.Told = true })
		last := s.ask(time.Second, says(3, 2), brings(11))
		got := s.only(t)
		if first.Span.Trace != got.Span.Trace || last.Span.Trace != got.Span.Trace || last.Turn.Parent != got.Span.ID || got.Span.ID == (exchange.SpanID{}) {
			t.Errorf("%v %v in %+v", first.Span, last.Span, got.Span)
		}
		if told.Span.Trace == got.Span.Trace || told.Turn.Parent != (exchange.SpanID{}) {
			t.Errorf("the upstream knows a trace that became %v, %v", told.Span, told.Turn)
		}
	})
}

func TestTurnsListsOpenOnesFirst(t *testing.T) {
	on(t, turn.Config{Recent: 4}, func(t *testing.T, s *stage) {
		for i := range 10 {
			s.ask(time.Second, in(exchange.Fingerprint(i+1)))
		}
		s.ask(time.Second, in(50), calls(1))
		all := s.joiner.Turns(100)
		if len(all) != 5 || !all[0].Open || all[0].Waiting != 1 || all[1].Open || all[1].Outcome != "answered" || all[1].All != 1 {
			t.Errorf("%+v", all)
		}
		if few := s.joiner.Turns(1); len(few) != 1 || !few[0].Open {
			t.Errorf("%+v", few)
		}
	})
}

func TestOtherTrafficHasNoTurn(t *testing.T) {
	on(t, turn.Config{}, func(t *testing.T, s *stage) {
		for name, other := range map[string]change{
			"a canary":   func(r *exchange.Record) { r.Origin = exchange.Canary },
			"sealed TLS": func(r *exchange.Record) { r.Mode = exchange.Sealed },
			"embeddings": func(r *exchange.Record) { r.Operation = exchange.Embeddings },
		} {
			if r := s.ask(time.Second, other); r.Turn != (exchange.Turn{}) {
				t.Errorf("%s has the turn %+v", name, r.Turn)
			}
		}
		if n := s.joiner.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}
