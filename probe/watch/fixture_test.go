package watch_test

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	model  = "gpt-x"
	every  = 30 * time.Second
	spread = 0.2 // standard deviation of ln latency
)

// cell is what a load test found with so many requests in flight: median TTFT and TPOT in
// seconds. Answers have 100 tokens.
func cell(input, load int, ttft, tpot float64) baseline.Cell {
	const output = 100
	c := baseline.Cell{
		Model: model, InputTokens: baseline.Length{Mean: float64(input)}, OutputTokens: baseline.Length{Mean: output},
		Load:   baseline.Load{Kind: baseline.Concurrency, Value: float64(load)},
		Source: baseline.Source{Tool: "vllm", File: "run.json"}, Requests: baseline.Requests{OK: 2000}, Stream: new(true),
		Indicators: map[baseline.Name]baseline.Indicator{},
	}
	for name, of := range map[baseline.Name]struct {
		start, stop baseline.Edge
		median      float64
	}{
		baseline.TTFT: {baseline.Sent, baseline.FirstContent, ttft},
		baseline.TPOT: {baseline.FirstContent, baseline.LastContent, tpot},
		baseline.E2E:  {baseline.Sent, baseline.LastContent, ttft + tpot*(output-1)},
	} {
		i := baseline.Indicator{
			Definition: baseline.Definition{Start: of.start, Stop: of.stop, Over: baseline.Request, Connect: baseline.ConnectOut, Tokens: baseline.Usage, Percentiles: baseline.Linear},
			Count:      new(2000),
		}
		for _, p := range []float64{.5, .75, .9, .95, .99} {
			i.Quantiles.Set(p, of.median*math.Exp(spread*math.Sqrt2*math.Erfinv(2*p-1)))
		}
		c.Indicators[name] = i
	}
	c.ID = c.Name()
	return c
}

// tested is a load test of two lengths under two loads: each token of the prompt takes 0.2 ms.
func tested() baseline.Baseline {
	return baseline.Baseline{Schema: baseline.Schema, Cells: []baseline.Cell{
		cell(500, 4, .2, .02), cell(2000, 4, .5, .02),
		cell(500, 16, .4, .03), cell(2000, 16, 1, .03),
	}}
}

// canaryProbe is a probe beside the nearest cell.
func canaryProbe() probe.Probe {
	return probe.Probe{Name: "chat", URL: "https://api.example.com", Dialect: "openai-chat", Model: model, Via: probe.Sidecar,
		Shape: probe.Shape{Input: 500, Output: 100}, Cache: probe.Cold, Every: every, Baseline: probe.Auto}
}

// answer is an exchange of so many tokens, as the load test would have measured it.
type answer struct {
	input, output, chunks int
	ttft, tpot            float64 // seconds
	characters            int
	reasoning             int // tokens of output
}

func ordinary() answer {
	return answer{input: 500, output: 100, chunks: 100, ttft: .2, tpot: .02, characters: 400}
}

// record makes an exchange that ends now. Its latencies vary as those of the load test.
func (a answer) record(random *rand.Rand) exchange.Record {
	vary := func(x float64) time.Duration {
		return time.Duration(x * math.Exp(spread*random.NormFloat64()) * float64(time.Second))
	}
	ttft := vary(a.ttft)
	last := ttft + vary(a.tpot)*time.Duration(a.output-1)
	r := exchange.Record{
		Start: time.Now().Add(-last), Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit, Dialect: "openai-chat",
		Operation: exchange.Chat, Model: exchange.Model{Request: model, Response: model + "-0613"}, Stream: true, Status: 200, Outcome: exchange.OK,
		Timing: exchange.Timing{FirstChunk: ttft, FirstEvent: ttft, FirstToken: ttft, LastToken: last, LastChunk: last, End: last},
		Usage: exchange.Usage{Input: exchange.Known(int64(a.input)), Output: exchange.Known(int64(a.output)), Streamed: exchange.Known(int64(a.output)),
			Reasoning: exchange.Known(int64(a.reasoning)), Source: exchange.Reported},
	}
	for i := range a.chunks {
		at := ttft + (last-ttft)*time.Duration(i)/time.Duration(max(1, a.chunks-1))
		r.Chunks.Add(exchange.Chunk{At: at, Bytes: a.characters / a.chunks})
	}
	return r
}

// bench is a Watch that runs, and what it logs.
type bench struct {
	*watch.Watch
	*testing.T
	random *rand.Rand
	log    *notes
	probe  probe.Probe
	stop   func()
}

// start runs a Watch in a synctest bubble until stop or the end of the test.
func start(t *testing.T, path string, change ...func(*watch.Config)) *bench {
	log := &notes{}
	c := watch.Config{
		Baseline: tested(), Probes: []probe.Probe{canaryProbe()}, Settings: unlearned(), Log: slog.New(slog.NewTextHandler(log, nil)),
		InFlight: func() []exchange.InFlight { return []exchange.InFlight{{Model: model, Requests: 4}} },
	}
	for _, f := range change {
		f(&c)
	}
	b := &bench{Watch: watch.New(c), T: t, random: rand.New(rand.NewPCG(1, 2)), log: log, probe: canaryProbe()}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		b.Watch.Run(ctx, path)
		close(over)
	}()
	b.stop = func() {
		cancel()
		<-over
	}
	t.Cleanup(b.stop)
	return b
}

func unlearned() drift.Settings {
	s := drift.Defaults(every)
	s.Learn = 0
	return s
}

// canary has a canary come back, and waits for the next one's time.
func (b *bench) canary(a answer, load float64) {
	r := a.record(b.random)
	r.Origin = exchange.Canary
	b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, At: r.Start, Via: probe.Sidecar, Load: load, LoadSource: probe.ServerGauge, Record: r})
	time.Sleep(every)
	synctest.Wait()
}

// until sends canaries until something holds, and returns the time that it took.
func (b *bench) until(a answer, holds func() bool) time.Duration {
	began := time.Now()
	for range 4000 {
		b.canary(a, 4)
		if holds() {
			return time.Since(began)
		}
	}
	b.Fatalf("it never held; %+v", b.Findings(time.Now()))
	return 0
}

// finding is the one of a source and an indicator.
func (b *bench) finding(source watch.Source, indicator string) watch.Finding {
	b.Helper()
	time.Sleep(time.Second) // a Watch tells no oftener
	synctest.Wait()
	for _, f := range b.Findings(time.Now()) {
		if f.Source == source && f.Indicator == indicator {
			return f
		}
	}
	b.Fatalf("no finding of %s %s", source, indicator)
	return watch.Finding{}
}

// slower is the answer with a factor on its times.
func (a answer) slower(factor float64) answer {
	a.ttft, a.tpot = a.ttft*factor, a.tpot*factor
	return a
}

// notes keeps a log.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}
