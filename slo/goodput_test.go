package slo_test

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

// interactive limits TTFT and TPOT so that the tokens of stream keep both.
func interactive() slo.SLO {
	return promise("interactive", slo.Objective{exchange.TTFT, 500 * ms}, slo.Objective{exchange.TPOT, 50 * ms})
}

func late(r *exchange.Record) { r.Timing.FirstToken = time.Second }

func status(j *slo.Judge) slo.Status { return j.Snapshot(time.Now()).SLOs[0] }

// requests lists the requests of every window, the shortest first.
func requests(s slo.Status) []uint64 {
	var out []uint64
	for _, g := range s.Goodput {
		out = append(out, g.Requests)
	}
	return out
}

func TestGoodputSlides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{interactive()}}, Next: exchangetest.Nowhere{}})
		j.Observe(stream(4, -1, 0))
		for _, step := range []struct {
			after time.Duration
			want  []uint64
		}{
			{0, []uint64{1, 1, 1, 1, 1}},
			{time.Minute + 9*time.Second, []uint64{1, 1, 1, 1, 1}}, // up to a slot more
			{time.Second, []uint64{0, 1, 1, 1, 1}},
			{4 * time.Minute, []uint64{0, 0, 1, 1, 1}},
			{26 * time.Minute, []uint64{0, 0, 0, 1, 1}},
			{30 * time.Minute, []uint64{0, 0, 0, 0, 1}},
			{5 * time.Hour, []uint64{0, 0, 0, 0, 0}},
		} {
			time.Sleep(step.after)
			if got := requests(status(j)); !slices.Equal(got, step.want) {
				t.Errorf("%v later: %v requests by window, want %v", step.after, got, step.want)
			}
		}
	})
}

func TestGoodputCountsWhatMetEveryObjective(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{interactive()}}, Next: exchangetest.Nowhere{}})
		time.Sleep(time.Hour)
		for range 3 {
			j.Observe(stream(4, -1, 0))
		}
		j.Observe(with(late))
		j.Observe(with(func(r *exchange.Record) {
			late(r)
			r.Outcome, r.Usage = exchange.UpstreamCut, exchange.Usage{Output: exchange.Known(2), Source: exchange.Running}
		}))
		g := status(j).Goodput[0] // of a minute, a multiple of ten seconds after the start
		want := slo.Goodput{
			Window: 60, Covered: 60, Requests: 5, Good: 3, RequestRate: 5. / 60, GoodRate: 3. / 60,
			Tokens: 18, GoodTokens: 12, GoodTokenRate: 12. / 60, OnTimeRate: 20. / 60,
		}
		if math.Abs(*g.Ratio-.6) > 1e-12 || *g.OnTime != 1 {
			t.Errorf("ratio %v, on time %v; want .6 and 1, as the chunks were", *g.Ratio, *g.OnTime)
		}
		if !maps.Equal(g.Missed, map[string]uint64{"error": 1, "ttft": 2}) {
			t.Errorf("missed %v", g.Missed)
		}
		g.Ratio, g.OnTime, g.Missed = nil, nil, nil
		if !reflect.DeepEqual(g, want) {
			t.Errorf("got %+v,\nwant %+v", g, want)
		}
	})
}

func TestRatesAreOfTheTimeThatWasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{interactive()}}, Next: exchangetest.Nowhere{}})
		time.Sleep(4 * time.Second)
		j.Observe(stream(4, -1, 0))
		for _, g := range status(j).Goodput {
			if g.Covered != 4 || g.GoodRate != .25 {
				t.Errorf("window of %v s: %v/s over %v s, want .25/s over 4 s", g.Window, g.GoodRate, g.Covered)
			}
		}
	})
}

func TestReloadKeepsWhatIsStillTheSame(t *testing.T) {
	same, other := interactive(), promise("other", slo.Objective{exchange.TTFT, time.Second})
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{same, other}}, Next: exchangetest.Nowhere{}})
	j.Observe(stream(4, -1, 0))
	same.Alerting.Page, same.Objective = true, 99.9
	other.Good = []slo.Objective{{exchange.TTFT, 2 * time.Second}}
	j.Replace(slo.Set{SLOs: []slo.SLO{other, same}})
	got := j.Snapshot(time.Now()).SLOs
	if got[0].Goodput[0].Requests != 0 || got[1].Goodput[0].Requests != 1 {
		t.Errorf("%d requests of the changed one, %d of the other; want 0 and 1", got[0].Goodput[0].Requests, got[1].Goodput[0].Requests)
	}
	if got[1].Objective != 99.9 {
		t.Errorf("objective %v, want the new one", got[1].Objective)
	}
	if n := j.Totals()[1].Timed; n != 4 {
		t.Errorf("%d tokens in all, want 4", n)
	}
}

func TestErrorBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := interactive()
		s.Objective = 90
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{s}}, Next: exchangetest.Nowhere{}})
		if b := status(j).Budget; b.Remaining != nil || b.BurnRate != nil || b.Exhausted != nil {
			t.Errorf("%+v of no requests", b)
		}
		for range 190 {
			j.Observe(stream(4, -1, 0))
		}
		time.Sleep(2 * time.Hour)
		for range 9 {
			j.Observe(stream(4, -1, 0))
		}
		j.Observe(with(late))
		b := status(j).Budget
		// One bad of 200, where 20 were allowed; one of 10 in the last hour, which is the
		// sustainable rate.
		if b.Requests != 200 || b.Bad != 1 || !near(b.Remaining, .95) || !near(b.BurnRate, 1) || !near(b.Exhausted, .95*30*86400) {
			t.Errorf("%+v: remaining %v, burn rate %v, exhausted %v", b, *b.Remaining, *b.BurnRate, *b.Exhausted)
		}
		for range 40 {
			j.Observe(with(late))
		}
		if b := status(j).Budget; *b.Remaining > 0 || *b.Exhausted != 0 {
			t.Errorf("remaining %v, exhausted in %v s of an overdrawn budget", *b.Remaining, *b.Exhausted)
		}
		time.Sleep(31 * day)
		if b := status(j).Budget; b.Requests != 0 {
			t.Errorf("%d requests are remembered beyond the window", b.Requests)
		}
	})
}

func near(got *float64, want float64) bool {
	return got != nil && math.Abs(*got-want) < 1e-9*want
}

func TestUnmatchedSLOsAreNamedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typo := promise("typo")
		typo.Match.Model = "gtp-*"
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{typo, promise("all")}}, Next: exchangetest.Nowhere{}})
		time.Sleep(2 * time.Hour)
		if got := j.Unmatched(time.Now()); got != nil {
			t.Errorf("%v named although nothing came", got)
		}
		j.Observe(stream(4, -1, 0))
		if got := j.Unmatched(time.Now()); !slices.Equal(got, []string{"typo"}) {
			t.Errorf("%v named, want typo", got)
		}
		if got := j.Unmatched(time.Now()); got != nil {
			t.Errorf("%v named again", got)
		}
		j.Observe(with(func(r *exchange.Record) { r.Model.Request = "gtp-4o" }))
		j.Observe(stream(4, -1, 0))
		if got := j.Unmatched(time.Now()); got != nil {
			t.Errorf("%v named although it matched just now", got)
		}
		time.Sleep(time.Hour)
		j.Observe(stream(4, -1, 0))
		if got := j.Unmatched(time.Now()); !slices.Equal(got, []string{"typo"}) {
			t.Errorf("%v named, want typo, which matches nothing any more", got)
		}
	})
}
