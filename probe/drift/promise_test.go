package drift_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

var (
	runs   = flag.Int("runs", 600, "changes to simulate for each delay")
	months = flag.Int("months", 12, "months to simulate for each rate of false alarms")
	update = flag.Bool("update", false, "write the tables of docs/drift.md")
)

const (
	every = 30 * time.Second
	seed  = 20
)

var percentiles = []float64{.5, .75, .9, .95, .99}

func score(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// lognormal is a load test whose ln latency has the standard deviation spread.
func lognormal(t testing.TB, spread float64) *drift.Reference {
	var q []float64
	for _, p := range percentiles {
		q = append(q, p, .35*math.Exp(spread*score(p)))
	}
	return reference(t, q...)
}

// delays has the mean delays in minutes that the reference simulation found, of 5,000 changes each.
var delays = []struct {
	spread   float64
	expected [4]float64
}{{.15, [4]float64{27, 5.8, 2.3, 1.5}}, {.30, [4]float64{93, 20, 6.8, 2.8}}, {.50, [4]float64{233, 49, 16, 6.4}}}

var changes = [4]float64{1.10, 1.25, 1.50, 2}

func TestDelaysAreThoseExpected(t *testing.T) {
	var table strings.Builder
	table.WriteString("| spread of ln TTFT | + 10 % | + 25 % | + 50 % | × 2 |\n| --- | --- | --- | --- | --- |\n")
	settings := drift.Defaults(every)
	settings.Margin = 0
	for _, row := range delays {
		fmt.Fprintf(&table, "| %.2f |", row.spread)
		for i, change := range changes {
			got, err := lognormal(t, row.spread).ExpectedDelay(settings, change, *runs, seed)
			if err != nil {
				t.Fatal(err)
			}
			off := got.Mean.Minutes()/row.expected[i] - 1
			fmt.Fprintf(&table, " %.1f (%.1f); %+.0f %% |", got.Mean.Minutes(), got.P90.Minutes(), 100*off)
			if math.Abs(off) > 0.10 || got.Missed > 0 {
				t.Errorf("spread %v, × %v: %.2f minutes, %v missed; want %v ± 10 %%", row.spread, change, got.Mean.Minutes(), got.Missed, row.expected[i])
			}
		}
		table.WriteString("\n")
	}
	write(t, "delays", table.String())
}

// Tools write different percentiles. The reference simulation has the mean number of
// canaries for each.
func TestDelaysByThePercentilesOfAFile(t *testing.T) {
	for _, test := range []struct {
		tool     string
		shares   []float64
		expected [4]float64
	}{
		{"azure-openai-benchmark", []float64{.95}, [4]float64{466, 77, 21, 7}},
		{"vLLM", []float64{.5, .99}, [4]float64{226, 50, 18, 7}},
		{"k6", []float64{.5, .9, .95}, [4]float64{197, 42, 15, 7}},
		{"SGLang", []float64{.5, .9, .95, .99}, [4]float64{197, 42, 14, 6}},
	} {
		var q []float64
		for _, p := range test.shares {
			q = append(q, p, .35*math.Exp(.3*score(p)))
		}
		settings := drift.Defaults(every)
		settings.Margin = 0
		for i, change := range changes {
			got, err := reference(t, q...).ExpectedDelay(settings, change, *runs, seed)
			if err != nil {
				t.Fatal(err)
			}
			if canaries := got.Mean.Minutes() * 2; math.Abs(canaries-test.expected[i]) > max(.10*test.expected[i], .5) {
				t.Errorf("%s, × %v: %.1f canaries, want %v", test.tool, change, canaries, test.expected[i])
			}
		}
	}
}

// service makes ln latencies ÷ ln median of the load test.
type service func(random *rand.Rand) func(i int) float64

func independent(spread float64) service {
	return func(random *rand.Rand) func(int) float64 {
		return func(int) float64 { return spread * random.NormFloat64() }
	}
}

// alike makes each latency resemble the one before it.
func alike(phi float64) service {
	return func(random *rand.Rand) func(int) float64 {
		last := random.NormFloat64()
		return func(int) float64 {
			last = phi*last + math.Sqrt(1-phi*phi)*random.NormFloat64()
			return .3 * last
		}
	}
}

// swinging adds a daily rise and fall of 10 %.
func swinging(s service) service {
	return func(random *rand.Rand) func(int) float64 {
		next := s(random)
		return func(i int) float64 {
			const observations = 2880 // a day of them
			return next(i) + math.Log1p(.10*math.Sin(2*math.Pi*float64(i)/observations))
		}
	}
}

func shifted(s service, by float64) service {
	return func(random *rand.Rand) func(int) float64 {
		next := s(random)
		return func(i int) float64 { return next(i) + math.Log(by) }
	}
}

func asTested(t testing.TB, _ *rand.Rand) *drift.Reference { return lognormal(t, .3) }

// sampled is the load test of so many requests.
func sampled(n int) func(testing.TB, *rand.Rand) *drift.Reference {
	return func(t testing.TB, random *rand.Rand) *drift.Reference {
		var sample baseline.Sample
		for range n {
			sample.Add(.35 * math.Exp(.3*random.NormFloat64()))
		}
		of := sample.Indicator(baseline.Definition{Over: baseline.Request, Percentiles: baseline.Linear}, percentiles...)
		r, err := drift.NewReference(of, baseline.Requests{OK: n})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// stalls is a load test in which 3 % of the requests took three times as long, and a
// service that is the same.
func stalls(t testing.TB, _ *rand.Rand) *drift.Reference {
	var q []float64
	for _, p := range percentiles {
		low, high := -5.0, 5.0
		for range 100 {
			y := (low + high) / 2
			share := .97*math.Erfc(-y/.25/math.Sqrt2)/2 + .03*math.Erfc(-(y-math.Log(3))/.25/math.Sqrt2)/2
			if share < p {
				low = y
			} else {
				high = y
			}
		}
		q = append(q, p, .35*math.Exp(low))
	}
	return reference(t, q...)
}

func stalling(random *rand.Rand) func(int) float64 {
	return func(int) float64 {
		y := .25 * random.NormFloat64()
		if random.Float64() < .03 {
			y += math.Log(3)
		}
		return y
	}
}

// promises are services that are as fast as the load test + the margin, or faster. Each may
// raise one false alarm in 30 days.
func promises() []promise {
	spread := func(s float64) func(testing.TB, *rand.Rand) *drift.Reference {
		return func(t testing.TB, _ *rand.Rand) *drift.Reference { return lognormal(t, s) }
	}
	return []promise{
		{"as tested, spread 0.15", spread(.15), independent(.15), 0, 0},
		{"as tested, spread 0.30", spread(.30), independent(.30), 0, 0},
		{"as tested, spread 0.50", spread(.50), independent(.50), 0, 0},
		{"3 % of the requests stall, as in the load test", stalls, stalling, 0, 0},
		{"10 % slower", asTested, shifted(independent(.3), 1.10), .10, 0},
		{"each canary resembles the one before it (AR(1), φ 0.3)", asTested, alike(.3), .10, 24 * time.Hour},
		{"slower and faster by 10 % over the day", asTested, swinging(independent(.3)), .10, 24 * time.Hour},
		{"both", asTested, swinging(alike(.3)), .10, 24 * time.Hour},
		{"a load test of 1,000 requests", sampled(1000), independent(.3), .10, 24 * time.Hour},
		{"a load test of 300 requests", sampled(300), independent(.3), .10, 24 * time.Hour},
	}
}

type promise struct {
	name    string
	tested  func(testing.TB, *rand.Rand) *drift.Reference
	service service
	margin  float64
	learn   time.Duration
}

func TestFalseAlarmsAreAtMostOneInThirtyDays(t *testing.T) {
	var table strings.Builder
	table.WriteString("| service | margin | false alarms in 30 days |\n| --- | --- | --- |\n")
	for i, p := range promises() {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		alarms := 0
		for range *months {
			alarms += p.month(t, random)
		}
		rate := float64(alarms) / float64(*months)
		if rate > 1 {
			t.Errorf("%s: %.2f false alarms in 30 days", p.name, rate)
		}
		fmt.Fprintf(&table, "| %s | %.0f %% | %.2f |\n", p.name, 100*p.margin, rate)
	}
	write(t, "false alarms", table.String())
}

// month returns the number of alarms in the 30 days after learning.
func (p promise) month(t *testing.T, random *rand.Rand) int {
	settings := drift.Defaults(every)
	settings.Margin, settings.Learn = p.margin, p.learn
	d, err := drift.NewDetector(p.tested(t, random), settings)
	if err != nil {
		t.Fatal(err)
	}
	next, alarms, before := p.service(random), 0, false
	for i := range int((p.learn + 30*24*time.Hour) / every) {
		d.Observe(noon.Add(time.Duration(i)*every), .35*math.Exp(next(i)))
		if now := d.Alarm(); now != before {
			before = now
			if now {
				alarms++
			}
		}
	}
	return alarms
}

// Detectors that share the promise keep it together: of six latencies, which have one half
// of it, and of two traits, each with a detector for more and one for less.
func TestFalseAlarmsOfDetectorsTogetherAreAtMostOneInThirtyDays(t *testing.T) {
	const latencies, traits = 6, 2
	alone := 0 // alarms of detectors that do not share
	count := func(month uint64, share func(*drift.Settings, int)) (alarms int) {
		for i := range latencies + traits {
			random := rand.New(rand.NewPCG(month, uint64(i)))
			sides, parts := []float64{1}, 2*latencies
			if i >= latencies {
				sides, parts = []float64{1, -1}, 2*2*traits
			}
			var all []*drift.Detector
			for range sides {
				all = append(all, detector(t, lognormal(t, .3), func(s *drift.Settings) { noMargin(s); share(s, parts) }))
			}
			alarms += observeMonth(all, sides, independent(.3)(random))
		}
		return alarms
	}
	together := 0
	for month := range *months {
		together += count(uint64(month), func(s *drift.Settings, parts int) { s.Sharing = parts })
		if month < 2 {
			alone += count(uint64(month), func(*drift.Settings, int) {})
		}
	}
	rate := float64(together) / float64(*months)
	t.Logf("%.2f false alarms in 30 days of all detectors together, %.1f if none shares", rate, float64(alone)/2)
	if rate > 1 {
		t.Errorf("%.2f false alarms in 30 days", rate)
	}
	if alone < 3 {
		t.Errorf("%d false alarms in two months of detectors that do not share: this test would notice nothing", alone)
	}
}

// observeMonth returns the number of alarms in 30 days. A side of -1 sees median ÷ latency.
func observeMonth(all []*drift.Detector, sides []float64, next func(int) float64) (alarms int) {
	before := make([]bool, len(all))
	for i := range int(30 * 24 * time.Hour / every) {
		y := next(i)
		for n, d := range all {
			d.Observe(noon.Add(time.Duration(i)*every), .35*math.Exp(sides[n]*y))
			if now := d.Alarm(); now != before[n] {
				if before[n] = now; now {
					alarms++
				}
			}
		}
	}
	return alarms
}

// write puts the table between the two comments that name it in docs/drift.md, if the flag
// asks for it.
func write(t *testing.T, name, table string) {
	t.Helper()
	t.Logf("%s\n%s", name, table)
	if !*update {
		return
	}
	const path = "../../docs/drift.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(string(page), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for %q", path, name)
	}
	var text bytes.Buffer
	text.WriteString(before + begin + table + end + after)
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
