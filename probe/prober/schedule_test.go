package prober_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/prober"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestRunsAreStaggered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes []probe.Probe
		for i := range 20 {
			probes = append(probes, one(fmt.Sprintf("p-%d", i)))
		}
		s := newStage(t, nil, probes...)
		time.Sleep(60 * time.Second)
		s.stop()
		times := s.target.times(s.begin)
		if len(times) != 40 {
			t.Fatalf("%d canaries in two intervals, want 40", len(times))
		}
		slices.Sort(times)
		for i := 1; i < len(times); i++ {
			if gap := times[i] - times[i-1]; gap > 3*time.Second || gap < 300*time.Millisecond {
				t.Errorf("%s between two canaries, where 1.5s is even", gap)
			}
		}
	})
}

func TestRunsHaveJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one("p")
		p.Jitter = 0.2
		s := newStage(t, nil, p)
		time.Sleep(100 * 30 * time.Second)
		s.stop()
		times := s.target.times(s.begin)
		if n := len(times); n < 98 || n > 101 {
			t.Errorf("%d canaries in 100 intervals", n)
		}
		gaps := map[time.Duration]bool{}
		for i := 1; i < len(times); i++ {
			gap := times[i] - times[i-1]
			gaps[gap] = true
			if gap < 18*time.Second || gap > 42*time.Second {
				t.Errorf("%s after the last canary, want 30 s ± 2 × 20 %%", gap)
			}
		}
		if len(gaps) < 50 {
			t.Errorf("only %d different gaps", len(gaps))
		}
	})
}

func TestRunsDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(_ *prober.Config, a *target) { a.after = 100 * time.Second }, one("p"))
		time.Sleep(400 * time.Second)
		s.stop()
		got := s.book.outcomes()
		if got[probe.OK] < 3 || got[probe.OK] > 4 || got[probe.Skipped] < 8 {
			t.Errorf("%v: want a canary every four intervals, and three skipped", got)
		}
	})
}

// A machine that was suspended, or a process that was stopped, looks as if the schedule had
// been held up.
func TestNothingIsMadeUpForAfterASuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(_ *prober.Config, a *target) { a.after = 40 * time.Second }, one("p"))
		s.book.beSlow(time.Hour)
		time.Sleep(2 * time.Hour)
		s.stop()
		times := s.target.times(s.begin)
		for i := 1; i < len(times); i++ {
			if gap := times[i] - times[i-1]; gap < 30*time.Second {
				t.Errorf("%s after the last canary", gap)
			}
		}
		if n := len(times); n > 62 {
			t.Errorf("%d canaries in the hour that was left", n)
		}
	})
}

func TestBudgetOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one("p")
		p.Budget.Tokens = 100_000 // of 1000 each
		s := newStage(t, nil, p)
		time.Sleep(24*time.Hour - time.Minute)
		if got := s.book.outcomes(); got[probe.OK] != 100 || got[probe.OverBudget] < 2700 {
			t.Errorf("%v in a day, want 100 canaries", got)
		}
		time.Sleep(2 * time.Hour) // the first hour is past
		s.stop()
		if got := s.book.outcomes(); got[probe.OK] != 200 {
			t.Errorf("%v in a day and two hours, want 200 canaries", got)
		}
	})
}

func TestBudgetInMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one("p")
		p.Budget.Money, p.Price = 0.05, probe.Price{Input: 1, Output: 3} // 0.2 cents each
		s := newStage(t, nil, p)
		time.Sleep(3 * time.Hour)
		s.stop()
		if got := s.book.outcomes(); got[probe.OK] != 25 {
			t.Errorf("%v, want 25 canaries", got)
		}
	})
}

func TestAChangedProbeKeepsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one("p")
		p.Budget.Tokens = 5_000
		s := newStage(t, nil, p)
		time.Sleep(10 * time.Minute)
		p.Seed++
		if err := s.Replace([]probe.Probe{p}, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		s.stop()
		if got := s.book.outcomes(); got[probe.OK] != 5 {
			t.Errorf("%v, want 5 canaries", got)
		}
	})
}

func TestBackOff(t *testing.T) {
	for name, tt := range map[string]struct {
		record exchange.Record
		most   int // canaries in an hour to one URL, of two probes
		want   probe.Outcome
	}{
		"429 that names a time":         {exchange.Record{Status: 429, Outcome: exchange.Refused, Advice: exchange.Advice{RetryAfter: 20 * time.Minute}}, 3, probe.RateLimited},
		"429 that names no time":        {exchange.Record{Status: 429, Outcome: exchange.Refused}, 30, probe.RateLimited},
		"503 that names a time":         {exchange.Record{Status: 503, Outcome: exchange.Refused, Advice: exchange.Advice{RetryAfter: 20 * time.Minute}}, 3, probe.Failed},
		"a time that nobody would wait": {exchange.Record{Status: 429, Outcome: exchange.Refused, Advice: exchange.Advice{RetryAfter: 1 << 62}}, 1, probe.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := one("a"), one("b")
				s := newStage(t, func(_ *prober.Config, to *target) { to.record = tt.record }, a, b)
				time.Sleep(time.Hour - time.Second)
				s.stop()
				got := s.book.outcomes()
				if n := len(s.target.times(s.begin)); n > tt.most || n == 0 || got[tt.want] != n || got[probe.Skipped] < 150 {
					t.Errorf("%d canaries in an hour, want %d at most: %v", n, tt.most, got)
				}
			})
		})
	}
}

func TestPausedSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := one("p")
		s := newStage(t, nil, p)
		time.Sleep(5 * time.Minute)
		before := len(s.target.times(s.begin))
		if err := s.Replace([]probe.Probe{p}, true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if n := len(s.target.times(s.begin)); n != before || before != 10 {
			t.Errorf("%d canaries before, %d after", before, n)
		}
		if err := s.Replace([]probe.Probe{p}, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		s.stop()
		if n := len(s.target.times(s.begin)); n != 20 {
			t.Errorf("%d canaries in ten minutes", n)
		}
	})
}

func TestOnlyTheLeaderSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(c *prober.Config, _ *target) { c.Leads = func() bool { return false } }, one("p"))
		time.Sleep(time.Hour)
		s.stop()
		if got := s.book.outcomes(); len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestOutcomes(t *testing.T) {
	broken := answered()
	broken.Outcome = exchange.UpstreamCut
	short := answered()
	short.Usage.Output = exchange.Known(3)
	for name, tt := range map[string]struct {
		record exchange.Record
		change func(*probe.Probe)
		want   probe.Outcome
		sent   bool
	}{
		"an answer":                 {answered(), func(*probe.Probe) {}, probe.OK, true},
		"an answer that broke off":  {broken, func(*probe.Probe) {}, probe.Failed, true},
		"a short answer":            {short, func(*probe.Probe) {}, probe.Short, true},
		"a missing key":             {answered(), func(p *probe.Probe) { p.Auth.Env = "MISSING_KEY" }, probe.NoKey, false},
		"a missing file of a key":   {answered(), func(p *probe.Probe) { p.Auth.File = "/missing/key" }, probe.NoKey, false},
		"a key that is refused":     {exchange.Record{Status: 401, Outcome: exchange.HTTPError}, func(*probe.Probe) {}, probe.NoKey, true},
		"a model that is gone":      {exchange.Record{Status: 404, Outcome: exchange.HTTPError}, func(*probe.Probe) {}, probe.NoModel, true},
		"an unreachable target":     {exchange.Record{Status: 502, Outcome: exchange.ConnectError}, func(*probe.Probe) {}, probe.Unreachable, true},
		"an error of the server":    {exchange.Record{Status: 500, Outcome: exchange.HTTPError}, func(*probe.Probe) {}, probe.Failed, true},
		"a run that takes too long": {answered(), func(p *probe.Probe) { p.Timeout = time.Second }, probe.Failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := one("p")
				tt.change(&p)
				var log bytes.Buffer
				s := newStage(t, func(c *prober.Config, to *target) {
					to.record, to.after = tt.record, 2*time.Second
					c.Log = slog.New(slog.NewTextHandler(&log, nil))
				}, p)
				time.Sleep(5 * time.Minute)
				if err := s.Replace([]probe.Probe{p}, true); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second) // the last one ends
				s.stop()
				got := s.book.outcomes()
				if !maps.Equal(got, map[probe.Outcome]int{tt.want: 10}) {
					t.Errorf("%v, want 10 of %s", got, tt.want)
				}
				if n := len(s.target.times(s.begin)); n != 0 != tt.sent {
					t.Errorf("%d were sent", n)
				}
				lines := strings.Count(log.String(), "\n")
				if want := map[bool]int{true: 0, false: 1}[tt.want == probe.OK]; lines != want {
					t.Errorf("%d lines in the log, want %d:\n%s", lines, want, log.String())
				}
				c := s.Counts()
				for _, of := range c {
					if want := uint64(map[bool]int{true: 10}[of.Outcome == tt.want]); of.Runs != want || of.Operation != exchange.Chat || of.Upstream.Address() != "llm.example.com:80" {
						t.Errorf("counted %+v", of)
					}
				}
				if n := len(s.Successes()); (n == 1) != (tt.want == probe.OK) {
					t.Errorf("%d successes", n)
				}
			})
		})
	}
}

func TestRecoveryIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := newStage(t, func(c *prober.Config, to *target) {
			to.record = exchange.Record{Status: 500, Outcome: exchange.HTTPError}
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
		}, one("p"))
		time.Sleep(5 * time.Minute)
		s.target.answer(answered())
		time.Sleep(5 * time.Minute)
		s.stop()
		if strings.Count(log.String(), "a canary went wrong") != 1 || strings.Count(log.String(), "answered again") != 1 {
			t.Error(log.String())
		}
	})
}

func TestAProbeThatIsGoneHasNoSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil, one("a"), one("b"))
		time.Sleep(time.Minute)
		if err := s.Replace([]probe.Probe{one("b")}, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.stop()
		for _, c := range s.Counts() {
			if c.Probe != "b" || c.Outcome == probe.OK && c.Runs != 4 {
				t.Errorf("%+v", c)
			}
		}
	})
}
