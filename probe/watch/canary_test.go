package watch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestASlowdownOfCanariesIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for range 500 {
			b.canary(ordinary(), 4)
		}
		if f := b.finding(watch.Canary, "ttft"); f.Verdict.Alarm || f.Cell != "gpt-x/in500/out100/c4" || f.Outside != "" {
			t.Fatalf("as tested, and yet %+v", f)
		}
		changed := time.Now()
		took := b.until(ordinary().slower(1.5), func() bool { return strings.Contains(b.log.String(), "slower than the load test: TTFT is 1.") })
		f := b.finding(watch.Canary, "ttft")
		if !f.Verdict.Alarm || took > 20*time.Minute {
			t.Errorf("said after %s: %+v", took, f)
		}
		if off := f.Verdict.Since.Sub(changed).Abs(); off > 10*time.Minute {
			t.Errorf("dated %s off", off)
		}
		for _, want := range []string{"TTFT is 1.", "× the load test", "A service as fast as the load test + 10 % would look this bad less than once in"} {
			if !strings.Contains(f.Sentence, want) {
				t.Errorf("%q lacks %q", f.Sentence, want)
			}
		}
		b.until(ordinary(), func() bool { return strings.Contains(b.log.String(), "as fast as the load test again: TTFT") })
	})
}

// A canary of other length, under other load, is as fast as tested if it takes what the load
// test predicts.
func TestACanaryBetweenTheCellsIsNoSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		between := answer{input: 1250, output: 100, chunks: 100, ttft: .441, tpot: .0229, characters: 400} // with 8 in flight
		for range 500 {
			b.canary(between, 8)
		}
		f := b.finding(watch.Canary, "ttft")
		if f.Verdict.Alarm || f.Verdict.Ratio.Value < .93 || f.Verdict.Ratio.Value > 1.07 {
			t.Errorf("%+v", f)
		}
	})
}

func TestCanariesOutsideTheTestedRangeAreNotJudged(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*watch.Config)
		answer answer
		load   float64
		want   string
	}{
		{"more load than tested", nil, ordinary().slower(9), 40, "ttft: outside the tested range: 40 requests in flight, and at most 16 in the load test"},
		{"an unknown load, and more than tested in flight here", func(c *watch.Config) {
			c.InFlight = func() []exchange.InFlight { return []exchange.InFlight{{Model: model, Requests: 30}} }
		}, ordinary(), 0, "outside the tested range: 30 requests in flight"},
		{"a longer prompt than tested", nil, answer{input: 9000, output: 100, chunks: 100, ttft: 9, tpot: .9, characters: 400}, 4, "outside the tested range: 9000 tokens"},
		{"another model", func(c *watch.Config) { c.Probes[0].Model = "gpt-y" }, ordinary(), 4, `outside the tested range: the baseline has no cell of the model "gpt-y"`},
		{"no baseline", func(c *watch.Config) { c.Baseline = baseline.Baseline{} }, ordinary(), 4, "there is no baseline"},
		{"a cell that is not there", func(c *watch.Config) { c.Probes[0].Baseline = "gpt-x/in1/out1/c1" }, ordinary(), 4, `the baseline has no cell "gpt-x/in1/out1/c1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, "", func(c *watch.Config) {
					if test.change != nil {
						test.change(c)
					}
				})
				for range 50 {
					b.canary(test.answer, test.load)
				}
				f := b.finding(watch.Canary, "ttft")
				if !strings.Contains(f.Outside, test.want) || !strings.Contains(f.Sentence, test.want) || f.Verdict.Alarm || f.Verdict.Ratio.Of > 0 {
					t.Errorf("%+v; want %q", f, test.want)
				}
			})
		})
	}
}

// A cell that the probe file names stands for its own load, whoever counts what is in flight.
func TestANamedCellKeepsItsLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "", func(c *watch.Config) { c.Probes[0].Baseline = "gpt-x/in500/out100/c16" })
		as16 := answer{input: 500, output: 100, chunks: 100, ttft: .4, tpot: .03, characters: 400}
		for range 300 {
			b.canary(as16, 1)
		}
		if f := b.finding(watch.Canary, "ttft"); f.Cell != "gpt-x/in500/out100/c16" || f.Verdict.Alarm || f.Verdict.Ratio.Value > 1.07 {
			t.Errorf("%+v", f)
		}
	})
}

func TestOnlyRunsThroughTheSidecarOfPairsAreJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "", func(c *watch.Config) { c.Probes[0].Via = probe.Both })
		b.probe.Via = probe.Both
		r := ordinary().record(b.random)
		for _, via := range []probe.Via{probe.Sidecar, probe.Direct} {
			b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, Via: via, Load: 4, Record: r})
		}
		if f := b.finding(watch.Canary, "ttft"); f.Verdict.Ratio.Of != 1 {
			t.Errorf("%d runs judged; want 1", f.Verdict.Ratio.Of)
		}
	})
}

// A run without latencies says nothing about speed, and a run of a probe that has left the
// file belongs to nobody.
func TestRunsWithoutLatenciesAreNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		b.canary(ordinary(), 4)
		for _, outcome := range []probe.Outcome{probe.Refused, probe.Nonsense, probe.Short, probe.RateLimited, probe.NoModel, probe.NoKey, probe.OverBudget, probe.Skipped, probe.Failed} {
			b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: outcome, At: time.Now(), Via: probe.Sidecar})
		}
		gone := b.probe
		gone.Name = "gone"
		b.ObserveRun(probe.Run{Probe: &gone, Outcome: probe.OK, At: time.Now(), Via: probe.Sidecar, Record: ordinary().record(b.random)})
		b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, At: time.Now(), Via: probe.Sidecar, Calibrating: true, Record: ordinary().record(b.random)})
		b.ObserveRun(probe.Run{})
		if f := b.finding(watch.Canary, "ttft"); f.Verdict.Ratio.Of != 1 {
			t.Errorf("%d runs judged; want 1", f.Verdict.Ratio.Of)
		}
	})
}

// Clocks step and machines sleep: neither is evidence.
func TestStepsOfTheClockRaiseNoAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for i := range 600 {
			r := ordinary().record(b.random)
			switch i % 3 {
			case 1:
				r.Start = r.Start.Add(-300 * 24 * time.Hour)
			case 2:
				r.Start = r.Start.Add(400 * 24 * time.Hour)
			}
			b.Observe(r)
			r.Origin = exchange.Canary
			b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, At: r.Start, Via: probe.Sidecar, Load: 4, Record: r})
			synctest.Wait()
		}
		for _, f := range b.Findings(time.Now()) {
			if f.Verdict.Alarm {
				t.Errorf("%+v", f)
			}
		}
	})
}
