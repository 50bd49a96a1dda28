package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// answered is a stream that reasoned aloud until ttfa, the answer to the first try of a
// call; 0 is no answer at all.
func answered(ttfa float64) capture.Line {
	l := firstTry(0)
	l.TTFA = ttfa
	return l
}

func TestTTFAHasRowsWhereItDiffersFromTTFT(t *testing.T) {
	const section, row = "Time to First Answer Token", "Median TTFA (ms):                        1000.00\n"
	for _, tt := range []struct {
		name    string
		streams []float64
		shown   bool
	}{
		{"models that answer at once", []float64{.2, .2}, false},
		{"streams of which nobody read a token", nil, false},
		{"a model that reasons aloud", []float64{1, 1}, true},
		{"a stream that had no answer token", []float64{1, 0}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []capture.Line{failure(0, exchange.Refused, 1)}
			for _, ttfa := range tt.streams {
				lines = append(lines, answered(ttfa))
			}
			var table strings.Builder
			if err := summarize(report.ByNothing, nil, lines).WriteTable(&table); err != nil {
				t.Fatal(err)
			}
			text := table.String()
			if strings.Contains(text, "-"+section) != tt.shown || strings.Contains(text, row) != tt.shown || strings.Contains(text, "User-felt "+section) != tt.shown {
				t.Errorf("shown: %v, want %v in\n%s", !tt.shown, tt.shown, text)
			}
		})
	}
}

func TestGoodputJudgesTTFA(t *testing.T) {
	by := slo.Objectives{limit(exchange.TTFA, time.Second)}
	whole := answered(0)
	whole.Stream, whole.TTFT = false, 0
	unread := answered(0)
	unread.Notes = []string{"decoder_overflow"}
	strange := answered(0)
	strange.TTFT, strange.Notes = 0, []string{"body_not_understood"}
	for _, tt := range []struct {
		name             string
		in               capture.Line
		good             int
		missed, unjudged []string
	}{
		{"an answer in time", answered(1), 1, nil, nil},
		{"a late answer", answered(1.001), 0, []string{"ttfa"}, nil},
		{"reasoning and no answer", answered(0), 0, []string{"ttfa"}, nil},
		{"reasoning, and then no reader", unread, 1, nil, []string{"ttfa"}},
		{"an answer that headway did not understand", strange, 0, nil, []string{"ttfa"}},
		{"an answer in one piece", whole, 1, nil, []string{"ttfa"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := summarize(report.ByNothing, by, []capture.Line{tt.in}).All
			for _, g := range []*report.Goodput{all.Goodput, all.Calls.Goodput} {
				if g.Good != tt.good || g.Missed["ttfa"] != len(tt.missed) || !slices.Equal(g.Unjudged, tt.unjudged) {
					t.Errorf("%+v", g)
				}
			}
		})
	}
}
