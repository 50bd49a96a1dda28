package drift_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// cell is a cell with a median TTFT and TPOT in seconds.
func cell(load, input, output, ttft, tpot float64) baseline.Cell {
	indicators := map[baseline.Name]baseline.Indicator{}
	for name, median := range map[baseline.Name]float64{baseline.TTFT: ttft, baseline.TPOT: tpot} {
		if median > 0 {
			indicators[name] = indicator(.5, median)
		}
	}
	return baseline.Cell{
		ID:          fmt.Sprintf("%v × %v at %v", input, output, load),
		InputTokens: baseline.Length{Mean: input}, OutputTokens: baseline.Length{Mean: output},
		Load: baseline.Load{Kind: baseline.Concurrency, Value: load}, Indicators: indicators,
	}
}

func model(t testing.TB, cells ...baseline.Cell) *drift.Model {
	t.Helper()
	m, err := drift.NewModel(cells)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func grid(t testing.TB) *drift.Model {
	return model(t,
		cell(1, 1000, 200, .200, .010), cell(1, 3000, 200, .400, .012),
		cell(4, 1000, 200, .400, .020), cell(4, 3000, 200, .800, .024))
}

func TestPredictions(t *testing.T) {
	m := grid(t)
	for _, test := range []struct {
		name    string
		request drift.Request
		predict func(drift.Request) (float64, error)
		want    float64
	}{
		{"a tested cell", drift.Request{Prompt: 3000, Load: 4}, m.TTFT, .8},
		{"between two lengths", drift.Request{Prompt: 2000, Load: 1}, m.TTFT, .3},
		{"between two loads", drift.Request{Prompt: 1000, Load: 2.5}, m.TTFT, math.Sqrt(.2 * .4)},
		{"shorter than tested", drift.Request{Prompt: 500, Load: 1}, m.TTFT, .15},
		{"cached tokens are not read", drift.Request{Prompt: 9000, Cached: 8000, Load: 1}, m.TTFT, .2},
		{"a prompt all cached", drift.Request{Prompt: 900, Cached: 900, Load: 1}, m.TTFT, .1},
		{"less load than tested", drift.Request{Prompt: 1000, Load: .2}, m.TTFT, .2},
		{"TPOT by the context, half of the answer in it", drift.Request{Prompt: 1900, Output: 400, Load: 1}, m.TPOT, .011},
		{"E2E", drift.Request{Prompt: 1000, Output: 200, Load: 4}, m.E2E, .4 + 199*.020},
		{"E2E of one token", drift.Request{Prompt: 1000, Output: 1, Load: 4}, m.E2E, .4},
	} {
		if got, err := test.predict(test.request); err != nil || math.Abs(got/test.want-1) > 1e-9 {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}

func TestNoPredictionOutsideTheTestedRange(t *testing.T) {
	m, alone := grid(t), model(t, cell(1, 1000, 200, .2, 0))
	for _, test := range []struct {
		name    string
		predict func(drift.Request) (float64, error)
		request drift.Request
		want    string
	}{
		{"a longer prompt", m.TTFT, drift.Request{Prompt: 20_000, Load: 1}, "20000 tokens, and 1000 to 3000 in the load test with 1 requests in flight"},
		{"more load", m.TTFT, drift.Request{Prompt: 1000, Load: 5}, "5 requests in flight, and at most 4 in the load test"},
		{"an unknown load", m.TTFT, drift.Request{Prompt: 1000, Load: math.NaN()}, "NaN requests in flight"},
		{"a single length", alone.TTFT, drift.Request{Prompt: 800, Load: 1}, "800 tokens, and 1000 to 1000"},
		{"an indicator that nobody measured", alone.TPOT, drift.Request{Prompt: 1000, Load: 1}, "tpot: outside the tested range: no cell has a median"},
		{"E2E without a TPOT", alone.E2E, drift.Request{Prompt: 1000, Output: 10, Load: 1}, "tpot: outside"},
	} {
		if _, err := test.predict(test.request); !errors.Is(err, drift.ErrOutside) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if got, err := alone.TTFT(drift.Request{Prompt: 950, Load: 1}); err != nil || got != .2 {
		t.Errorf("within 10 %% of a single length: %v, %v; want 0.2", got, err)
	}
}

func TestModelRefusesCellsThatDoNotGoTogether(t *testing.T) {
	other := cell(4, 3000, 200, .8, 0)
	of := other.Indicators[baseline.TTFT]
	of.Definition.Stop = baseline.FirstEvent
	other.Indicators[baseline.TTFT] = of
	_, err := drift.NewModel([]baseline.Cell{cell(1, 1000, 200, .2, 0), other})
	if err == nil || !strings.Contains(err.Error(), "another definition") {
		t.Errorf("two definitions: %v", err)
	}
	open := cell(0, 1000, 200, .2, 0)
	open.Load = baseline.Load{Kind: baseline.Rate, Value: 3}
	if _, err := drift.NewModel([]baseline.Cell{open}); err == nil || !strings.Contains(err.Error(), "no cell has") {
		t.Errorf("a rate without requests in flight: %v", err)
	}
}

// A service that is linear in the tokens, tested at four lengths, must find half of its
// ordinary requests above the prediction. 8 % of them are shorter than any tested length.
func TestHalfOfHealthyProductionIsAboveThePrediction(t *testing.T) {
	truth := func(tokens float64) float64 { return .12 + .00018*tokens }
	var cells []baseline.Cell
	for _, tokens := range []float64{256, 1024, 4096, 16384} {
		cells = append(cells, cell(8, tokens, 100, truth(tokens), 0))
	}
	m := model(t, cells...)
	random := rand.New(rand.NewPCG(seed, 9))
	above, all := 0, 0
	for range 20_000 {
		prompt := 900 * math.Exp(.9*random.NormFloat64())
		predicted, err := m.TTFT(drift.Request{Prompt: int(prompt), Load: 8})
		if err != nil {
			continue
		}
		all++
		if truth(prompt)*math.Exp(.2*random.NormFloat64()) > predicted {
			above++
		}
	}
	if share := float64(above) / float64(all); math.Abs(share-.5) > .015 || all < 19_900 {
		t.Errorf("%.1f %% of %d requests above, want 50 ± 1.5 %% of 19,900 or more", 100*share, all)
	}
}
