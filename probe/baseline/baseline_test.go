package baseline_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// cell is a complete cell.
func cell() baseline.Cell {
	ttft := baseline.Indicator{
		Definition: baseline.Definition{
			Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.Linear,
		},
		Count: new(500), Mean: new(.24),
	}
	ttft.Quantiles.Set(.99, .62)
	ttft.Quantiles.Set(.5, .21)
	ttft.Quantiles.Set(.999, .7)
	return baseline.Cell{
		ID: "small/in1024/out128/c16", Model: "small", InputTokens: baseline.Length{Mean: 1024}, OutputTokens: baseline.Length{Mean: 128, P50: new(128.)},
		Load:   baseline.Load{Kind: baseline.Concurrency, Value: 16, MeanConcurrency: new(15.2)},
		Source: baseline.Source{Tool: "vllm", File: "run1.json"}, Requests: baseline.Requests{OK: 500, Failed: new(3)},
		Indicators: map[baseline.Name]baseline.Indicator{baseline.TTFT: ttft}, Flags: []baseline.Flag{baseline.ClosedLoop},
	}
}

func written(t *testing.T, cells ...baseline.Cell) string {
	t.Helper()
	var out strings.Builder
	if err := baseline.Write(&out, baseline.Baseline{Cells: cells}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAFileReadsBackAsItWasWritten(t *testing.T) {
	text := written(t, cell())
	b, err := baseline.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if again := written(t, b.Cells...); again != text {
		t.Errorf("%s\nbecame\n%s", text, again)
	}
	if !strings.Contains(text, `"0.5": 0.21,`) || strings.Index(text, `"0.5"`) > strings.Index(text, `"0.99"`) || strings.Contains(text, "duration_s") {
		t.Errorf("quantiles out of order, or an unknown field that is there:\n%s", text)
	}
}

func TestAFileIsReadStrictly(t *testing.T) {
	good := written(t, cell())
	for _, tt := range []struct{ name, old, put, want string }{
		{"another schema", "headway-baseline/v1", "headway-baseline/v2", `"headway-baseline/v2"; want "headway-baseline/v1"`},
		{"an unknown field", `"model":`, `"modell": "x", "model":`, "modell"},
		{"a word in place of a number", `"mean": 0.24`, `"mean": "fast"`, "line "},
		{"a quantile of 100 %", `"0.99":`, `"1":`, "share between 0 and 1"},
		{"a quantile twice", `"0.99":`, `"0.50":`, "twice"},
		{"a quantile that is null", `"0.99": 0.62`, `"0.99": null`, `"0.99": null; want seconds`},
		{"a quantile that is a text", `"0.99": 0.62`, `"0.99": "a,b}"`, `want seconds`},
		{"a quantile beyond all numbers", `"0.99": 0.62`, `"0.99": 1e400`, `"0.99": 1e400; want seconds`},
		{"a key with a quotation mark", `"0.99":`, `"0.9\"9":`, "share between 0 and 1"},
		{"quantiles that fall", `"0.99": 0.62`, `"0.99": 0.1`, "less than 0.21 at 0.5"},
		{"a negative time", `"0.5": 0.21`, `"0.5": -1`, "want seconds"},
		{"a load without a number", `"value": 16,`, "", "load.value"},
		{"an unknown kind of load", `"kind": "concurrency"`, `"kind": "users"`, "want concurrency, rate or unlimited"},
		{"an unknown flag", `"closed_loop"`, `"wide_loop"`, `"wide_loop" is none`},
		{"an unknown definition", `"start": "sending"`, `"start": "later"`, `definition.start: "later"`},
		{"no model", `"model": "small"`, `"model": ""`, "model: empty"},
		{"no success", `"ok": 500`, `"ok": 0`, "requests.ok"},
		{"fewer failures than none", `"failed": 3`, `"failed": -3`, "requests.failed: -3; want 0 or more"},
		{"a negative throughput", `"indicators":`, `"throughput": {"output_tokens_per_s": -1}, "indicators":`, "throughput.output_tokens_per_s: -1; want 0 or more"},
		{"a throughput beyond sense", `"indicators":`, `"throughput": {"requests_per_s": 1e300}, "indicators":`, "throughput.requests_per_s: 1e+300; want 0 or more"},
		{"something behind", "\n}\n", "\n} {}", "line 50: invalid character '{' after top-level value"},
		{"a file of another schema with other fields", good, `{"schema":"other","rows":[]}`, `"other"; want "headway-baseline/v1"`},
		{"half a file", "\n ]\n}\n", "", "line "},
		{"an array", good, "[]", "line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.put, 1)
			if bad == good {
				t.Fatal("nothing changed")
			}
			if _, err := baseline.Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q in it", err, tt.want)
			}
		})
	}
}

func TestCellsOfOneNameGetIDsOfTheirOwn(t *testing.T) {
	b := baseline.Baseline{Schema: baseline.Schema, Cells: []baseline.Cell{cell(), cell()}}
	b.Identify()
	if err := b.Check(); err != nil || b.Cells[1].ID != "small/in1024/out128/c16#2" {
		t.Errorf("%q, %v", b.Cells[1].ID, err)
	}
}

func TestTheSchemaHasTheWordsOfTheProgram(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Enum       []string
			Properties map[string]json.RawMessage
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(baseline.JSONSchema), &schema); err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, f := range baseline.Flags() {
		flags = append(flags, string(f))
	}
	if !slices.Equal(schema.Defs["flag"].Enum, flags) {
		t.Errorf("flags %v, want %v", schema.Defs["flag"].Enum, flags)
	}
	whole := cell()
	whole.Stream, whole.Duration = new(true), new(1.)
	whole.Throughput.Requests, whole.Goodput = new(1.), &baseline.Goodput{}
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name := range fields {
		if _, there := schema.Defs["cell"].Properties[name]; !there {
			t.Errorf("the schema has no %s", name)
		}
	}
	if len(fields) != len(schema.Defs["cell"].Properties) {
		t.Errorf("%d fields, and the schema has %d", len(fields), len(schema.Defs["cell"].Properties))
	}
}

func TestQuantilesFollowTheRule(t *testing.T) {
	var s baseline.Sample
	for _, v := range []float64{4, 1, 3, 2} {
		s.Add(v)
	}
	for _, tt := range []struct {
		p    float64
		rule baseline.Rule
		want float64
	}{
		{.5, baseline.Linear, 2.5}, {.5, baseline.NearestRank, 2}, {.5, baseline.FloorRank, 3},
		{.99, baseline.Linear, 3.97}, {.99, baseline.NearestRank, 4}, {.01, baseline.NearestRank, 1}, {.75, baseline.NearestRank, 3},
	} {
		if got := s.Quantile(tt.p, tt.rule); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%v of p %v is %v, want %v", tt.rule, tt.p, got, tt.want)
		}
	}
	in := s.Indicator(baseline.Definition{Percentiles: baseline.Linear}, .66)
	if *in.Mean != 2.5 || *in.Min != 1 || *in.Max != 4 || math.Abs(*in.StdDev-math.Sqrt(1.25)) > 1e-12 {
		t.Errorf("%v %v %v %v", *in.Mean, *in.Min, *in.Max, *in.StdDev)
	}
	if v, ok := in.Quantiles.At(.66); !ok || math.Abs(v-2.98) > 1e-12 {
		t.Errorf("p66 is %v, %v", v, ok)
	}
}

func TestASampleOfMillionsStaysWithinItsError(t *testing.T) {
	var s baseline.Sample
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 0, 1_200_000)
	sum := 0.0
	for range cap(values) {
		v := math.Exp(random.NormFloat64()*.5 - 3)
		values = append(values, v)
		sum += v
		s.Add(v)
	}
	if !s.Approximate() {
		t.Fatal("it keeps every value")
	}
	slices.Sort(values)
	for _, p := range []float64{.001, .01, .5, .9, .99, .999} {
		want := values[int(p*float64(len(values)-1))]
		if got := s.Quantile(p, baseline.Linear); math.Abs(got/want-1) > 2e-4 {
			t.Errorf("p %v is %v, want %v", p, got, want)
		}
	}
	if s.Count() != len(values) || math.Abs(s.Sum()/sum-1) > 1e-9 {
		t.Errorf("count %d, sum %v, want %v", s.Count(), s.Sum(), sum)
	}
}

func TestAValueAddedManyTimesCountsSoOften(t *testing.T) {
	var one, many baseline.Sample
	for _, v := range []float64{.1, .2, .4} {
		many.AddTimes(v, 700_000)
		for range 700_000 {
			one.Add(v)
		}
	}
	a, b := one.Indicator(baseline.Definition{}), many.Indicator(baseline.Definition{})
	if *a.Count != *b.Count || math.Abs(*a.Mean-*b.Mean) > 1e-9 || math.Abs(*a.StdDev-*b.StdDev) > 1e-9 || *a.Max != *b.Max || !slices.Equal(a.Quantiles, b.Quantiles) {
		t.Errorf("%+v, want %+v", b, a)
	}
	var huge baseline.Sample
	huge.AddTimes(.3, 1<<50)
	if huge.Count() != 1<<50 {
		t.Errorf("%d values", huge.Count())
	}
}

func TestNumbersOfACellSetItsFlags(t *testing.T) {
	c := cell()
	c.Flags, c.Requests.OK = nil, 299
	c.Load = baseline.Load{Kind: baseline.Rate, Value: 4}
	c.Throughput.Requests = new(28.6)
	c.Settle()
	if want := []baseline.Flag{baseline.FewSamples, baseline.RateNotReached}; !slices.Equal(c.Flags, want) {
		t.Errorf("%v, want %v", c.Flags, want)
	}
}

func FuzzReadBaseline(f *testing.F) {
	var seed bytes.Buffer
	if err := baseline.Write(&seed, baseline.Baseline{Cells: []baseline.Cell{cell()}}); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte(strings.Replace(seed.String(), `"count": 500,`, `"count": 3, "values": [0.1, 0.2,0.3],`, 1)))
	seed.Reset()
	if err := baseline.Write(&seed, sweep()); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte(`{"schema":"headway-baseline/v1","cells":[{"indicators":{"ttft":{"quantiles":{"0.5":1e400}}}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := baseline.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if slow, err := plainly(text); err != nil || !reflect.DeepEqual(b, slow) {
			t.Errorf("%+v; encoding/json reads %+v, %v", b, slow, err)
		}
		var out bytes.Buffer
		if err := baseline.Write(&out, b); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
		for _, w := range baseline.Workloads(b) {
			w.Reach(baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: 1}})
			if c, drawn := w.Curve(); drawn {
				c.Knee()
				_ = c.WritePlot(&out)
			}
		}
	})
}
