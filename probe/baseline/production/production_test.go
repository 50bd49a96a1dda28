package production_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
)

var began = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// answered is a stream of the model m, with TTFT 0.2 s, TPOT 20 ms and E2E 3 s, each times
// slow.
func answered(after time.Duration, input, output int64, slow float64) capture.Line {
	return capture.Line{
		V: 1, Start: began.Add(after), Origin: "app", Operation: "chat", Model: capture.Model{Request: "m"}, Stream: true, Outcome: "ok",
		FirstByte: .18 * slow, FirstEvent: .1 * slow, TTFT: .2 * slow, TPOT: .02 * slow, LastToken: 2.9 * slow, E2E: 3 * slow,
		Tokens: capture.Tokens{Input: &input, Output: &output, Source: "reported"},
	}
}

// spread is how much longer than the median the request of each rank takes.
func spread(rank, of int) float64 {
	return math.Exp(.3 * math.Sqrt2 * math.Erfinv(2*(float64(rank)+.5)/float64(of)-1))
}

// load is so many requests a cell, one behind the other, each with so many in flight.
func load(inFlight, requests int, input, output int64, slow float64) (out []capture.Line) {
	for n := range requests {
		for range inFlight {
			out = append(out, answered(time.Duration(n)*time.Minute, input, output, slow*spread(n, requests)))
		}
	}
	return out
}

func definition(name baseline.Name) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.Usage
	case baseline.E2E:
		d.Stop = baseline.EndOfBody
	}
	return d
}

// tested is a cell with answers of 100 tokens, whose load test found the times of answered,
// with a spread.
func tested(input, inFlight float64) baseline.Cell {
	c := baseline.Cell{
		Model: "m", InputTokens: baseline.Length{Mean: input}, OutputTokens: baseline.Length{Mean: 100},
		Load:   baseline.Load{Kind: baseline.Concurrency, Value: inFlight},
		Source: baseline.Source{Tool: "vllm", File: "run.json"}, Requests: baseline.Requests{OK: 1000},
		Indicators: map[baseline.Name]baseline.Indicator{},
	}
	for name, median := range map[baseline.Name]float64{baseline.TTFT: .2, baseline.TPOT: .02, baseline.E2E: 3} {
		var s baseline.Sample
		for n := range 1000 {
			s.Add(median * spread(n, 1000))
		}
		c.Indicators[name] = s.Indicator(definition(name))
	}
	c.ID = c.Name()
	return c
}

func against(lines []capture.Line, cells ...baseline.Cell) production.Comparison {
	b := baseline.Baseline{Cells: cells}
	b.Identify()
	g := production.NewGatherer(b, nil)
	for _, l := range lines {
		g.Add(l)
	}
	return g.Comparison()
}

// change finds the comparison of an indicator: of its median, or of a whole.
func change(t *testing.T, c production.Cell, name baseline.Name) baseline.Change {
	t.Helper()
	for _, one := range c.Changes {
		if one.Indicator == name && one.Quantile < .9 {
			return one
		}
	}
	t.Fatalf("no comparison of %s in %+v", name, c)
	return baseline.Change{}
}

func TestProductionIsHeldAgainstTheCellOfItsLengthsAndLoad(t *testing.T) {
	lines := append(load(4, 300, 1000, 100, 1), load(8, 300, 1000, 100, 1.5)...)
	for i := range lines[1200:] {
		lines[1200+i].Start = lines[1200+i].Start.Add(24 * time.Hour)
	}
	c := against(lines, tested(1000, 4), tested(1000, 8), tested(4000, 4))
	if len(c.Cells) != 2 || c.Requests.Compared != 3600 || c.Requests.Outside.All() != 0 || len(c.Untouched) != 1 {
		t.Fatalf("%+v", c)
	}
	for i, want := range []struct {
		inFlight float64
		ratio    float64
		verdict  baseline.Verdict
	}{{4, 1, baseline.Same}, {8, 1.5, baseline.Slower}} {
		cell := c.Cells[i]
		if cell.InFlight.Production != want.inFlight || cell.Requests != 300*int(want.inFlight) {
			t.Errorf("cell %s has %d requests, %v in flight", cell.ID, cell.Requests, cell.InFlight)
		}
		for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
			if got := change(t, cell, name); math.Abs(got.Ratio-want.ratio) > .01 || got.Verdict != want.verdict {
				t.Errorf("%s of %s: %+v, want %v and %v", name, cell.ID, got, want.ratio, want.verdict)
			}
		}
	}
}

func TestEachRequestCountsAtOnePlace(t *testing.T) {
	failed := answered(0, 1000, 100, 1)
	failed.Outcome = "upstream_cut"
	uncounted := answered(0, 1000, 100, 1)
	uncounted.Tokens = capture.Tokens{}
	estimate := answered(0, 1000, 100, 1)
	estimate.Tokens.InputSource = "estimated"
	canary := answered(0, 1000, 100, 1)
	canary.Origin = "canary"
	foreign := answered(0, 1000, 100, 1)
	foreign.Model = capture.Model{Request: "n", Response: "n-1"}
	dated := answered(0, 1000, 100, 1)
	dated.Model = capture.Model{Request: "alias", Response: "m"}
	cached := answered(0, 9000, 100, 1)
	cached.Tokens.CacheRead = new(int64(8000))
	for _, tt := range []struct {
		name  string
		lines []capture.Line
		want  production.Requests
		left  int
	}{
		{"in the cell", load(4, 1, 1000, 100, 1), production.Requests{Compared: 4}, 0},
		{"lengths a quarter off", load(4, 1, 1250, 80, 1), production.Requests{Compared: 4}, 0},
		{"a longer prompt", load(4, 1, 1260, 100, 1), production.Requests{Outside: production.Outside{Lengths: 4}}, 0},
		{"a shorter answer", load(4, 1, 1000, 79, 1), production.Requests{Outside: production.Outside{Lengths: 4}}, 0},
		{"half as many in flight again", load(6, 1, 1000, 100, 1), production.Requests{Compared: 6}, 0},
		{"between the loads", load(10, 1, 1000, 100, 1), production.Requests{Outside: production.Outside{Between: 10}}, 0},
		{"more than was tested", load(33, 1, 1000, 100, 1), production.Requests{Outside: production.Outside{Above: 33}}, 0},
		{"fewer than were tested", load(1, 2, 1000, 100, 1), production.Requests{Outside: production.Outside{Below: 2}}, 0},
		{"a prompt of which most was cached", []capture.Line{cached, cached, cached}, production.Requests{Compared: 3}, 0},
		{"a failed one is in flight too", append(load(3, 1, 1000, 100, 1), failed), production.Requests{Compared: 3, Failed: 1}, 0},
		{"tokens that nobody counted", []capture.Line{uncounted, estimate}, production.Requests{Uncounted: 2}, 0},
		{"a canary", []capture.Line{canary}, production.Requests{}, 1},
		{"another model", []capture.Line{foreign}, production.Requests{}, 0},
		{"the model that answered", []capture.Line{dated, dated, dated}, production.Requests{Compared: 3}, 0},
		{"a call", []capture.Line{{V: 1, Kind: capture.KindChain, Call: &capture.Call{}}}, production.Requests{}, 0},
		{"nothing", nil, production.Requests{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := against(tt.lines, tested(1000, 4), tested(1000, 32))
			if c.Requests != tt.want || c.Canaries != tt.left {
				t.Errorf("%+v, canaries %d; want %+v", c.Requests, c.Canaries, tt.want)
			}
		})
	}
}

func TestATimeIsReadByTheDefinitionOfTheLoadTest(t *testing.T) {
	lines := load(4, 100, 1000, 100, 1)
	for _, tt := range []struct {
		name      string
		indicator baseline.Name
		change    func(*baseline.Definition)
		after     float64 // the median; 0: not compared
		why       string
	}{
		{"TTFT until the first content", baseline.TTFT, func(*baseline.Definition) {}, .2, ""},
		{"TTFT until the first event", baseline.TTFT, func(d *baseline.Definition) { d.Stop = baseline.FirstEvent }, .1, ""},
		{"TTFT until nobody knows what", baseline.TTFT, func(d *baseline.Definition) { d.Stop = baseline.Unsaid }, 0, "does not say where its clock stops"},
		{"E2E until the last content", baseline.E2E, func(d *baseline.Definition) { d.Stop = baseline.LastContent }, 2.9, ""},
		{"E2E over windows", baseline.E2E, func(d *baseline.Definition) { d.Over = baseline.WindowAvg }, 0, "stands for a window"},
		{"TPOT by tokens of the usage", baseline.TPOT, func(*baseline.Definition) {}, .02, ""},
		{"TPOT by lines", baseline.TPOT, func(d *baseline.Definition) { d.Tokens = baseline.DataLines }, 0, "the load test divided by data_lines"},
		{"TPOT with the first token in it", baseline.TPOT, func(d *baseline.Definition) { d.Start = baseline.Sending }, 0, "from sending to last_content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cell := tested(1000, 4)
			in := cell.Indicators[tt.indicator]
			tt.change(&in.Definition)
			cell.Indicators[tt.indicator] = in
			got := change(t, against(lines, cell).Cells[0], tt.indicator)
			if math.Abs(got.After-tt.after) > .01*tt.after || !strings.Contains(got.Why, tt.why) || (got.Verdict == baseline.Incomparable) != (tt.after == 0) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTokensThatHeadwayCountedGiveNoTPOT(t *testing.T) {
	lines := load(4, 100, 1000, 100, 1)
	for i := range lines {
		lines[i].Tokens.Source = "counted"
	}
	if got := change(t, against(lines, tested(1000, 4)).Cells[0], baseline.TPOT); got.Verdict != baseline.Incomparable || got.Why != "no request of the capture has it" {
		t.Errorf("%+v", got)
	}
}

func TestOnlyRequestsOfTheCellsKindAreCompared(t *testing.T) {
	lines := load(4, 100, 1000, 100, 1)
	for i := range lines {
		if i%2 == 0 {
			lines[i].Stream, lines[i].TTFT, lines[i].TPOT, lines[i].E2E = false, 0, 0, 9
		}
	}
	cell := tested(1000, 4)
	cell.Stream = new(true)
	if got := change(t, against(lines, cell).Cells[0], baseline.E2E); got.After > 4 {
		t.Errorf("answers in one piece are among the streams: %+v", got)
	}
}

func TestARequestBelongsToOneCellOfEachTool(t *testing.T) {
	other, rate := tested(1010, 4), tested(1000, 1)
	other.Source.Tool = "guidellm"
	rate.Load = baseline.Load{Kind: baseline.Rate, Value: 2, MeanConcurrency: new(3.)}
	burst := tested(1000, 1)
	burst.Load = baseline.Load{Kind: baseline.Unlimited}
	c := against(load(4, 100, 1000, 100, 1), tested(1000, 4), other, rate, burst)
	if len(c.Cells) != 3 || len(c.NoLoad) != 1 || c.Requests.Compared != 400 {
		t.Fatalf("%+v", c)
	}
	for _, one := range c.Cells {
		if one.Requests != 400 || one.InFlight.Tested != 4 {
			t.Errorf("%+v", one)
		}
	}
}

func TestTheTableSaysWhatItLeavesOut(t *testing.T) {
	stray := load(4, 20, 9000, 100, 1)
	for i := range stray {
		stray[i].Start = stray[i].Start.Add(48 * time.Hour)
	}
	foreign := answered(0, 1000, 100, 1)
	foreign.Model.Request = "n\x1b[31m"
	cell := tested(1000, 4)
	for name, set := range map[baseline.Name]func(*baseline.Definition){
		baseline.TTFT: func(d *baseline.Definition) { d.Connect = baseline.ConnectIn },
		baseline.E2E:  func(d *baseline.Definition) { d.Over = baseline.WindowAvg },
	} {
		in := cell.Indicators[name]
		set(&in.Definition)
		cell.Indicators[name] = in
	}
	c := against(append(append(load(4, 300, 1000, 100, 1.3), stray...), foreign), cell, tested(1000, 32))
	var out strings.Builder
	if err := c.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"m/in1000/out100/c4  1200      4.0 (4.0)           1000.0 (1000.0)     100.0 (100.0)\n",
		"Before is the load test, after is production (2026-11-21 10:00:00 UTC to 2026-11-23 10:19:05 UTC).\n",
		" 200.0        260.0       1.300 ",
		"Answered requests that belong to a cell: 1200 of 1280.\nOutside the tested range, lengths that no cell has: 80.\n",
		`Left out, of the model "n\x1b[31m", which the baseline has not: 1.`,
		"\nttft: the load test opened a connection for each request, and that time is in;",
		"\ne2e: not compared, one value of the load test stands for a window, and one of a capture for a request.\n",
		"\nCells without a request: m/in1000/out100/c32.\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "incomparable") {
		t.Errorf("an indicator that nobody can compare has a row:\n%s", &out)
	}
}

func TestNamesCannotCommandATerminal(t *testing.T) {
	cell := tested(1000, 4)
	cell.Model = "m\x1b[31m"
	line := answered(0, 1000, 100, 1)
	line.Model.Request = cell.Model
	c := against([]capture.Line{line, line, line}, cell)
	c.Cells[0].Changes = nil // which package baseline prints
	var out strings.Builder
	if err := c.WriteTable(&out); err != nil || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v: %q", err, out.String())
	}
}
