package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/probe/watch"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// demoLoad is a load test of the demo's model server under the demo's application. It runs
// in virtual time: the model server's own clock measures, and no other program disturbs it.
type demoLoad struct {
	sim      *modelsim.Server
	open     atomic.Int64
	requests sync.WaitGroup

	mu      sync.Mutex
	lengths map[int]*measured // by tokens of the prompt that were asked for
	loads   baseline.Sample   // requests in flight that its own met, each itself included
}

// measured are the requests of one length.
type measured struct {
	input, output, ttft, tpot, e2e baseline.Sample
	failed                         int
}

// The lengths of the demo's canaries, in tokens. All answers in the load test have theirs.
const demoInput, demoOutput = 1024, 64

// demoObjective is the share of good requests that the demo's SLO promises. headway says how much
// load keeps an SLO where a load test has that percentile.
const demoObjective = .97

// RoundTrip brings a request of the application to the model server.
func (l *demoLoad) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	l.open.Add(1)
	defer l.open.Add(-1)
	defer func() {
		if recover() != nil {
			err = errors.New("the model server cut the connection")
		}
	}()
	w := httptest.NewRecorder()
	l.sim.Handler().ServeHTTP(w, r)
	return w.Result(), nil
}

// ask sends a prompt that no cache has, of so many tokens, and measures the answer.
func (l *demoLoad) ask(number, tokens int, random *rand.Rand) {
	load := float64(l.open.Add(1))
	defer l.open.Add(-1)
	var words strings.Builder
	for range tokens {
		words.WriteString([]string{" slow", " fast", " small", " large", " steady", " shared", " first", " last"}[random.IntN(8)])
	}
	body := fmt.Sprintf(`{"model":"sim-medium","stream":true,"stream_options":{"include_usage":true},"max_tokens":%d,"messages":[{"role":"user","content":%q}]}`, demoOutput, words.String())
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	span := fmt.Sprintf("%016x", number)
	r.Header.Set("Traceparent", "00-"+strings.Repeat("1", 32)+"-"+span+"-00")
	func() {
		defer func() { _ = recover() }() // the fault cut
		l.sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}()
	x, known := l.sim.ExchangeOf(span)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loads.Add(load)
	m := l.lengths[tokens]
	if m == nil {
		m = &measured{}
		l.lengths[tokens] = m
	}
	if !known || x.Outcome != modelsim.OutcomeOK {
		m.failed++
		return
	}
	m.input.Add(float64(x.PromptTokens))
	m.output.Add(float64(x.OutputTokens))
	m.ttft.Add(x.TTFT().Seconds())
	m.tpot.Add(x.TPOT().Seconds())
	m.e2e.Add(time.Duration(x.EndAt - x.ReceivedAt).Seconds())
}

// runDemoLoad sends the prompts of next, one in two seconds, while the application sends rps
// requests a second. It returns a cell for each length.
func runDemoLoad(t *testing.T, rps float64, faults []modelsim.FaultRule, requests int, next func(*rand.Rand) int) (cells []baseline.Cell) {
	synctest.Test(t, func(t *testing.T) {
		c := demoModel(demoOptions{rps: rps, seed: 2})
		c.Faults, c.RequestsPerMinute = faults, 0
		sim, err := modelsim.New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sim.Close() }()
		l := &demoLoad{sim: sim, lengths: map[int]*measured{}}
		application := demoTraffic(demoOptions{rps: rps, seed: 2}, "sim")
		application.Transport, application.LeaveShare = l, 0
		ctx, stop := context.WithCancel(t.Context())
		l.requests.Go(func() { application.Run(ctx) })
		time.Sleep(10 * time.Second) // until the usual number of requests is in flight
		random := rand.New(rand.NewPCG(3, 4))
		for n := range requests {
			tokens, own := next(random), rand.New(rand.NewPCG(5, uint64(n)))
			l.requests.Go(func() { l.ask(n+1, tokens, own) })
			time.Sleep(time.Duration((1 + 2*random.Float64()) * float64(time.Second)))
		}
		stop()
		l.requests.Wait()
		cells = l.cells(rps)
	})
	return cells
}

func (l *demoLoad) cells(rps float64) (cells []baseline.Cell) {
	for _, tokens := range demoLengths() {
		m := l.lengths[tokens]
		if m == nil {
			continue
		}
		c := baseline.Cell{
			Model: "sim-medium", InputTokens: baseline.Length{Mean: m.input.Mean()}, OutputTokens: baseline.Length{Mean: m.output.Mean()},
			Load: baseline.Load{Kind: baseline.Rate, Value: rps, MeanConcurrency: new(l.loads.Mean())}, Stream: new(true),
			Source:     baseline.Source{Tool: "headway demo", File: "demoload_test.go"},
			Requests:   baseline.Requests{OK: m.ttft.Count(), Failed: new(m.failed)},
			Indicators: map[baseline.Name]baseline.Indicator{},
		}
		for name, s := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &m.ttft, baseline.TPOT: &m.tpot, baseline.E2E: &m.e2e} {
			indicator := s.Indicator(baseline.Own(name, baseline.Usage), demoObjective)
			indicator.Values = nil // the file stays small, and quantiles are all that detectors read
			c.Indicators[name] = indicator
		}
		cells = append(cells, c)
	}
	return cells
}

// demoLengths are those of prompts, in tokens. Most requests have that of the canaries.
func demoLengths() []int { return []int{64, 256, demoInput, 4096} }

// someLength is the length of the canaries in most requests.
func someLength(random *rand.Rand) int {
	if random.IntN(4) > 0 {
		return demoInput
	}
	return demoLengths()[random.IntN(4)]
}

// The file is written anew by: go test ./cmd/headway -run DemoLoadTest -update
func TestDemoLoadTestHasTheCanariesCell(t *testing.T) {
	if golden.Updating() {
		b := baseline.Baseline{Schema: baseline.Schema}
		for _, rps := range []float64{1, 3, 6, 10, 15} {
			b.Cells = append(b.Cells, runDemoLoad(t, rps, demoModel(demoOptions{}).Faults, 600, someLength)...)
		}
		b.Identify()
		var text bytes.Buffer
		if err := baseline.Write(&text, b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("demo.baseline.json", text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	c, err := anyPort().config("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if p := &c.Probes.List[0]; demoCell(t).Requests.OK < 300 || p.Shape.Input != demoInput || p.Shape.Output != demoOutput {
		t.Errorf("the canaries are %+v", p)
	}
}

// demoCell is the cell of the demo's canaries under the demo's usual load.
func demoCell(t *testing.T) *baseline.Cell {
	t.Helper()
	b, err := baseline.Read(bytes.NewReader(demoBaseline))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Cells {
		if c := &b.Cells[i]; c.Load.Value == 6 && math.Abs(c.InputTokens.Mean-demoInput) < 10 {
			return c
		}
	}
	t.Fatal("there is no such cell")
	return nil
}

// The model server of the demo is as fast as the file says, and a slower one is not: by its
// own clock, within the margin of the detectors.
func TestDemoIsAsFastAsItsLoadTest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults string
		within bool
	}{
		{"without faults", "", true},
		{"with those of a new demo", demoFaults, true},
		{"slower by a quarter", "slow=1.25:1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			faults, err := modelsim.ParseFaultRules(tt.faults)
			if err != nil {
				t.Fatal(err)
			}
			cells := runDemoLoad(t, 6, faults, 60, func(*rand.Rand) int { return demoInput })
			margin := drift.Defaults(time.Second).Margin
			for name, of := range demoCell(t).Indicators {
				tested, _ := of.Quantiles.At(.5)
				median, _ := cells[0].Indicators[name].Quantiles.At(.5)
				if ratio := median / tested; (ratio > 1-margin && ratio < 1+margin) != tt.within {
					t.Errorf("%s is %.3f × the load test", name, ratio)
				} else {
					t.Logf("%s is %.3f × the load test", name, ratio)
				}
			}
		})
	}
}

// docs/canaries.md has the table of what the detectors expect for the demo's canaries.
func TestDemoNoticesAsSoonAsTheDocsSay(t *testing.T) {
	c, err := anyPort().config("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	settings, cell := c.Drift, demoCell(t)
	settings.Every = c.Probes.List[0].Every
	settings.Sharing = watch.SharingOf(c.Tested.Baseline, c.Probes.List).Latencies
	var table strings.Builder
	table.WriteString("| the model server is slower by | TTFT | TPOT | E2E |\n| --- | --- | --- | --- |\n")
	for _, slowdown := range []float64{1.25, 2} {
		fmt.Fprintf(&table, "| %.0f %%", (slowdown-1)*100)
		for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
			reference, err := drift.NewReference(cell.Indicators[name], cell.Requests)
			if err != nil {
				t.Fatal(err)
			}
			d, err := reference.ExpectedDelay(settings, slowdown, 400, 1)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&table, " | %.0f s (%.0f)", d.Mean.Seconds(), d.P90.Seconds())
		}
		table.WriteString(" |\n")
	}
	page, err := os.ReadFile("../../docs/canaries.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("the page does not have\n%s", &table)
	}
}
