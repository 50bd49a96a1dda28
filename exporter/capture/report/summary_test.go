package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo"
)

const ms = time.Millisecond

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// success is a streamed line that began after the given time.
func success(after time.Duration, ttft, tpot, e2e float64) capture.Line {
	input, output := int64(100), int64(50)
	return capture.Line{
		V: 1, Start: began.Add(after), Origin: "app", Operation: "chat", Model: capture.Model{Request: "large"},
		Upstream: "a:443", Stream: true, Status: 200, Outcome: "ok", TTFT: ttft, TPOT: tpot, E2E: e2e,
		ITL:    &capture.ITL{P50: tpot, P90: tpot * 1.5, P99: tpot * 3, Max: tpot * 4},
		Tokens: capture.Tokens{Input: &input, Output: &output, Source: "reported"},
	}
}

func failure(after time.Duration, outcome exchange.Outcome, e2e float64) capture.Line {
	l := success(after, 0, 0, e2e)
	l.Outcome, l.Stream, l.ITL, l.Tokens = string(outcome), false, nil, capture.Tokens{}
	return l
}

// morning is ten seconds of traffic of two models.
func morning() []capture.Line {
	lines := []capture.Line{
		success(0, .2, .02, 2),
		success(time.Second, .3, .02, 2),
		success(2*time.Second, .4, .03, 3),
		success(3*time.Second, .9, .02, 2),
		failure(3500*time.Millisecond, exchange.Refused, .1),
		failure(4*time.Second, exchange.UpstreamCut, 1),
		failure(5*time.Second, exchange.ClientGone, .3),
		success(6*time.Second, .1, .06, 4),
		success(7*time.Second, .5, .05, 1),
	}
	lines[7].Model.Request, lines[8].Model.Request = "small", "small"
	lines[8].Tokens = capture.Tokens{}
	canary := success(8*time.Second, 5, 5, 50)
	canary.Origin = "canary"
	other := success(9*time.Second, 5, 5, 50)
	other.Operation = ""
	return slices.Concat(lines, []capture.Line{canary, other})
}

func limit(i exchange.Indicator, d time.Duration) slo.Objective {
	return slo.Objective{Indicator: i, Limit: d}
}

func summarize(by report.By, o slo.Objectives, lines []capture.Line) report.Summary {
	s := report.NewSummarizer(by, o)
	for _, l := range lines {
		s.Add(l)
	}
	return s.Summary()
}

func TestReportIsTheGoldenOne(t *testing.T) {
	objectives := slo.Objectives{limit(exchange.TTFT, 500*ms), limit(exchange.TPOT, 50*ms), limit(exchange.E2E, 20*time.Second)}
	check(t, "report", summarize(report.ByModel, objectives, morning()))
}

// check fails the test unless the summary is the golden one, as a table and as JSON.
func check(t *testing.T, name string, summary report.Summary) {
	t.Helper()
	var table bytes.Buffer
	if err := summary.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", name+".txt"), table.String())
	text, err := json.MarshalIndent(summary, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", name+".json"), string(text)+"\n")
}

func TestSummaryCountsAndRates(t *testing.T) {
	g := summarize(report.ByNothing, nil, morning()).All
	// The last exchange to end began at 6 s and took 4 s.
	if g.TokenRate != nil {
		t.Errorf("a rate of all tokens, %v, though one count is unknown", *g.TokenRate)
	}
	for name, tt := range map[string]struct{ got, want float64 }{
		"exchanges":        {float64(g.Exchanges), 9},
		"successful":       {float64(g.Successful), 6},
		"failed":           {float64(g.Failed), 2},
		"left":             {float64(g.Left), 1},
		"input tokens":     {float64(*g.InputTokens.Sum), 500},
		"output tokens":    {float64(*g.OutputTokens.Sum), 250},
		"reported":         {float64(g.OutputTokens.Sources["reported"]), 5},
		"untold":           {float64(g.OutputTokens.Sources["unknown"]), 1},
		"request rate":     {*g.RequestRate, .6},
		"output rate":      {*g.OutputRate, 25},
		"mean concurrency": {*g.MeanConcurrency, 1.54},
		"peak":             {float64(g.PeakConcurrency), 3},
		"TTFT mean":        {g.TTFT.Mean, .4},
		"TTFT median":      {g.TTFT.P50, .35},
		"TTFT p90":         {g.TTFT.P90, .7},
		"TTFT p95":         {g.TTFT.P95, .8},
		"TTFT p99":         {g.TTFT.P99, .88},
		"ITL max":          {*g.ITLMax, .24},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, tt.got, tt.want)
		}
	}
}

func TestRatesOfGroupsAddUp(t *testing.T) {
	s := summarize(report.ByModel, nil, morning())
	sum := 0.0
	for _, g := range s.Groups {
		sum += *g.RequestRate
	}
	if math.Abs(sum-*s.All.RequestRate) > 1e-9 || len(s.Groups) != 2 || s.Groups[0].Name != "large" {
		t.Errorf("groups %v with %v req/s in all, want large, small with %v", s.Groups, sum, *s.All.RequestRate)
	}
}

func TestSummaryDividesByWhatIsAsked(t *testing.T) {
	lines := []capture.Line{success(0, .1, .1, 1), success(0, .1, .1, 1), success(0, .1, .1, 1)}
	lines[1].Model.Request, lines[1].Upstream, lines[1].Operation = "m", "u:1", "text_completion"
	for by, want := range map[report.By][]string{
		report.ByNothing: nil, report.ByModel: {"large", "m"}, report.ByUpstream: {"a:443", "u:1"}, report.ByOperation: {"chat", "text_completion"},
	} {
		var got []string
		for _, g := range summarize(by, nil, lines).Groups {
			got = append(got, g.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %q: %q, want %q", by, got, want)
		}
	}
}

func TestGoodputJudgesEachExchange(t *testing.T) {
	all := slo.Objectives{limit(exchange.TTFT, 500*ms), limit(exchange.TPOT, 50*ms), limit(exchange.ITLP99, 200*ms), limit(exchange.E2E, 20*time.Second)}
	change := func(f func(*capture.Line)) capture.Line {
		l := success(0, .4, .04, 5)
		f(&l)
		return l
	}
	gone := func(ttft, e2e float64) capture.Line {
		return change(func(l *capture.Line) { l.Outcome, l.TTFT, l.TPOT, l.ITL, l.E2E = "client_gone", ttft, 0, nil, e2e })
	}
	tests := []struct {
		name           string
		in             capture.Line
		good, excluded int
		missed         []string
	}{
		{"within every limit", change(func(*capture.Line) {}), 1, 0, nil},
		{"on the limit", success(0, .5, .05, 20), 1, 0, nil},
		{"too slow everywhere", success(0, .51, .0667, 21), 0, 0, []string{"e2e", "itl_p99", "tpot", "ttft"}},
		{"refused", failure(0, exchange.Refused, .1), 0, 0, []string{"error"}},
		{"failed, and too late at that", failure(0, exchange.Timeout, 21), 0, 0, []string{"e2e", "error"}},
		{"a single token has no TPOT to miss", change(func(l *capture.Line) { l.TPOT, l.ITL = 0, nil }), 1, 0, nil},
		{"a response in one piece has no TTFT to miss", change(func(l *capture.Line) { l.Stream, l.TTFT, l.TPOT, l.ITL = false, 0, 0, nil }), 1, 0, nil},
		{
			"a stream without a token",
			change(func(l *capture.Line) { l.TTFT, l.TPOT, l.ITL, l.ContentChunks = 0, 0, nil, new(0) }), 0, 0, []string{"ttft"},
		},
		{"a stream that was not read", change(func(l *capture.Line) { l.TTFT, l.TPOT, l.ITL = 0, 0, nil }), 1, 0, nil},
		{
			"a replay, whose tokens have no times",
			change(func(l *capture.Line) { l.TTFT, l.TPOT, l.ITL, l.ContentChunks = 0, 0, nil, new(3) }), 1, 0, nil,
		},
		{"a client that left in time", gone(0, .4), 0, 1, nil},
		{"a client that left after waiting too long", gone(0, .6), 0, 0, []string{"ttft"}},
		{"a client that left after a late token", gone(.7, .8), 0, 0, []string{"ttft"}},
		{"a client that left in the midst of a good stream", gone(.2, 3), 0, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := summarize(report.ByNothing, all, []capture.Line{tt.in}).All.Goodput
			if missed := slices.Sorted(maps.Keys(g.Missed)); g.Good != tt.good || g.Excluded != tt.excluded || !slices.Equal(missed, tt.missed) {
				t.Errorf("good %d, excluded %d, missed %v; want %d, %d, %v", g.Good, g.Excluded, missed, tt.good, tt.excluded, tt.missed)
			}
			if g.Counted+g.Excluded != 1 {
				t.Errorf("%d counted, %d excluded", g.Counted, g.Excluded)
			}
		})
	}
}

func TestParseObjectives(t *testing.T) {
	tests := []struct {
		in   string
		want slo.Objectives
		err  string
	}{
		{"ttft=500ms,tpot=50ms,e2e=20s", slo.Objectives{limit(exchange.TTFT, 500*ms), limit(exchange.TPOT, 50*ms), limit(exchange.E2E, 20*time.Second)}, ""},
		{"tpot=50ms,ttfa=5s", slo.Objectives{limit(exchange.TTFA, 5*time.Second), limit(exchange.TPOT, 50*ms)}, ""},
		{" itl_p99 = 200ms ", slo.Objectives{limit(exchange.ITLP99, 200*ms)}, ""},
		{"", nil, `objective ""`},
		{"ttfb=1s", nil, `objective "ttfb=1s": want ttft, ttfa, tpot, itl_p99 or e2e`},
		{"ttft=500", nil, `objective "ttft=500": 500 has no unit; write 500ms`},
		{"ttft=soon", nil, `objective "ttft=soon": "soon" is not a duration, as in 500ms`},
		{"ttft", nil, `objective "ttft": "" is not a duration, as in 500ms`},
		{"ttft=0", nil, `objective "ttft=0": must be more than 0`},
		{"ttft=1s,tpot=1s,ttft=2s", nil, `objective "ttft=2s": ttft has a limit already`},
		{"ttft=1s,tpot=-1s", nil, `objective "tpot=-1s": must be more than 0`},
	}
	for _, tt := range tests {
		got, err := report.ParseObjectives(tt.in)
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.err == "") || (err != nil && !strings.HasPrefix(err.Error(), tt.err)) {
			t.Errorf("%q: %+v, %v; want %+v, %s", tt.in, got, err, tt.want, tt.err)
		}
		if again, err := report.ParseObjectives(got.String()); tt.err == "" && (!slices.Equal(again, got) || err != nil) {
			t.Errorf("%q spells itself %q", tt.in, got)
		}
	}
}

func TestSummaryOfNothingHasNoRates(t *testing.T) {
	s := summarize(report.ByModel, slo.Objectives{limit(exchange.TTFT, ms)}, nil)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("%v in %+v", err, s)
	}
	if s.All.RequestRate != nil || s.All.Goodput.Share != nil || s.All.Goodput.Rate != nil || s.All.TTFT != nil {
		t.Errorf("%s", text)
	}
}

func TestTableEndsWhenItsWriterFails(t *testing.T) {
	if err := summarize(report.ByNothing, nil, morning()).WriteTable(failing{}); !errors.Is(err, errFull) {
		t.Errorf("error %v, want that of the writer", err)
	}
}

var errFull = errors.New("no space left")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }
