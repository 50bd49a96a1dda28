package watch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// hours has production come for so long: an answer every 5 s.
func (b *bench) hours(n float64, a answer) {
	for range int(n * 720) {
		b.Observe(a.record(b.random))
		time.Sleep(5 * time.Second)
		synctest.Wait()
	}
}

func TestASlowdownOfProductionIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		asPredicted := answer{input: 1250, output: 60, chunks: 60, ttft: .35, tpot: .02, characters: 400}
		b.hours(3, asPredicted)
		if f := b.finding(watch.Production, "ttft"); f.Verdict.Alarm || f.Verdict.Ratio.Of < 30 || f.Verdict.Ratio.Value < .9 || f.Verdict.Ratio.Value > 1.1 {
			t.Fatalf("as predicted, and yet %+v", f)
		}
		b.hours(3, asPredicted.slower(1.4))
		for _, indicator := range []string{"ttft", "tpot", "e2e"} {
			if f := b.finding(watch.Production, indicator); !f.Verdict.Alarm || f.Model != model || f.Probe != "" {
				t.Errorf("40 %% slower for three hours, and %+v", f)
			}
		}
		if !strings.Contains(b.log.String(), "source=production") {
			t.Errorf("the log has %s", b.log)
		}
	})
}

func TestProductionOutsideTheTestedRangeIsNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "", func(c *watch.Config) {
			c.InFlight = func() []exchange.InFlight { return []exchange.InFlight{{Model: model, Requests: 30}} }
		})
		b.hours(1, ordinary().slower(5))
		f := b.finding(watch.Production, "ttft")
		if !strings.Contains(f.Sentence, "outside the tested range: 30 requests in flight, and at most 16") || f.Verdict.Ratio.Of != 0 {
			t.Errorf("%+v", f)
		}
	})
}

// What the cache of the server held costs it no time to read.
func TestCachedTokensAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for range 720 {
			r := answer{input: 2000, output: 100, chunks: 100, ttft: .2, tpot: .02, characters: 400}.record(b.random)
			r.Usage.CacheRead = exchange.Known(1500)
			b.Observe(r)
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		if f := b.finding(watch.Production, "ttft"); f.Verdict.Ratio.Value < .9 || f.Verdict.Ratio.Value > 1.1 {
			t.Errorf("%+v; want what 500 tokens take", f)
		}
	})
}

func TestHeadroomIsTheTestedLoadBesideTheLoadNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		promise := func(ttft float64) []watch.Promise {
			return []watch.Promise{{SLO: "interactive", Covers: func(m string) bool { return m == model },
				Limits: baseline.Limits{At: .95, Bounds: map[baseline.Name]float64{baseline.TTFT: ttft}}}}
		}
		for _, test := range []struct {
			name string
			ttft float64
			want float64
		}{
			{"the highest load keeps it for both lengths", 2, 4},
			{"the longer prompts keep it under less load only", 1, 1},
			{"no load keeps it for the longer prompts", .5, 0},
		} {
			all := b.Headrooms(promise(test.ttft), time.Now(), 2*time.Minute)
			if len(all) != 1 || all[0] != (watch.Headroom{Model: model, SLO: "interactive", Highest: 4 * test.want, Load: 4, Carried: 4}) || all[0].Ratio() != test.want {
				t.Errorf("%s: %+v, want %v", test.name, all, test.want)
			}
		}
	})
}

// Observers are called by whoever forwards. They wait for nobody and allocate nothing.
func TestObserveNeverWaits(t *testing.T) {
	w := watch.New(watch.Config{Baseline: tested()})
	r := ordinary().record(newRandom())
	if n := testing.AllocsPerRun(1000, func() { w.Observe(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	for range 2000 { // and nobody runs
		w.Observe(r)
	}
	if w.Dropped() == 0 {
		t.Error("3,000 exchanges, nobody took them, and none was counted as dropped")
	}
}
