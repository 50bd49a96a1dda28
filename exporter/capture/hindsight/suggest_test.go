package hindsight_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo"
)

const day = 24 * time.Hour

func wish() hindsight.Wish {
	return hindsight.Wish{Objective: 99, Window: 30 * day, Margin: .2}
}

// suggested is the file for a capture, and the SLOs that a reader of it gets.
func suggested(t *testing.T, all []capture.Line, w hindsight.Wish, by ...report.By) (string, slo.Set) {
	t.Helper()
	text, set, warnings := suggestedWith(t, all, w, by...)
	if len(warnings) > 0 {
		t.Fatalf("warnings %v, in\n%s", warnings, text)
	}
	return text, set
}

// suggestedWith is suggested, for files that headway reads with warnings.
func suggestedWith(t *testing.T, all []capture.Line, w hindsight.Wish, by ...report.By) (string, slo.Set, []slo.Warning) {
	t.Helper()
	s := gathered(all, by...).Suggest(w)
	var text bytes.Buffer
	if err := s.Write(&text); err != nil {
		t.Fatal(err)
	}
	set, warnings, err := slo.Parse("suggested.yaml", bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatalf("%v, in\n%s", err, &text)
	}
	return text.String(), set, warnings
}

func TestSuggestionIsTheGoldenOne(t *testing.T) {
	text, _ := suggested(t, lines(month(1, 3000)), wish(), report.ByOperation, report.ByModel)
	golden.Check(t, filepath.Join("testdata", "suggested.yaml"), text)
}

// The judge of the sidecar, with the suggested file, sees the same traffic.
func TestTheCapturedTimeWouldHaveKeptASuggestion(t *testing.T) {
	for _, tt := range []struct {
		name string
		wish hindsight.Wish
		by   []report.By
	}{
		{"as it comes", hindsight.Wish{Objective: 97, Window: 30 * day, Margin: .2}, []report.By{report.ByOperation, report.ByModel}},
		{"without a margin", hindsight.Wish{Objective: 97, Window: day}, []report.By{report.ByModel}},
		{"of attempts", hindsight.Wish{Objective: 90, Window: day, Judge: slo.Attempt}, []report.By{report.ByUpstream}},
		{"with every indicator", hindsight.Wish{Objective: 95, Window: day, Good: exchange.Indicators()[1:]}, []report.By{report.ByOperation}},
		{"with an objective that no binary number is", hindsight.Wish{Objective: 97.3, Window: day}, []report.By{report.ByModel}},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(tt.name, " ", seed), func(t *testing.T) {
				records := month(seed, 1500)
				text, set := suggested(t, lines(records), tt.wish, tt.by...)
				checkKept(t, text, judged(set, records), tt.wish)
			})
		}
	}
}

// judged is how SLOs stand after these exchanges and their calls.
func judged(set slo.Set, records []exchange.Record) []slo.Status {
	judge := slo.New(slo.Config{Set: set, Next: exchangetest.Nowhere{}})
	attempts, chains := calls(records)
	for _, r := range attempts {
		judge.Observe(r)
	}
	for _, c := range chains {
		judge.ObserveChain(c)
	}
	return judge.Snapshot(time.Now()).SLOs
}

// checkKept fails the test unless every SLO is kept, and just as the comments of its file
// say.
func checkKept(t *testing.T, file string, all []slo.Status, w hindsight.Wish) {
	t.Helper()
	told := regexp.MustCompile(`of (\d+) (?:calls|attempts) ([\d.]+) % would`).FindAllStringSubmatch(file, -1)
	if len(all) == 0 || len(told) != len(all) {
		t.Fatalf("%d SLOs and %d comments", len(all), len(told))
	}
	for i, s := range all {
		g := s.Goodput[len(s.Goodput)-1]
		if g.Requests == 0 || 100*float64(g.Good) < w.Objective*float64(g.Requests)-1e-6 {
			t.Errorf("%s: %d good of %d, which is less than %v %%:\n%s", s.Name, g.Good, g.Requests, w.Objective, file)
		}
		share := fmt.Sprintf("%.2f", float64(g.Good*10000/max(1, g.Requests))/100)
		if told[i][1] != strconv.FormatUint(g.Requests, 10) || told[i][2] != share {
			t.Errorf("%s: the file says %s %% of %s, the judge %s %% of %d", s.Name, told[i][2], told[i][1], share, g.Requests)
		}
	}
}

func TestLimitsAreNoLongerThanNeeded(t *testing.T) {
	var records []exchange.Record
	for n := range 1000 {
		records = append(records, stream(n, time.Duration(n+1)*ms, 10*ms))
	}
	for margin, want := range map[float64]time.Duration{0: time.Second, .2: 1500 * ms, 1: 2 * time.Second} {
		w := wish()
		w.Margin, w.Good = margin, []exchange.Indicator{exchange.TTFT}
		_, set := suggested(t, streamsOf(records), w, report.ByModel)
		if got := set.SLOs[0].Limit(exchange.TTFT); got != want {
			t.Errorf("with a margin of %v, ttft %v, want %v", margin, got, want)
		}
	}
}

// streamsOf is how a capture without calls holds the records.
func streamsOf(records []exchange.Record) []capture.Line {
	var all []capture.Line
	for _, r := range records {
		all = append(all, capture.NewLine(r))
	}
	return all
}

// A limit on a histogram's own bound adds no series to it.
func TestLimitsAreBucketBounds(t *testing.T) {
	w := hindsight.Wish{Objective: 95, Window: day, Margin: .1, Good: []exchange.Indicator{exchange.TTFT, exchange.TPOT, exchange.ITLP99, exchange.Stall}}
	_, set := suggested(t, lines(month(2, 2000)), w, report.ByOperation)
	if len(set.SLOs[0].Good) != 4 {
		t.Fatalf("limits %v", set.SLOs[0].Good)
	}
	for _, o := range set.SLOs[0].Good {
		for _, in := range exporter.Table(exporter.V141) {
			before := len(in.Bounds)
			if after := len(in.WithEdges(exporter.Edges{{Indicator: o.Indicator, Limit: o.Limit}}).Bounds); after != before {
				t.Errorf("%s: %s of %v is no bound", in.Name, o.Indicator, o.Limit)
			}
		}
	}
}

func TestGroupsWithoutAnSLOSayWhy(t *testing.T) {
	many := func(n int, change func(n int, r *exchange.Record)) []capture.Line {
		var all []exchange.Record
		for i := range n {
			r := stream(i, 100*ms, 10*ms)
			change(i, &r)
			all = append(all, r)
		}
		return streamsOf(all)
	}
	for _, tt := range []struct {
		name string
		in   []capture.Line
		want string
	}{
		{"few calls", many(367, func(int, *exchange.Record) {}), "chat, large, streams: 367 calls; an objective of 99 needs 368"},
		{"too many failures", many(1000, func(n int, r *exchange.Record) {
			if n%50 == 0 {
				*r = refused(n)
			}
		}), "2.00 % failed, more than an objective of 99 allows; try --objective 95"},
		{"streams without a token", many(1000, func(n int, r *exchange.Record) {
			if n%50 == 0 {
				r.Chunks, r.Usage, r.Timing.FirstToken = exchange.Chunks{}, exchange.Usage{}, 0
			}
		}), "too many calls miss any limit"},
		{"no model", many(1000, func(_ int, r *exchange.Record) { r.Model.Request = "" }), "the requests name no model"},
		{"a model that is a pattern", many(1000, func(_ int, r *exchange.Record) { r.Model.Request = "a*" }), "its name has a *"},
		{"an operation of a later headway", many(1000, func(_ int, r *exchange.Record) { r.Operation = "dream" }), "no SLO can match this operation"},
		{"nothing but failures", many(1000, func(n int, r *exchange.Record) { *r = refused(n) }), "100.00 % failed, more than an objective of 99 allows"},
		{"an answer beyond any limit", many(1000, func(_ int, r *exchange.Record) { r.Timing.FirstToken = time.Hour }), "ttft needs a limit beyond 1h"},
	} {
		s := gathered(tt.in, report.ByOperation, report.ByModel).Suggest(wish())
		if err := s.Write(new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// Whatever a model is called, the file is one that headway reads. It warns of names that
// look like patterns of another notation.
func TestSuggestionsOfStrangeNamesAreFiles(t *testing.T) {
	var records []exchange.Record
	for _, model := range []string{"a/b", "a b", "a-b", "x\n- name: y", strings.Repeat("long", 40), "ключ", ": {", "\u2028"} {
		for n := range 400 {
			r := stream(n, 100*ms, 10*ms)
			r.Model.Request = model
			records = append(records, r)
		}
	}
	_, set, warnings := suggestedWith(t, streamsOf(records), wish(), report.ByModel)
	if len(set.SLOs) != 8 || len(warnings) != 2 {
		t.Errorf("%d SLOs of 8, and %d warnings of 2: %v", len(set.SLOs), len(warnings), warnings)
	}
}

func TestCapturesBesideModelServersAreJudgedByAttempts(t *testing.T) {
	records := month(1, 2000)
	for i := range records {
		records[i].Role = exchange.Server
	}
	w := wish()
	w.Objective = 90
	_, set := suggested(t, lines(records), w, report.ByModel)
	if set.SLOs[0].Judge != slo.Attempt {
		t.Errorf("they judge %q", set.SLOs[0].Judge)
	}
}
