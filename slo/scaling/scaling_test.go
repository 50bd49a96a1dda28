package scaling_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/scaling"
)

const (
	model = "llama"
	chat  = "chat"
)

// promises: of a hundred requests, five may be bad.
func promises() []scaling.Promise { return []scaling.Promise{{SLO: chat, Share: .95}} }

func judged(good bool) exchange.Record {
	return exchange.Record{
		Origin: exchange.App, Role: exchange.Server, Model: exchange.Model{Request: model}, Outcome: exchange.OK,
		Attempt: exchange.Attempt{Number: 1}, Verdicts: []exchange.Verdict{{SLO: chat, Good: good}},
	}
}

// failed is a bad request that ended so.
func failed(outcome exchange.Outcome, is exchange.ErrorType) exchange.Record {
	r := judged(false)
	r.Outcome, r.ErrorType = outcome, is
	return r
}

func repeat(s *scaling.Signal, n int, r exchange.Record) {
	for range n {
		s.Observe(r)
	}
}

// ratio is the number of the model, NaN without one.
func ratio(s *scaling.Signal, loads ...scaling.Load) float64 {
	for _, r := range s.Ratios(time.Now(), promises(), loads) {
		if r.Model == model {
			return r.Ratio
		}
	}
	return math.NaN()
}

func load(ratio float64) scaling.Load { return scaling.Load{Model: model, Ratio: ratio} }

func check(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

// Beside the requests of the window stand 20 good ones: that of 80 requests 8 are bad means
// 92 good ones of 100.
func TestRatio(t *testing.T) {
	for _, tt := range []struct {
		name      string
		good, bad int
		loads     []scaling.Load
		want      float64
	}{
		{"nothing is known", 0, 0, nil, math.NaN()},
		{"no traffic on a model of the load test", 0, 0, []scaling.Load{load(0)}, 0},
		{"a third of the tested load", 80, 0, []scaling.Load{load(.33)}, .33},
		{"the SLO with the least room counts", 80, 0, []scaling.Load{load(.33), load(.5)}, .5},
		{"the load of another model", 80, 0, []scaling.Load{{Model: "other", Ratio: .2}}, 1},
		{"without a load test nobody knows that fewer suffice", 80, 0, nil, 1},
		{"a little of the budget is used", 79, 1, []scaling.Load{load(.33)}, .33},
		{"more of the budget than of the load", 76, 4, []scaling.Load{load(.33)}, .8},
		{"all of the budget", 75, 5, []scaling.Load{load(.33)}, 1},
		{"a fifth is bad", 60, 20, []scaling.Load{load(.33)}, .95 / .8},
		{"a fifth is bad, without a load test", 60, 20, nil, .95 / .8},
		{"all are bad", 1, 79, []scaling.Load{load(.33)}, 2},
		{"a long queue", 80, 0, []scaling.Load{load(17)}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scaling.New()
			repeat(s, tt.good, judged(true))
			repeat(s, tt.bad, judged(false))
			check(t, "ratio", ratio(s, tt.loads...), tt.want)
		})
	}
}

// TestNotFooled: each of these happens 40 times among 80 good requests, and the number stays
// that of the load.
func TestNotFooled(t *testing.T) {
	retry := failed(exchange.Refused, "503")
	retry.Attempt.Number = 2
	unjudged := judged(true) // a canary, or a request that no SLO matches
	unjudged.Verdicts = nil
	for _, tt := range []struct {
		name   string
		record exchange.Record
	}{
		{"requests that are wrong", failed(exchange.HTTPError, "400")},
		{"clients without a key", failed(exchange.HTTPError, "401")},
		{"models that nobody has", failed(exchange.HTTPError, "404")},
		{"prompts that are too long", failed(exchange.HTTPError, "413")},
		{"a server that fails", failed(exchange.HTTPError, "500")},
		{"a server that breaks off", failed(exchange.UpstreamCut, exchange.ErrTruncated)},
		{"a server that reports an error in its stream", failed(exchange.StreamError, exchange.ErrUpstreamEvent)},
		{"a server that is gone", failed(exchange.ConnectError, exchange.ErrConnection)},
		{"headway stops", failed(exchange.Drained, exchange.ErrDraining)},
		{"headway refuses because it stops", failed(exchange.Refused, exchange.ErrDraining)},
		{"clients that try again", retry},
		{"no verdict", unjudged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scaling.New()
			repeat(s, 80, judged(true))
			repeat(s, 40, tt.record)
			check(t, "ratio", ratio(s, load(.4)), .4)
		})
	}
}

// TestFailuresOfLoad: of 160 requests 40 are not served, which is 140 good ones of 180.
func TestFailuresOfLoad(t *testing.T) {
	for _, r := range []exchange.Record{
		failed(exchange.Refused, "429"), failed(exchange.Refused, "503"), failed(exchange.Refused, "529"),
		failed(exchange.HTTPError, "504"), failed(exchange.Timeout, exchange.ErrTimeout), failed(exchange.ClientGone, exchange.ErrCanceled),
	} {
		s := scaling.New()
		repeat(s, 120, judged(true))
		repeat(s, 40, r)
		check(t, fmt.Sprintf("%s %s", r.Outcome, r.ErrorType), ratio(s, load(.4)), .95/(140./180))
	}
}

// An autoscaler overlooks 10 %.
func TestOneSlowRequestIsNoShortage(t *testing.T) {
	for n := range 50 {
		s := scaling.New()
		s.Observe(judged(true))
		repeat(s, n, judged(true))
		s.Observe(judged(false))
		if got := ratio(s, load(.2)); got > 1.1 {
			t.Errorf("one bad request of %d: %v", n+2, got)
		}
	}
}

// An SLO about calls counts a call once, whichever of its attempts ended it.
func TestACallCountsOnce(t *testing.T) {
	s := scaling.New()
	repeat(s, 79, judged(true))
	ended := judged(false)
	ended.Attempt.Number, ended.Verdicts[0].Chain = 3, true
	for range 10 { // attempts before the last have no verdict
		earlier := ended
		earlier.Verdicts = nil
		repeat(s, 2, earlier)
		s.Observe(ended)
	}
	late := exchange.Chain{Late: true, Last: ended, Verdicts: ended.Verdicts}
	for range 11 {
		s.ObserveChain(late)
		s.ObserveChain(exchange.Chain{Last: ended, Verdicts: ended.Verdicts}) // Observe had it
	}
	check(t, "21 bad calls of 100", ratio(s, load(.4)), .95/(99./120))
}

// TestWindow: the number knows two minutes, and a model without a load test keeps its number
// for an hour.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scaling.New()
		repeat(s, 60, judged(true))
		repeat(s, 20, judged(false))
		time.Sleep(110 * time.Second)
		check(t, "after 110 s", ratio(s, load(.3)), .95/.8)
		time.Sleep(20 * time.Second)
		check(t, "after 130 s", ratio(s, load(.3)), .3)
		check(t, "after 130 s, without a load test", ratio(s), 1)
		time.Sleep(time.Hour)
		check(t, "after an hour", ratio(s), math.NaN())
		check(t, "after an hour, with a load test", ratio(s, load(0)), 0)
	})
}

// A ring has few slots. Each round overwrites the one before.
func TestHoursOfTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scaling.New()
		for range 3600 {
			s.Observe(judged(true))
			time.Sleep(time.Second)
		}
		for range 120 {
			s.Observe(judged(false))
			s.Observe(judged(true))
			time.Sleep(time.Second)
		}
		check(t, "two minutes of which half is bad", ratio(s, load(.3)), .95/((20+120.)/(20+240.)))
	})
}

// An SLO that is no longer in force says nothing, and the worst of several counts.
func TestSeveralSLOs(t *testing.T) {
	s := scaling.New()
	r := judged(true)
	r.Verdicts = []exchange.Verdict{{SLO: chat, Good: true}, {SLO: "gone"}, {SLO: "strict"}}
	repeat(s, 80, r)
	check(t, "one of them is gone", ratio(s, load(.3)), .3)
	got := s.Ratios(time.Now(), append(promises(), scaling.Promise{SLO: "strict", Share: .9}), nil)
	if len(got) != 1 || got[0] != (scaling.Ratio{Model: model, Ratio: 2}) {
		t.Errorf("%+v", got)
	}
}

// A scanner that asks for models that nobody has makes no numbers, and one whose models are
// answered makes a bounded number.
func TestModelsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scaling.New()
		for i := range 5000 {
			r := failed(exchange.Refused, "503")
			r.Model.Request = fmt.Sprint("scan-", i)
			s.Observe(r)
		}
		if got := s.Ratios(time.Now(), promises(), nil); len(got) != 0 {
			t.Errorf("%d numbers of models that were never answered", len(got))
		}
		s.Observe(judged(true))
		for i := range 5000 {
			r := judged(true)
			r.Model.Request = fmt.Sprint("answered-", i)
			s.Observe(r)
		}
		if got := s.Ratios(time.Now(), promises(), nil); len(got) != 1024 {
			t.Errorf("%d numbers", len(got))
		}
		check(t, "the first model", ratio(s), 1)
		time.Sleep(61 * time.Minute)
		late := judged(true)
		late.Model.Request = "late"
		s.Observe(late)
		if got := s.Ratios(time.Now(), promises(), nil); len(got) != 1 || got[0].Model != "late" {
			t.Errorf("after an hour: %+v", got)
		}
	})
}

func TestObserveAllocatesNothing(t *testing.T) {
	s, r := scaling.New(), judged(true)
	s.Observe(r)
	if n := testing.AllocsPerRun(1000, func() { s.Observe(r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	s, r := scaling.New(), judged(true)
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(r)
	}
}
