package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const chainID = exchange.ChainID(0x9f2c0000000000aa)

// attempted is chat as the second attempt of a chain, which it ended. Its first tokens are
// reasoning.
func attempted() exchange.Record {
	r := chat()
	r.Timing.FirstAnswer = 239 * ms
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
	golden.Check(t, "testdata/chains.jsonl", got.String())
}

// The Writer keeps the order, and writes no line for a chain if the line of its only
// attempt tells everything.
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

// A reader that knows no chains must not mistake the line for an exchange: all fields that
// such a reader would use are missing.
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
