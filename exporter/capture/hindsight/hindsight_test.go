package hindsight_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const ms = time.Millisecond

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// stream is an answered stream of 51 tokens, which began after so many seconds.
func stream(after int, ttft, tpot time.Duration) exchange.Record {
	r := exchange.Record{
		Start: began.Add(time.Duration(after) * time.Second), Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Model: exchange.Model{Request: "large"},
		Upstream: exchange.Upstream{Host: "a", Port: 443}, Stream: true, Status: 200, Outcome: exchange.OK,
		Timing: exchange.Timing{
			ResponseHead: ttft / 2, FirstChunk: ttft / 2, FirstEvent: ttft, FirstToken: ttft, FirstAnswer: ttft,
			LastToken: ttft + 50*tpot, LastChunk: ttft + 50*tpot, End: ttft + 50*tpot,
		},
		Events: 52,
		Usage:  exchange.Usage{Input: exchange.Known(100), Output: exchange.Known(51), Streamed: exchange.Known(51), Source: exchange.Reported},
		Clocks: exchange.Clocks{Upstream: exchange.Clock{Sum: ttft + 50*tpot, Longest: max(ttft/2, tpot)}},
	}
	for n := range 51 {
		r.Chunks.Add(exchange.Chunk{At: ttft + time.Duration(n)*tpot, Tokens: 1})
	}
	return r
}

// whole is an answer in one piece.
func whole(after int, e2e time.Duration) exchange.Record {
	r := stream(after, e2e, 0)
	r.Stream, r.Chunks, r.Events = false, exchange.Chunks{}, 0
	r.Timing = exchange.Timing{ResponseHead: e2e, FirstChunk: e2e, LastChunk: e2e, End: e2e}
	r.Clocks.Upstream.Longest = 0
	return r
}

// ended is r, cut off after a silence with so many tokens streamed.
func ended(r exchange.Record, o exchange.Outcome, tokens int, silence time.Duration) exchange.Record {
	var chunks exchange.Chunks
	last := time.Duration(0)
	for c := range r.Chunks.All() {
		if chunks.Count < tokens {
			chunks.Add(c)
			last = c.At
		}
	}
	r.Chunks, r.Outcome, r.ErrorType = chunks, o, exchange.ErrTruncated
	r.Usage = exchange.Usage{}
	r.Timing.LastToken, r.Timing.LastChunk, r.Timing.End = last, last, last+silence
	if tokens == 0 {
		r.Timing = exchange.Timing{End: silence}
	}
	r.Clocks.Upstream.Longest = max(r.Clocks.Upstream.Longest, silence)
	return r
}

// refused is an exchange that was turned away.
func refused(after int) exchange.Record {
	r := whole(after, 30*ms)
	r.Stream, r.Status, r.Outcome, r.ErrorType, r.Usage = true, 503, exchange.Refused, "503", exchange.Usage{}
	return r
}

// month is a capture of two models, with faults of several kinds, from a seed.
func month(seed uint64, exchanges int) []exchange.Record {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []exchange.Record
	for n := range exchanges {
		slow := math.Exp(.4 * random.NormFloat64())
		r := stream(n, time.Duration(300*slow*1e6), time.Duration(20*slow*1e6))
		switch kind := random.Float64(); {
		case kind < .004:
			r = refused(n)
		case kind < .006:
			r = ended(r, exchange.UpstreamCut, 10, 30*time.Second)
		case kind < .010:
			r = ended(r, exchange.ClientGone, 20, time.Duration(random.Int64N(int64(100*ms))))
		case kind < .012:
			r = ended(r, exchange.ClientGone, 0, 10*time.Second+time.Duration(n)*time.Microsecond)
		case kind < .014:
			r.Clocks.Upstream.Longest = 4 * time.Second // and nobody noticed: pings came
		case kind < .3:
			r = whole(n, time.Duration(900*slow*1e6))
		case kind < .302:
			r = ended(r, exchange.Drained, 3, 20*ms)
		}
		if random.Float64() < .3 {
			r.Model.Request = "small"
		}
		all = append(all, r)
	}
	return all
}

// calls places the records in calls. Every fiftieth answer came at the second attempt.
// Whether a call that was refused has failed, only silence tells.
func calls(records []exchange.Record) (attempts []exchange.Record, chains []exchange.Chain) {
	for n, r := range records {
		r.Attempt = exchange.Attempt{Chain: exchange.ChainID(n + 1), Number: 1, Outcome: exchange.Exhausted}
		switch r.Outcome {
		case exchange.OK:
			r.Attempt.Outcome = exchange.FirstTry
		case exchange.ClientGone:
			r.Attempt.Outcome = exchange.Abandoned
		}
		late := r.Outcome == exchange.Refused
		if n%50 == 49 && r.Outcome == exchange.OK {
			first := refused(0)
			first.Start, first.Role, first.Attempt, first.Model = r.Start.Add(-time.Second), r.Role, r.Attempt, r.Model
			first.Attempt.Outcome = ""
			attempts = append(attempts, first)
			r.Attempt.Number, r.Attempt.Elapsed, r.Attempt.Outcome = 2, time.Second, exchange.Recovered
		}
		if r.Attempt.Outcome != exchange.FirstTry {
			chains = append(chains, chain(r, late))
		}
		if late {
			r.Attempt.Outcome = ""
		}
		attempts = append(attempts, r)
	}
	return attempts, chains
}

// lines is how a capture holds the records and the calls that they make.
func lines(records []exchange.Record) []capture.Line {
	var all []capture.Line
	attempts, chains := calls(records)
	for _, r := range attempts {
		all = append(all, capture.NewLine(r))
	}
	for _, c := range chains {
		all = append(all, read(capture.NewChainLine(c)))
	}
	return all
}

// chain is the call that r ended.
func chain(r exchange.Record, late bool) exchange.Chain {
	c := exchange.Chain{
		Late: late, ID: r.Attempt.Chain, Outcome: r.Attempt.Outcome, Start: r.Start.Add(-r.Attempt.Elapsed), Attempts: r.Attempt.Number,
		E2E: r.Attempt.Elapsed + r.E2E(), Last: r,
	}
	if r.TTFT() > 0 {
		c.TTFT = r.Attempt.Elapsed + r.TTFT()
	}
	return c
}

// read is l as a reader of the file gets it.
func read(l capture.ChainLine) capture.Line {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	for line, err := range capture.Read(bytes.NewReader(append(text, '\n'))) {
		if err != nil {
			panic(err)
		}
		return line
	}
	panic("no line")
}

func gathered(all []capture.Line, by ...report.By) *hindsight.Gatherer {
	g := hindsight.NewGatherer(by...)
	for _, l := range all {
		g.Add(l)
	}
	return g
}

func TestTablesAreTheGoldenOnes(t *testing.T) {
	all := lines(month(1, 3000))
	limits := gathered(all, report.ByOperation, report.ByModel).Limits()
	waits := hindsight.NewWaits(report.ByNothing)
	for _, l := range all {
		waits.Add(l)
	}
	timeouts := waits.Timeouts()
	var table bytes.Buffer
	if err := limits.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "limits.txt"), table.String())
	table.Reset()
	if err := timeouts.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "timeouts.txt"), table.String())
	for name, value := range map[string]any{"limits.json": limits, "timeouts.json": timeouts} {
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", name), string(text)+"\n")
	}
}

// The bounds of a quantile are order statistics, of ranks that tables of the binomial
// distribution have.
func TestIntervalsAreOrderStatistics(t *testing.T) {
	for _, tt := range []struct {
		n         int
		percent   float64
		low, high int // ranks; 0 is not bounded
	}{
		{10, 50, 2, 9},
		{100, 50, 40, 61},
		{100, 95, 90, 100},
		{367, 99, 359, 0},
		{368, 99, 360, 368},
		{5, 90, 3, 0},
		{2000, 99.9, 1995, 0},
	} {
		t.Run(fmt.Sprintf("%v of %d", tt.percent, tt.n), func(t *testing.T) {
			var all []capture.Line
			for n := range tt.n {
				all = append(all, capture.NewLine(whole(n, time.Duration(tt.n-n)*ms)))
			}
			least := met(t, gathered(all).Limits(), "e2e", tt.percent)
			check := func(name string, got *float64, rank int) {
				if rank == 0 && got != nil || rank > 0 && (got == nil || math.Abs(*got-float64(rank)/1000) > 1e-9) {
					t.Errorf("%s is %v, want rank %d", name, value(got), rank)
				}
			}
			check("low", least.Low, tt.low)
			check("high", least.High, tt.high)
		})
	}
}

func value(v *float64) any {
	if v == nil {
		return "unbounded"
	}
	return *v
}

// met is the limit that so many percent of the calls of the first group met.
func met(t *testing.T, l hindsight.Limits, indicator string, percent float64) *hindsight.Least {
	t.Helper()
	for _, c := range l.Groups[0].Curves {
		for _, m := range c.Met {
			if c.Indicator == indicator && m.Percent == percent {
				return m.Calls
			}
		}
	}
	t.Fatalf("no %v %% of %s", percent, indicator)
	return nil
}

// Failures are bad whatever the limit is, and a client that left early says nothing.
func TestCurvesCountAsAnSLODoes(t *testing.T) {
	all := lines([]exchange.Record{
		stream(1, 100*ms, 10*ms), stream(2, 200*ms, 10*ms), stream(3, 400*ms, 10*ms),
		refused(4), // bad
		ended(stream(5, 300*ms, 10*ms), exchange.ClientGone, 0, 150*ms), // bad for limits below 150 ms
	})
	g := gathered(all).Limits().Groups[0]
	if g.Calls != (hindsight.Events{Answered: 3, Failed: 1, Left: 1}) || g.Attempts != g.Calls {
		t.Errorf("calls %+v, attempts %+v", g.Calls, g.Attempts)
	}
	want := map[float64]float64{.1: 1. / 5, .15: 1. / 4, .2: 2. / 4, .35: 2. / 4, .5: 3. / 4}
	for _, c := range g.Curves {
		for _, p := range c.Points {
			if share, ok := want[p.Limit]; ok && c.Indicator == "ttft" {
				if *p.Calls != share || *p.Attempts != share {
					t.Errorf("at %v s %v of calls and %v of attempts, want %v", p.Limit, *p.Calls, *p.Attempts, share)
				}
				delete(want, p.Limit)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no points for %v", want)
	}
}

func TestWhatNothingHasIsUnjudged(t *testing.T) {
	g := gathered(lines([]exchange.Record{whole(1, 100*ms)})).Limits().Groups[0]
	for _, c := range g.Curves {
		if c.Indicator == "ttft" || c.Indicator == "stall" {
			t.Errorf("a curve of %s without streams", c.Indicator)
		}
	}
	if len(g.Unjudged) == 0 || g.Unjudged[0] != "ttft" {
		t.Errorf("unjudged %v", g.Unjudged)
	}
}

// A capture of 1 GB has about 1.2 million exchanges.
func TestGatherersKeepLittleOfALine(t *testing.T) {
	const n = 50_000
	line := capture.NewLine(stream(1, 100*ms, 10*ms))
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	g, w := hindsight.NewGatherer(report.ByModel), hindsight.NewWaits(report.ByNothing)
	for range n {
		g.Add(line)
		w.Add(line)
	}
	if each := (heap() - before) / n; each > 72 {
		t.Errorf("%d bytes an exchange, want 72 at most", each)
	}
	runtime.KeepAlive(g)
	runtime.KeepAlive(w)
}
