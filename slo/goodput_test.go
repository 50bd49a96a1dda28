package slo_test

import (
	"maps"
	"math"
	"path/filepath"
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
			Window: 60, Covered: 60, Requests: 5, Good: 3, RequestRate: new(5. / 60), GoodRate: new(3. / 60),
			Tokens: new(uint64(18)), GoodTokens: new(uint64(12)), GoodTokenRate: new(12. / 60), OnTimeRate: new(20. / 60),
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
			if g.Covered != 4 || !near(g.GoodRate, .25) {
				t.Errorf("window of %v s: %v/s over %v s, want .25/s over 4 s", g.Window, *g.GoodRate, g.Covered)
			}
		}
	})
}

func TestAFigureThatNobodyKnowsIsAbsent(t *testing.T) {
	untold := with(func(r *exchange.Record) { r.Usage = exchange.Usage{} })
	refused := with(func(r *exchange.Record) {
		r.Outcome, r.Usage, r.Chunks, r.Timing.FirstToken = exchange.Refused, exchange.Usage{}, exchange.Chunks{}, 0
	})
	embeddings := with(func(r *exchange.Record) {
		r.Operation, r.Stream, r.Usage = exchange.Embeddings, false, exchange.Usage{}
	})
	for _, tt := range []struct {
		name      string
		in        []exchange.Record
		tokens    *uint64
		uncounted uint64
	}{
		{"nothing came", nil, new(uint64(0)), 0},
		{"answers that nobody counted", []exchange.Record{untold, untold}, nil, 2},
		{"one that was counted, and one not", []exchange.Record{untold, stream(4, -1, 0)}, new(uint64(4)), 1},
		{"refusals, which have no tokens", []exchange.Record{refused}, new(uint64(0)), 0},
		{"answers of an operation that has no tokens", []exchange.Record{embeddings}, new(uint64(0)), 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{promise("x")}}, Next: exchangetest.Nowhere{}})
			for _, r := range tt.in {
				j.Observe(r)
			}
			if g := status(j).Goodput[0]; g.RequestRate != nil || g.GoodRate != nil || g.GoodTokenRate != nil || g.OnTimeRate != nil {
				t.Errorf("%s: rates %+v over no time", tt.name, g)
			}
			time.Sleep(10 * time.Second)
			g := status(j).Goodput[0]
			if !reflect.DeepEqual(g.Tokens, tt.tokens) || g.Uncounted != tt.uncounted || (g.GoodTokens == nil) != (tt.tokens == nil) || (g.GoodTokenRate == nil) != (tt.tokens == nil) {
				t.Errorf("%s: %+v, want %v tokens and %d answers without", tt.name, g, tt.tokens, tt.uncounted)
			}
			if g.RequestRate == nil || *g.RequestRate != float64(len(tt.in))/10 {
				t.Errorf("%s: %v requests a second", tt.name, g.RequestRate)
			}
		})
	}
}

func TestAnSLOThatMatchesNothingSaysSo(t *testing.T) {
	typo := promise("typo")
	typo.Match.Model = "gtp-*"
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{typo}}, Next: exchangetest.Nowhere{}})
	if status(j).Unmatched {
		t.Error("it is unmatched although nothing came")
	}
	j.Observe(stream(4, -1, 0))
	if !status(j).Unmatched {
		t.Error("it has matched nothing, and does not say so")
	}
	j.Observe(with(func(r *exchange.Record) { r.Model.Request = "gtp-4o" }))
	if status(j).Unmatched {
		t.Error("it has matched, and says it has not")
	}
}

func TestReloadKeepsWhatIsStillTheSame(t *testing.T) {
	same, other := interactive(), promise("other", slo.Objective{exchange.TTFT, time.Second})
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{same, other}}, Next: exchangetest.Nowhere{}})
	j.Observe(stream(4, -1, 0))
	same.Alerting.Page, same.Objective = true, 99.9
	other.Good = []slo.Objective{{exchange.TTFT, 2 * time.Second}}
	if anew := j.Replace(slo.Set{SLOs: []slo.SLO{other, same, promise("new")}}); !slices.Equal(anew, []string{"other"}) {
		t.Errorf("the counts of %q begin anew, want those of other", anew)
	}
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

func TestABudgetTellsItsTrueStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		s := interactive()
		j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{s}}, Next: exchangetest.Nowhere{}})
		since := func(j *slo.Judge, name string, want time.Time) {
			t.Helper()
			if got := status(j).Budget.Since; !got.Equal(want) {
				t.Errorf("%s: since %v, want %v", name, got, want)
			}
		}
		since(j, "before the first request", started)
		time.Sleep(100 * time.Minute)
		j.Observe(stream(4, -1, 0))
		since(j, "after it", started)

		path := filepath.Join(t.TempDir(), "budgets.json")
		if err := j.Save(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		again := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{s}}, Next: exchangetest.Nowhere{}})
		if err := again.Restore(path); err != nil {
			t.Fatal(err)
		}
		since(again, "after a restart", started.Truncate(time.Second))

		changed := s
		changed.Good = []slo.Objective{{exchange.TTFT, 2 * time.Second}}
		j.Replace(slo.Set{SLOs: []slo.SLO{changed}})
		since(j, "after a change of its limits", time.Now())
		time.Sleep(changed.Window + time.Hour)
		since(j, "when it is older than the window", time.Now().Add(-changed.Window))
	})
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
