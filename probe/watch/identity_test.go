package watch_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func (b *bench) changes() string {
	var all []string
	for _, c := range b.Changes(time.Now()) {
		all = append(all, string(c.Source)+" "+c.Sentence)
	}
	return strings.Join(all, "\n")
}

// A model that is swapped under the same name drafts tokens, and is quicker.
func TestAModelThatWasSwappedIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for range 500 {
			b.canary(ordinary(), 4)
		}
		if got := b.changes(); got != "" {
			t.Fatalf("nothing changed, and yet %s", got)
		}
		swapped := ordinary()
		swapped.chunks, swapped.tpot = 30, .012
		took := b.until(swapped, func() bool { return strings.Contains(b.changes(), "ms per token") })
		for range 20 {
			b.canary(swapped, 4)
		}
		want := regexp.MustCompile(`^canary Something about gpt-x changed at \d\d:\d\d: tokens per chunk 1\.0 → 3\.3 \(.*\), ms per token −[34]\d % \(−\d\d to −\d\d\)\. This is a hint and proves nothing\.$`)
		if got := b.changes(); !want.MatchString(got) || took > 30*time.Minute {
			t.Errorf("after %s: %s", took, got)
		}
		if f := b.finding(watch.Canary, "tokens_per_chunk"); !f.Verdict.Alarm || f.Verdict.Ratio.Value < 3 {
			t.Errorf("%+v", f)
		}
		if log := b.log.String(); !strings.Contains(log, "Something about gpt-x changed") || strings.Count(log, "Something about gpt-x") > 2 {
			t.Errorf("the log has %s", log)
		}
	})
}

func TestProductionNoticesAModelThatWasSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		b.hours(2, ordinary())
		swapped := ordinary()
		swapped.characters = 700
		b.hours(4, swapped)
		if got := b.changes(); !strings.Contains(got, "production Something about gpt-x changed at") || !strings.Contains(got, "characters per token 4.0 → 7.0") {
			t.Errorf("%q", got)
		}
	})
}

// After a day the new model is the usual one.
func TestASwapIsSaidForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "", func(c *watch.Config) { c.Probes[0].Baseline = "" })
		for range 310 {
			b.canary(ordinary(), 4)
		}
		swapped := ordinary()
		swapped.chunks = 25
		b.until(swapped, func() bool { return b.changes() != "" })
		b.until(swapped, func() bool { return b.changes() == "" })
		for range 400 {
			b.canary(swapped, 4)
		}
		if f := b.finding(watch.Canary, "tokens_per_chunk"); f.Verdict.Alarm || f.Verdict.Learning || f.Verdict.Ratio.Value > 1.01 {
			t.Errorf("%+v", f)
		}
	})
}

func TestAnotherNameIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		answer := func(response, fingerprint string) {
			r := ordinary().record(b.random)
			r.Origin, r.Model.Response = exchange.Canary, response
			b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, At: r.Start, Via: probe.Sidecar, Record: r, Fingerprint: fingerprint})
			time.Sleep(every)
			synctest.Wait()
		}
		answer("gpt-x-0613", "fp_1")
		answer("gpt-x-0613", "fp_1")
		if got := b.changes(); got != "" {
			t.Fatal(got)
		}
		answer("gpt-x-0711", "fp_1")
		if got := b.changes(); !strings.Contains(got, "answering model gpt-x-0613 → gpt-x-0711") {
			t.Errorf("%q", got)
		}
		answer("gpt-x-0711", "fp_2")
		if got := b.changes(); !strings.Contains(got, "system fingerprint fp_1 → fp_2") {
			t.Errorf("%q", got)
		}
		log := b.log.String()
		answer("gpt-x-0613", "fp_1") // both take turns, which is no news
		answer("gpt-x-0711", "fp_2")
		if b.log.String() != log {
			t.Errorf("logged again: %s", strings.TrimPrefix(b.log.String(), log))
		}
	})
}

// The names of models come from applications, so that their number has a bound.
func TestFewStrangersAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		for i := range 100 {
			r := ordinary().record(b.random)
			r.Model.Request = "stranger-" + strings.Repeat("x", i)
			b.Observe(r)
		}
		b.Observe(ordinary().record(b.random))
		synctest.Wait()
		seen := map[string]bool{}
		for _, f := range b.Findings(time.Now()) {
			if f.Source == watch.Production {
				seen[f.Model] = true
			}
		}
		if len(seen) != 5 || !seen[model] {
			t.Errorf("%v", seen)
		}
	})
}

// A model that thinks where it did not before.
func TestAModelThatBeginsToReasonIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, "")
		quick := ordinary() // which does not reason
		for range 400 {
			b.canary(quick, 4)
		}
		if f := b.finding(watch.Canary, "reasoning_share"); f.Verdict.Learning || f.Verdict.Alarm || b.changes() != "" {
			t.Fatalf("%+v, %s", f, b.changes())
		}
		thinking := ordinary()
		thinking.reasoning = 40
		took := b.until(thinking, func() bool { return strings.Contains(b.changes(), "share of reasoning") })
		for range 20 {
			b.canary(thinking, 4)
		}
		if got := b.changes(); !strings.Contains(got, "canary Something about gpt-x changed at") || !strings.Contains(got, "share of reasoning 0 % → 40 % (") || took > 30*time.Minute {
			t.Errorf("after %s: %s", took, got)
		}
	})
}
