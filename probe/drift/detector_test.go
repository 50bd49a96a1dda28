package drift_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

// indicator has quantiles p, value, p, value, …, one value a request.
func indicator(quantiles ...float64) baseline.Indicator {
	of := baseline.Indicator{Definition: baseline.Definition{Over: baseline.Request}}
	for i := 0; i < len(quantiles); i += 2 {
		of.Quantiles.Set(quantiles[i], quantiles[i+1])
	}
	return of
}

func reference(t testing.TB, quantiles ...float64) *drift.Reference {
	t.Helper()
	r, err := drift.NewReference(indicator(quantiles...), baseline.Requests{OK: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tested is a TTFT with a median of 350 ms.
func tested(t testing.TB) *drift.Reference {
	return reference(t, .5, .350, .75, .428, .9, .514, .95, .573, .99, .703)
}

func detector(t testing.TB, r *drift.Reference, change func(*drift.Settings)) *drift.Detector {
	t.Helper()
	settings := drift.Defaults(30 * time.Second)
	change(&settings)
	d, err := drift.NewDetector(r, settings)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func noMargin(s *drift.Settings) { s.Margin, s.Learn = 0, 0 }

// noon is the time of the first observation of every test.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestEvidenceOfAKnownSequence(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	want := []float64{.280894, .835421, 1.32948, 4.42453, 7.02269, 29.7514, 21.7776, 88.6232, 1292.16, 6719.73, 17100.7, 94215.6}
	for i, x := range []float64{.30, .36, .41, .55, .48, .62, .39, .58, .71, .66, .52, .60} {
		if d.Verdict().Alarm {
			t.Fatalf("alarm before observation %d", i+1)
		}
		d.Observe(noon.Add(time.Duration(i)*30*time.Second), x)
		if got := float64(d.Verdict().ReturnPeriod) / float64(30*time.Second); math.Abs(got/want[i]-1) > 1e-5 {
			t.Errorf("evidence after observation %d: %v, want %v", i+1, got, want[i])
		}
	}
	if !d.Verdict().Alarm {
		t.Error("no alarm at evidence 94,215, level 86,400")
	}
}

func TestObserveSkipsWhatIsNoTime(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	for _, latency := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
		d.Observe(noon, latency)
	}
	if got := d.Verdict(); got.Ratio.Of != 0 {
		t.Errorf("observations: %d, want none", got.Ratio.Of)
	}
	d.Observe(noon, 0)
	if got := d.Verdict(); got.Ratio.Of != 1 || got.Ratio.Value != 0 {
		t.Errorf("after a latency of 0: %+v, want one of ratio 0", got.Ratio)
	}
}

// slowDown lets a service be as tested for n canaries and slower after that, until the
// alarm. It returns the times of the change and of the alarm.
func slowDown(t *testing.T, d *drift.Detector, n int, slowdown float64) (change, alarm time.Time) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	at := noon
	for i := range n + 10_000 {
		latency := .35 * math.Exp(.3*random.NormFloat64())
		if i >= n {
			latency *= slowdown
		}
		if i == n {
			change = at
		}
		d.Observe(at, latency)
		if d.Alarm() {
			return change, at
		}
		at = at.Add(every)
	}
	t.Fatal("no alarm")
	return
}

func TestVerdictHasTheTimeOfTheChangeAndItsSize(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	change, alarm := slowDown(t, d, 1000, 1.25)
	v := d.Verdict()
	if off := v.Since.Sub(change).Abs(); off > 10*time.Minute {
		t.Errorf("changed at %s, said %s; alarm at %s", change, v.Since, alarm)
	}
	if r := v.Ratio; r.Value < 1.15 || r.Value > 1.40 || r.Low > 1.25 || r.High < 1.25 || r.Low < 1 {
		t.Errorf("ratio %+v, want 1.25 within its interval, and 1 outside", r)
	}
	if v.ReturnPeriod < 30*24*time.Hour {
		t.Errorf("return period %s, want at least 30 days", v.ReturnPeriod)
	}
}

func TestAlarmEndsSoonAfterTheServiceHasRecovered(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	_, at := slowDown(t, d, 100, 1.5)
	random := rand.New(rand.NewPCG(seed, 8))
	for range 120 {
		at = at.Add(every)
		d.Observe(at, 1.5*.35*math.Exp(.3*random.NormFloat64()))
	}
	after := 0
	for ; d.Alarm() && after < 1000; after++ {
		at = at.Add(every)
		d.Observe(at, .35*math.Exp(.3*random.NormFloat64()))
	}
	if after > 200 {
		t.Errorf("alarm for %d more canaries after an hour of + 50 %%, want at most 200", after)
	}
}

// A prober that was down, a suspended machine and a clock that goes back change no evidence.
func TestTimeAloneIsNoEvidence(t *testing.T) {
	steady, jumping := detector(t, tested(t), noMargin), detector(t, tested(t), noMargin)
	random := rand.New(rand.NewPCG(seed, 9))
	for i := range 500 {
		latency := .4 * math.Exp(.3*random.NormFloat64())
		steady.Observe(noon.Add(time.Duration(i)*every), latency)
		jumping.Observe(noon.Add(time.Duration(random.Int64N(int64(240*time.Hour)))-120*time.Hour), latency)
	}
	if a, b := steady.Verdict(), jumping.Verdict(); a.ReturnPeriod != b.ReturnPeriod || a.Alarm != b.Alarm {
		t.Errorf("verdicts %+v and %+v, want equal evidence", a, b)
	}
}

func TestDetectorsThatShareAPromiseNeedMoreEvidence(t *testing.T) {
	alone := detector(t, tested(t), noMargin)
	shared := detector(t, tested(t), func(s *drift.Settings) { noMargin(s); s.Sharing = 12 })
	_, first := slowDown(t, alone, 200, 1.25)
	_, second := slowDown(t, shared, 200, 1.25)
	if !second.After(first) {
		t.Errorf("alarm at %s alone, at %s as one of twelve; want it later", first, second)
	}
	if got := shared.Verdict().ReturnPeriod; got < 30*24*time.Hour {
		t.Errorf("return period at the alarm: %s, want at least 30 days for all twelve together", got)
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, test := range []struct {
		change func(*drift.Settings)
		want   string
	}{
		{func(s *drift.Settings) { s.Margin = -.1 }, "margin -0.1; want a share such as 0.1"},
		{func(s *drift.Settings) { s.Margin = math.NaN() }, "margin NaN; want"},
		{func(s *drift.Settings) { s.Temper = 0 }, "temper 0; want above 0"},
		{func(s *drift.Settings) { s.Temper = 1.5 }, "temper 1.5; want above 0 and at most 1"},
		{func(s *drift.Settings) { s.Every = 0 }, "an observation every 0s; want a time above 0"},
		{func(s *drift.Settings) { s.Promise = time.Second }, "one false alarm in 1s, with an observation every 30s"},
		{func(s *drift.Settings) { s.Learn = -1 }, "-1ns to learn"},
		{func(s *drift.Settings) { s.Sharing = 0 }, "0 detectors share the promise; want at least 1"},
	} {
		settings := drift.Defaults(every)
		test.change(&settings)
		if _, err := drift.NewDetector(tested(t), settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	d := detector(t, tested(t), func(*drift.Settings) {})
	at := noon
	if n := testing.AllocsPerRun(10_000, func() {
		at = at.Add(time.Second)
		d.Observe(at, .4)
	}); n != 0 {
		t.Errorf("%v allocations for an observation, want 0", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := detector(b, tested(b), noMargin)
	random := rand.New(rand.NewPCG(1, 1))
	var latencies [1024]float64
	for i := range latencies {
		latencies[i] = .35 * math.Exp(.3*random.NormFloat64())
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Observe(noon, latencies[i%len(latencies)])
	}
}
