package report_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// retried lists the lines of a call with a failed attempt of 1 s, a wait of 2 s, and a good
// attempt of 3 s whose first token came after 400 ms.
func retried(after time.Duration) []capture.Line {
	a, b := failure(after, exchange.Refused, 1), success(after+3*time.Second, .4, .02, 3)
	a.Chain = &capture.Attempt{ID: "x", Attempt: 1}
	b.Chain = &capture.Attempt{ID: "x", Attempt: 2, JoinedBy: "fingerprint", Elapsed: 3, Outcome: "recovered"}
	return []capture.Line{a, b, {V: 1, Kind: capture.KindChain, Start: a.Start, Origin: "app", Call: &capture.Call{
		ID: "x", Outcome: "recovered", Attempts: 2, JoinedBy: []string{"fingerprint"}, Operation: "chat", Model: b.Model, Upstream: b.Upstream,
		Stream: true, TTFT: 3.4, E2E: 6, TPOT: .02, Slept: 2, RetryAfterIgnored: 1, Waste: []capture.Waste{{Cause: "429", Attempts: 1, Time: 1}},
	}}}
}

// firstTry is a call that was answered at once.
func firstTry(after time.Duration) capture.Line {
	l := success(after, .2, .02, 2)
	l.Chain = &capture.Attempt{ID: "y", Attempt: 1, Outcome: "first_try"}
	return l
}

// gaveUp is a call that failed once, and no other attempt followed.
func gaveUp(after time.Duration) []capture.Line {
	l := failure(after, exchange.HTTPError, .5)
	l.Chain = &capture.Attempt{ID: "z", Attempt: 1, Outcome: "exhausted"}
	return []capture.Line{l, {V: 1, Kind: capture.KindChain, Start: l.Start, Origin: "app", Call: &capture.Call{
		ID: "z", Outcome: "exhausted", Attempts: 1, Operation: "chat", Model: capture.Model{Request: "small"}, Upstream: l.Upstream,
		E2E: .5, Waste: []capture.Waste{{Cause: "500", Attempts: 1, Time: .5}},
	}}}
}

func afternoon() []capture.Line {
	lines := retried(0)
	lines = append(lines, firstTry(time.Second), firstTry(2*time.Second))
	lines = append(lines, gaveUp(3*time.Second)...)
	unknown := lines[2]
	unknown.Call = &capture.Call{Outcome: "recovered", Attempts: 9}
	return append(lines, unknown, capture.Line{V: 1, Kind: "something new"})
}

func TestReportOfChainsIsTheGoldenOne(t *testing.T) {
	objectives := slo.Objectives{limit(exchange.TTFT, 500*ms), limit(exchange.E2E, 20*time.Second)}
	check(t, "report-chains", summarize(report.ByModel, objectives, afternoon()))
}

func TestCallsAreWhatUsersFelt(t *testing.T) {
	all := summarize(report.ByNothing, slo.Objectives{limit(exchange.TTFT, 500*ms)}, afternoon()).All
	c := all.Calls
	for name, tt := range map[string]struct{ got, want float64 }{
		"calls":               {float64(c.Calls), 4},
		"attempts":            {float64(c.Attempts), 5},
		"exchanges":           {float64(all.Exchanges), 5},
		"amplification":       {*c.Amplification, 1.25},
		"wasted":              {c.Wasted, 1.5},
		"wasted share":        {*c.WastedShare, 1.5 / (1 + 3 + 2 + 2 + .5)},
		"slept":               {c.Slept, 2},
		"ignored":             {float64(c.Ignored), 1},
		"TTFT of exchanges":   {all.TTFT.Mean, (.4 + .2 + .2) / 3},
		"TTFT of calls":       {c.TTFT.Mean, (3.4 + .2 + .2) / 3},
		"E2E of calls":        {c.E2E.Mean, (6. + 2 + 2) / 3},
		"answered":            {float64(c.Answered), 3},
		"E2E of failed calls": {c.FailedE2E.Mean, .5},
		"good exchanges":      {float64(all.Goodput.Good), 3},
		"counted exchanges":   {float64(all.Goodput.Counted), 5},
		"good calls":          {float64(c.Goodput.Good), 2},
		"counted calls":       {float64(c.Goodput.Counted), 4},
		"calls with an error": {float64(c.Goodput.Missed["error"]), 1},
		"calls too late":      {float64(c.Goodput.Missed["ttft"]), 1},
	} {
		if math.Abs(tt.got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
}

// TestAnAnsweredCallWithoutATTFTIsEmptyOnlyIfItsLineSaysSo: headway may not have been able
// to read the stream.
func TestAnAnsweredCallWithoutATTFTIsEmptyOnlyIfItsLineSaysSo(t *testing.T) {
	none, some := 0, 3
	for name, tt := range map[string]struct {
		chunks *int
		missed int
	}{"unknown": {nil, 0}, "none": {&none, 1}, "some, of a replay": {&some, 0}} {
		t.Run(name, func(t *testing.T) {
			lines := retried(0)
			lines[2].Call.TTFT, lines[2].Call.ContentChunks = 0, tt.chunks
			c := summarize(report.ByNothing, slo.Objectives{limit(exchange.TTFT, 500*ms)}, lines).All.Calls
			if got := c.Goodput.Missed["ttft"]; got != tt.missed {
				t.Errorf("%d calls missed TTFT, want %d", got, tt.missed)
			}
		})
	}
}

// A call that fails is over later than one that is answered. At the end of a capture some
// are neither.
func TestCallsThatAreNotOverAreNamed(t *testing.T) {
	open := func(id string, attempts int) (lines []capture.Line) {
		for n := range attempts {
			l := failure(time.Duration(4+n)*time.Second, exchange.Refused, .5)
			l.Model.Request, l.Chain = "open", &capture.Attempt{ID: id, Attempt: n + 1}
			lines = append(lines, l)
		}
		return lines
	}
	over := afternoon()
	slices.Reverse(over) // the ends of calls before their attempts, as in files given in that order
	for _, tt := range []struct {
		name  string
		lines []capture.Line
		open  int
	}{
		{"none", over, 0},
		{"one, tried once", slices.Concat(over, open("a", 1)), 1},
		{"two, one of them tried twice", slices.Concat(open("a", 2), open("b", 1), over), 2},
		{"all", open("a", 3), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := summarize(report.ByModel, slo.Objectives{limit(exchange.E2E, 20*time.Second)}, tt.lines)
			if s.All.Calls.Open != tt.open {
				t.Errorf("%d open, want %d", s.All.Calls.Open, tt.open)
			}
			for _, g := range s.Groups {
				if want := map[bool]int{true: tt.open}[g.Name == "open"]; g.Calls != nil && g.Calls.Open != want {
					t.Errorf("%s: %d open, want %d", g.Name, g.Calls.Open, want)
				}
			}
			s.Groups = nil
			table := tableOf(t, s)
			for _, want := range []string{
				fmt.Sprintf("Calls not over yet:                      %d (left out; their last attempt failed, and another may follow)\n", tt.open),
				fmt.Sprintf("* of calls: without the %d that were not over at 2026-", tt.open),
			} {
				if strings.Contains(table, want) != (tt.open > 0) {
					t.Errorf("%q is there or missing in\n%s", want, table)
				}
			}
			for _, share := range []string{"Answered calls (%):", "Answered attempts of these calls (%):", "Attempts per call:", "Good, of those counted (%):"} {
				_, row, _ := strings.Cut(table, "\n"+share)
				row, _, _ = strings.Cut(row, "\n")
				if strings.HasSuffix(row, " *") != (tt.open > 0) {
					t.Errorf("%s%s: marked or not", share, row)
				}
			}
			if _, err := json.Marshal(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACaptureWithoutChainsTellsOfNoCalls(t *testing.T) {
	s := summarize(report.ByNothing, nil, morning())
	var table strings.Builder
	if err := s.WriteTable(&table); err != nil || s.All.Calls != nil || strings.Contains(table.String(), "Calls") {
		t.Errorf("%v, %v\n%s", err, s.All.Calls, table.String())
	}
}

// Two calls took an attempt that failed and one that was answered: goodput of calls alone
// would hide the failures.
func TestTheTableHasGoodputOfRequestsBesideThatOfCalls(t *testing.T) {
	lines := slices.Concat(retried(0), retried(time.Second))
	text := tableOf(t, summarize(report.ByNothing, slo.Objectives{limit(exchange.E2E, 20*time.Second)}, lines))
	for _, want := range []string{
		"                                         requests     calls\n",
		"Good, of those counted (%):              50.00        100.00\n",
		"Missed by error:                         2            0\n",
		"Answered calls (%):                      100.00\n",
		"Answered attempts of these calls (%):    50.00\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
