package baseline_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// tested are cells of a workload, each with its load, its throughput and its TTFT.
func tested(points ...[3]float64) baseline.Baseline {
	var cells []baseline.Cell
	for _, p := range points {
		c := measured(p[2], p[0], 2000, uint64(p[0]))
		c.Throughput.OutputTokens, c.Throughput.Requests = new(p[1]), new(p[1]/128)
		cells = append(cells, c)
	}
	return file(cells...)
}

// loaded are such cells whose median is the TTFT to the last digit.
func loaded(points ...[3]float64) baseline.Baseline {
	b := tested(points...)
	for i, p := range points {
		in := b.Cells[i].Indicators[baseline.TTFT]
		in.Quantiles.Set(.5, p[2])
		b.Cells[i].Indicators[baseline.TTFT] = in
	}
	return b
}

// sweep is a workload under five loads, with a knee at 16.
func sweep() baseline.Baseline {
	return tested([3]float64{1, 70, .05}, [3]float64{4, 270, .06}, [3]float64{16, 900, .09}, [3]float64{64, 1000, .6}, [3]float64{128, 1020, 1.4})
}

// curve is the curve of the only workload of b.
func curve(t *testing.T, b baseline.Baseline) baseline.Curve {
	t.Helper()
	all := baseline.Workloads(b)
	if len(all) != 1 {
		t.Fatalf("%d workloads", len(all))
	}
	c, drawn := all[0].Curve()
	if !drawn {
		t.Fatal("no curve")
	}
	return c
}

func TestAWorkloadIsInTheOrderOfItsLoads(t *testing.T) {
	b := sweep()
	for i := range b.Cells { // prompts of chance: the mean length falls as the load grows
		b.Cells[i].InputTokens.Mean -= float64(i)
	}
	c := curve(t, b)
	for i, want := range []float64{1, 4, 16, 64, 128} {
		if got := c.Cells[i].Load.Value; got != want || c.Points[i].Throughput != *c.Cells[i].Throughput.OutputTokens {
			t.Errorf("cell %d has load %v, want %v", i, got, want)
		}
	}
	var out strings.Builder
	if err := baseline.WriteTable(&out, b); err != nil {
		t.Fatal(err)
	}
	if first, last := strings.Index(out.String(), "/c1 "), strings.Index(out.String(), "/c128 "); first < 0 || last < first {
		t.Errorf("the table is in another order:\n%s", out.String())
	}
}

func TestToolsAndKindsOfLoadAreWorkloadsOfTheirOwn(t *testing.T) {
	b := sweep()
	b.Cells[1].Source.Tool = "sglang"
	b.Cells[2].Load.Kind = baseline.Rate
	b.Cells[3].Model = "large"
	if all := baseline.Workloads(b); len(all) != 4 {
		t.Errorf("%d workloads", len(all))
	}
}

func TestACurveShowsWhatAllCellsHave(t *testing.T) {
	if c := curve(t, sweep()); c.Latency() != "median TTFT" || c.Throughput() != "output tokens/s" {
		t.Errorf("%s over %s", c.Latency(), c.Throughput())
	}
	b := sweep()
	b.Cells[2].Throughput.OutputTokens = nil
	in := b.Cells[3].Indicators[baseline.TTFT]
	in.Quantiles = nil
	b.Cells[3].Indicators[baseline.TTFT] = in
	if c := curve(t, b); c.Latency() != "median or mean TTFT" || c.Throughput() != "requests/s" {
		t.Errorf("%s over %s", c.Latency(), c.Throughput())
	}
	b.Cells[2].Throughput.Requests = nil
	if _, drawn := baseline.Workloads(b)[0].Curve(); drawn {
		t.Error("a cell without throughput is on a curve")
	}
}

func TestOneLoadIsNoCurve(t *testing.T) {
	for name, b := range map[string]baseline.Baseline{
		"one cell":               loaded([3]float64{4, 270, .06}),
		"one load, tested twice": loaded([3]float64{4, 270, .06}, [3]float64{4, 280, .061}),
	} {
		if _, drawn := baseline.Workloads(b)[0].Curve(); drawn {
			t.Errorf("%s is a curve", name)
		}
	}
}

func TestTheKneeIsWhereTheCurveBends(t *testing.T) {
	for _, tt := range []struct {
		name   string
		points [][3]float64
		want   float64 // 0: no knee
	}{
		{"latency shoots up", [][3]float64{{1, 70, .05}, {4, 270, .06}, {16, 900, .09}, {64, 1000, .6}, {128, 1020, 1.4}}, 16},
		// Published sweeps of a 26B model on one GPU, 64 to 1024 in flight: lengths 1000 and
		// 512, where throughput falls in the end; 1000 and 1000; 8000 and 1000, where 64 in
		// flight are too many already.
		{"throughput falls beyond saturation", [][3]float64{{64, 1829.83, .7461}, {128, 2993.42, 1.6975}, {256, 4135.10, 4.5028}, {512, 3654.32, 43.56126}, {1024, 3594.61, 118.17254}}, 256},
		{"4 % more throughput are no gain", [][3]float64{{64, 3018.92, .5201}, {128, 3882.26, 3.0924}, {256, 4035.52, 8.9502}, {512, 3996.87, 71.5066}, {1024, 4003.47, 156.9345}}, 128},
		{"saturated from the first load", [][3]float64{{64, 1665.48, 1.8504}, {128, 1651.00, 4.5201}, {256, 1653.58, 10.8505}, {512, 1726.11, 24.5}, {1024, 1743.72, 574.84185}}, 64},
		{"throughput ends where it began", [][3]float64{{1, 100, .05}, {2, 200, .06}, {4, 300, .1}, {8, 90, 2}}, 4},
		// Another one: each load doubles the throughput less than the latency, all along.
		{"a line that hardly bends", [][3]float64{{2, 110.88, 1.21085}, {4, 211.21, 2.10351}, {8, 355.95, 3.6652}, {16, 573.23, 6.33444}, {32, 826.91, 10.92107}}, 0},
		{"a line", [][3]float64{{1, 100, .1}, {2, 200, .2}, {4, 300, .3}}, 0},
		{"not bent yet: the last load is the best", [][3]float64{{1, 100, .06}, {2, 200, .05}, {4, 300, .055}}, 0},
		{"noise on a flat line", [][3]float64{{1, 100, .0500}, {2, 200, .0503}, {4, 400, .0510}, {8, 700, .0502}, {16, 1000, .0506}}, 0},
		{"latency grows by a half", [][3]float64{{1, 100, .1}, {2, 200, .11}, {4, 400, .12}, {8, 800, .15}}, 0},
		{"two loads", [][3]float64{{1, 100, .1}, {2, 110, 2}}, 0},
		{"every load is alike", [][3]float64{{1, 100, .1}, {2, 100, .1}, {4, 100, .1}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := curve(t, loaded(tt.points...))
			if knee, bends := c.Knee(); bends != (tt.want > 0) || knee.Load.Value != tt.want {
				t.Errorf("knee at %v, want %v", knee.Load.Value, tt.want)
			}
		})
	}
}

func TestAWorkloadReachesTheHighestLoadThatKeepsTheLimits(t *testing.T) {
	ttft := func(bound float64) baseline.Limits {
		return baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: bound}}
	}
	for _, tt := range []struct {
		name    string
		change  func(*baseline.Baseline)
		limits  baseline.Limits
		want    float64 // 0: none
		stopped float64 // 0: none
		known   bool
		why     string
	}{
		{"a limit between two loads", nil, ttft(.2), 16, 64, true, "ttft p99 is "},
		{"a limit that no load keeps", nil, ttft(.01), 0, 1, true, "ttft p99 is "},
		{"a limit that all keep", nil, ttft(9), 128, 0, true, ""},
		{"no limit", nil, baseline.Limits{At: .99}, 128, 0, true, ""},
		{"an indicator that nobody measured", nil, baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TPOT: 1}}, 0, 1, false, "no tpot p99"},
		{"a quantile that nobody took", nil, baseline.Limits{At: .98, Bounds: map[baseline.Name]float64{baseline.TTFT: 9}}, 0, 1, false, "no ttft p98"},
		{"a miss, whatever else is unknown", nil, baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: .01, baseline.E2E: 1}}, 0, 1, true, "ttft p99 is "},
		{"a load in between misses", func(b *baseline.Baseline) { b.Cells[1].Requests.Failed = new(21) }, ttft(9), 1, 4, true, "21 of 2021 requests failed"},
		{"few failures", func(b *baseline.Baseline) { b.Cells[1].Requests.Failed = new(20) }, ttft(9), 128, 0, true, ""},
		{"a second test of the load misses", func(b *baseline.Baseline) { b.Cells[3].Load.Value = 16 }, ttft(.2), 4, 16, true, "ttft p99 is "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := sweep()
			if tt.change != nil {
				tt.change(&b)
			}
			r := baseline.Workloads(b)[0].Reach(tt.limits)
			load := func(c *baseline.Cell) float64 {
				if c == nil {
					return 0
				}
				return c.Load.Value
			}
			if load(r.Highest) != tt.want || load(r.Stopped) != tt.stopped || r.Known != tt.known || !strings.Contains(r.Why, tt.why) || (r.Why == "") != (tt.why == "") {
				t.Errorf("%v, stopped at %v, known %v, why %q", load(r.Highest), load(r.Stopped), r.Known, r.Why)
			}
		})
	}
}

func TestAPlotNeedsNoMoreThanALine(t *testing.T) {
	var points [][3]float64
	for n := range 60 {
		i := float64(n)
		points = append(points, [3]float64{i + 1, 100 * (i + 1), .05 * (i + 1)})
	}
	c := curve(t, loaded(points...))
	var out strings.Builder
	if err := c.WritePlot(&out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSpace(line))); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	for _, want := range []string{"a 1 in flight", "Z 52 in flight", "* several", "6000\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestNamesFromAFileSendNothingToTheTerminal(t *testing.T) {
	b := sweep()
	for i := range b.Cells {
		b.Cells[i].Model = "small\x1b[31m\tred\n"
		b.Cells[i].Source.Tool = "vllm\x07"
	}
	b.Identify()
	var out strings.Builder
	if err := baseline.WriteTable(&out, b); err != nil {
		t.Fatal(err)
	}
	c := curve(t, b)
	if err := c.WritePlot(&out); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 || !strings.Contains(out.String(), "small\uFFFD[31m\uFFFDred") {
		t.Errorf("%q", out.String())
	}
}

func TestTheTableHasTheGoodputThatTheToolFound(t *testing.T) {
	b := sweep()
	b.Cells[0].Goodput = &baseline.Goodput{PerSecond: .5, Limits: map[baseline.Name]float64{baseline.TTFT: .5, baseline.TPOT: .05}}
	b.Cells[1].Goodput = &baseline.Goodput{PerSecond: 2}
	var out strings.Builder
	if err := baseline.WriteTable(&out, b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TOK/S    GOOD/S", "70.00    0.50 ", "900.00   - ", "good   what the tool itself found; vllm: by limits that the file does not tell; vllm: ttft 500 ms, tpot 50 ms\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestUsersNeedRequests(t *testing.T) {
	d := baseline.Demand{Users: 10_000, Active: .1, Sessions: 1, Interactions: 2, Hours: 1}
	if got := d.PerMinute(); got < 33.33 || got > 33.34 {
		t.Errorf("%v requests a minute", got)
	}
}
