package watch_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// service is a simulated model server under virtual time, and the prompts for it.
type service struct {
	*testing.T
	sim    *modelsim.Server
	random *rand.Rand
}

func simulated(t *testing.T, change func(*modelsim.Config)) *service {
	c := modelsim.DefaultConfig()
	c.Jitter, c.MaxModelLen, c.MaxRunning = .3, 4096, 8
	change(&c)
	sim, err := modelsim.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return &service{t, sim, rand.New(rand.NewPCG(7, 8))}
}

// ask sends a cold prompt of some 400 tokens, and returns the exchange as the server knows it.
func (s *service) ask() exchange.Record {
	var words strings.Builder
	for range 400 {
		fmt.Fprintf(&words, " w%d", s.random.IntN(1e5))
	}
	body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":60,"messages":[{"role":"user","content":%q}]}`, model, words.String())
	answer := httptest.NewRecorder()
	s.sim.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
	x := s.sim.Exchanges(1)[0]
	if x.Outcome != modelsim.OutcomeOK || len(x.Chunks) < 2 {
		s.Fatalf("%+v: %s", x, answer.Body)
	}
	at := func(ns int64) time.Duration { return time.Duration(ns - x.ReceivedAt) }
	last := at(x.Chunks[len(x.Chunks)-1].At)
	r := exchange.Record{
		Start: time.Unix(0, x.ReceivedAt), Origin: exchange.Canary, Operation: exchange.Chat, Model: exchange.Model{Request: model, Response: x.Model},
		Stream: true, Status: 200, Outcome: exchange.OK,
		Timing: exchange.Timing{FirstChunk: at(x.FirstEventAt), FirstEvent: at(x.FirstEventAt), FirstToken: x.TTFT(), LastToken: last, End: at(x.EndAt)},
		Usage: exchange.Usage{Input: exchange.Known(int64(x.PromptTokens)), Output: exchange.Known(int64(x.OutputTokens)), Streamed: exchange.Known(int64(x.OutputTokens)),
			Source: exchange.Reported},
	}
	for _, c := range x.Chunks {
		r.Chunks.Add(exchange.Chunk{At: at(c.At), Tokens: c.Tokens, Bytes: 5 * c.Tokens})
	}
	return r
}

// loadTest asks so many times, one request behind the other, and makes a cell of that.
func (s *service) loadTest(requests int) baseline.Baseline {
	var ttft, tpot, e2e, input, output baseline.Sample
	for range requests {
		r := s.ask()
		ttft.Add(r.TTFT().Seconds())
		tpot.Add(r.TPOT().Seconds())
		e2e.Add(r.E2E().Seconds())
		input.Add(float64(r.Usage.Input.N))
		output.Add(float64(r.Usage.Output.N))
	}
	b := baseline.Baseline{Cells: []baseline.Cell{{
		Model: model, InputTokens: baseline.Length{Mean: input.Mean()}, OutputTokens: baseline.Length{Mean: output.Mean()},
		Load:   baseline.Load{Kind: baseline.Concurrency, Value: 1},
		Source: baseline.Source{Tool: "sim", File: "run.json"}, Requests: baseline.Requests{OK: requests},
		Indicators: map[baseline.Name]baseline.Indicator{
			baseline.TTFT: ttft.Indicator(baseline.Own(baseline.TTFT, baseline.Usage)),
			baseline.TPOT: tpot.Indicator(baseline.Own(baseline.TPOT, baseline.Usage)),
			baseline.E2E:  e2e.Indicator(baseline.Own(baseline.E2E, baseline.Usage)),
		},
	}}}
	b.Identify()
	return b
}

// probe has canaries come back until something holds, and returns how many times their
// interval that took.
func (s *service) probe(b *bench, atMost int, holds func() bool) (took time.Duration, held bool) {
	for n := range atMost {
		r := s.ask()
		b.ObserveRun(probe.Run{Probe: &b.probe, Outcome: probe.OK, At: r.Start, Via: probe.Sidecar, Load: 1, LoadSource: probe.ServerGauge, Record: r})
		time.Sleep(every)
		synctest.Wait()
		if holds() {
			return time.Duration(n+1) * every, true
		}
	}
	return 0, false
}

// A service that becomes slower by a quarter is noticed within the time that the detector
// promises for nine of ten changes.
func TestASlowerServiceIsNoticedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulated(t, func(*modelsim.Config) {})
		tested := s.loadTest(300)
		b := start(t, "", func(c *watch.Config) {
			c.Baseline = tested
			c.InFlight = func() []exchange.InFlight { return []exchange.InFlight{{Model: model, Requests: 1}} }
		})
		said := func() bool { return strings.Contains(b.log.String(), "slower than the load test") }
		if took, alarm := s.probe(b, 300, said); alarm {
			t.Fatalf("as tested, and yet after %s: %s", took, b.log)
		}
		rules, err := modelsim.ParseFaultRules("slow=1.25:1")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.sim.SetFaults(rules); err != nil {
			t.Fatal(err)
		}
		took, noticed := s.probe(b, 200, said)
		promised := promisedDelay(t, tested, 1.25)
		t.Logf("noticed after %s; promised %s on average, %s for nine of ten: %s", took, promised.Mean, promised.P90, b.log)
		if !noticed || took > promised.P90 {
			t.Errorf("noticed: %v after %s; promised %+v", noticed, took, promised)
		}
	})
}

// promisedDelay is that of the quickest indicator of a cell, under the settings of the test.
func promisedDelay(t *testing.T, tested baseline.Baseline, slowdown float64) drift.Delay {
	t.Helper()
	best := drift.Delay{P90: time.Hour * 1000}
	settings := unlearned()
	settings.Sharing = watch.SharingOf(tested, []probe.Probe{canaryProbe()}).Latencies
	c := tested.Cells[0]
	for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
		reference, err := drift.NewReference(c.Indicators[name], c.Requests)
		if err != nil {
			t.Fatal(err)
		}
		delay, err := reference.ExpectedDelay(settings, slowdown, 500, 1)
		if err != nil {
			t.Fatal(err)
		}
		if delay.P90 < best.P90 {
			best = delay
		}
	}
	return best
}

// The same name, and behind it a model that drafts tokens on quicker hardware.
func TestASwappedServiceIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := simulated(t, func(*modelsim.Config) {})
		after := simulated(t, func(c *modelsim.Config) { c.DraftTokens, c.DraftAcceptance, c.StepBase = 4, .9, 20*time.Millisecond })
		b := start(t, "", func(c *watch.Config) { c.Probes[0].Baseline = "" })
		said := func() bool { return strings.Contains(b.log.String(), "Something about gpt-x changed") }
		if took, alarm := before.probe(b, 400, said); alarm {
			t.Fatalf("nothing changed, and yet after %s: %s", took, b.log)
		}
		swapped := time.Now()
		took, noticed := after.probe(b, 60, said)
		after.probe(b, 60, func() bool { return false })
		all := b.Changes(time.Now())
		if !noticed || took > 10*time.Minute || len(all) != 1 {
			t.Fatalf("noticed: %v after %s; %+v", noticed, took, all)
		}
		t.Logf("noticed after %s: %s", took, all[0].Sentence)
		if off := all[0].Since.Sub(swapped).Abs(); off > 5*time.Minute {
			t.Errorf("dated %s off", off)
		}
		for _, want := range []string{"tokens per chunk 1.0 → ", "ms per token −"} {
			if !strings.Contains(all[0].Sentence, want) {
				t.Errorf("%s; want %q", all[0].Sentence, want)
			}
		}
	})
}
