package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const chainID = exchange.ChainID(0x9f2c0000000000aa)

// attempted is chat as the second attempt of a chain, which it ended.
func attempted() exchange.Record {
	r := chat()
	r.Attempt = exchange.Attempt{
		Chain: chainID, Number: 2, JoinedBy: "x-stainless-retry-count", Elapsed: 535 * ms, Outcome: exchange.Recovered,
	}
	return r
}

func recovered() exchange.Chain {
	return exchange.Chain{
		ID: chainID, Outcome: exchange.Recovered, Start: chat().Start.Add(-535 * ms), Attempts: 2,
		JoinedBy: []string{"x-stainless-retry-count"}, TTFT: 749 * ms, E2E: 3045 * ms, Slept: 500 * ms, RetryAfterIgnored: 1,
		Waste: []exchange.Waste{{Cause: "429", Attempts: 1, Time: 35 * ms, Input: exchange.Known(212)}}, Last: attempted(),
	}
}

// exhausted is a chain of three that fell back and was closed by silence.
func exhausted() exchange.Chain {
	last := refused()
	last.Attempt = exchange.Attempt{Chain: chainID, Number: 3, JoinedBy: "conversation", Fallback: true, Elapsed: 4 * time.Second}
	return exchange.Chain{
		ID: chainID, Outcome: exchange.Exhausted, Start: chat().Start, Attempts: 3, Late: true, Fallback: true, Ambiguous: true,
		JoinedBy: []string{"fingerprint", "conversation"}, E2E: 4035 * ms, Slept: 3900 * ms,
		Waste: []exchange.Waste{
			{Cause: "429", Attempts: 2, Time: 70 * ms},
			{Cause: "stream_truncated", Attempts: 1, Time: 65 * ms, Output: exchange.Known(9)},
		},
		Last: last, Verdicts: []exchange.Verdict{{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.Error)}},
	}
}

func TestLinesOfChainsAreTheGoldenOnes(t *testing.T) {
	var got bytes.Buffer
	out := json.NewEncoder(&got)
	for _, line := range []any{
		capture.NewLine(attempted()), capture.NewChainLine(recovered()), capture.NewChainLine(exhausted()),
	} {
		if err := out.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "chains.jsonl", got.String())
}

// TestWriterWritesChains but no line for one that the line of its only attempt tells
// all of, in the order in which it was told.
func TestWriterWritesChains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	w, err := capture.NewWriter(capture.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	first := chat()
	first.Attempt = exchange.Attempt{Chain: 1, Number: 1, Outcome: exchange.FirstTry}
	w.Observe(first)
	w.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.FirstTry, Attempts: 1, Last: first})
	w.Observe(attempted())
	w.ObserveChain(recovered())
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var lines []capture.Line
	for line, err := range capture.Read(file) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 3 || lines[0].Chain.Outcome != "first_try" || lines[1].Chain.Attempt != 2 || lines[2].Kind != capture.KindChain {
		t.Fatalf("%+v", lines)
	}
	if want := capture.NewChainLine(recovered()).Call; !reflect.DeepEqual(*lines[2].Call, want) {
		t.Errorf("read %+v, wrote %+v", *lines[2].Call, want)
	}
	if w.ObserveChain(recovered()); w.Dropped() != 1 {
		t.Errorf("%d dropped after the end", w.Dropped())
	}
}

// TestLineOfAChainIsNoExchange to a reader that knows none: all it could take for
// one is missing.
func TestLineOfAChainIsNoExchange(t *testing.T) {
	text, err := json.Marshal(capture.NewChainLine(recovered()))
	if err != nil {
		t.Fatal(err)
	}
	var former struct {
		V         int
		Operation string
		Outcome   string
		E2E       float64 `json:"e2e_s"`
	}
	if err := json.Unmarshal(text, &former); err != nil || former.V != 1 || former.Operation != "" || former.E2E != 0 || former.Outcome != "" {
		t.Errorf("%+v, %v of %s", former, err, text)
	}
}

// retried is the lines of a call with a failed attempt of 1 s, a wait of 2 s, and a
// good one of 3 s whose first token came after 400 ms.
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
	objectives := &capture.Objectives{TTFT: 500 * ms, E2E: 20 * time.Second}
	summary := summarize(capture.ByModel, objectives, afternoon())
	var table bytes.Buffer
	if err := summary.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "report-chains.txt", table.String())
	text, err := json.MarshalIndent(summary, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report-chains.json", string(text)+"\n")
}

func TestCallsAreWhatUsersFelt(t *testing.T) {
	all := summarize(capture.ByNothing, &capture.Objectives{TTFT: 500 * ms}, afternoon()).All
	c := all.Calls
	for name, tt := range map[string]struct{ got, want float64 }{
		"calls":               {float64(c.Calls), 4},
		"attempts":            {float64(c.Attempts), 5},
		"exchanges":           {float64(all.Exchanges), 5},
		"amplification":       {c.Amplification, 1.25},
		"wasted":              {c.Wasted, 1.5},
		"wasted share":        {c.WastedShare, 1.5 / (1 + 3 + 2 + 2 + .5)},
		"slept":               {c.Slept, 2},
		"ignored":             {float64(c.Ignored), 1},
		"TTFT of exchanges":   {all.TTFT.Mean, (.4 + .2 + .2) / 3},
		"TTFT of calls":       {c.TTFT.Mean, (3.4 + .2 + .2) / 3},
		"E2E of calls":        {c.E2E.Mean, (6. + 2 + 2) / 3},
		"answered":            {float64(c.E2E.Count), 3},
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

func TestACaptureWithoutChainsTellsOfNoCalls(t *testing.T) {
	s := summarize(capture.ByNothing, nil, morning())
	var table strings.Builder
	if err := s.WriteTable(&table); err != nil || s.All.Calls != nil || strings.Contains(table.String(), "Calls") {
		t.Errorf("%v, %v\n%s", err, s.All.Calls, table.String())
	}
}
