package drift_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

// learn lets a Detector learn a service for a day, with an observation every so often.
func learn(t *testing.T, s service, often time.Duration) drift.Habits {
	t.Helper()
	d, err := drift.NewDetector(lognormal(t, .3), drift.Defaults(often))
	if err != nil {
		t.Fatal(err)
	}
	next := s(rand.New(rand.NewPCG(seed, 3)))
	for i := 0; d.Learning(); i++ {
		if at := time.Duration(i) * often; at > 25*time.Hour {
			t.Fatal("learns for more than 25 hours")
		}
		d.Observe(noon.Add(time.Duration(i)*often), .35*math.Exp(next(int(time.Duration(i)*often/every))))
	}
	habits, ok := d.Habits()
	if !ok {
		t.Fatal("has learnt, and no habits")
	}
	return habits
}

func TestHabits(t *testing.T) {
	for _, test := range []struct {
		name    string
		service service
		often   time.Duration
		want    drift.Habits
	}{
		{"independent canaries", independent(.3), every, drift.Habits{Bias: 1}},
		{"a slower service", shifted(independent(.3), 1.2), every, drift.Habits{Bias: 1.2}},
		{"canaries alike", alike(.6), every, drift.Habits{Bias: 1, Likeness: .6}},
		{"a swing", swinging(independent(.3)), every, drift.Habits{Bias: 1, Swing: .1}},
		{"independent canaries, few", independent(.3), 5 * time.Minute, drift.Habits{Bias: 1}},
		{"canaries all the same", shifted(independent(0), 1), every, drift.Habits{Bias: 1}},
	} {
		got := learn(t, test.service, test.often)
		const off = 0.06
		if math.Abs(got.Bias-test.want.Bias) > off || math.Abs(got.Likeness-test.want.Likeness) > off || math.Abs(got.Swing-test.want.Swing) > off {
			t.Errorf("%s: %+v, want %+v ± %v each", test.name, got, test.want, off)
		}
	}
}

func TestNoAlarmBeforeTheServiceIsKnown(t *testing.T) {
	d := detector(t, tested(t), func(*drift.Settings) {})
	random := rand.New(rand.NewPCG(seed, 4))
	at := noon
	for d.Learning() {
		d.Observe(at, 3*.35*math.Exp(.3*random.NormFloat64()))
		if v := d.Verdict(); v.Alarm || !v.Learning && d.Learning() {
			t.Fatalf("at %s: %+v", at, v)
		}
		at = at.Add(10 * time.Minute)
	}
	after := 0
	for ; !d.Alarm() && after < 100; after++ {
		d.Observe(at, 3*.35*math.Exp(.3*random.NormFloat64()))
		at = at.Add(every)
	}
	if after > 10 {
		t.Errorf("alarm %d canaries after learning, at three times the load test; want at most 10", after)
	}
}

// A prober that sleeps through the day has learnt nothing.
func TestLearningNeedsObservationsAndNotOnlyTime(t *testing.T) {
	d := detector(t, tested(t), func(*drift.Settings) {})
	d.Observe(noon, .35)
	d.Observe(noon.Add(72*time.Hour), .35)
	if !d.Learning() {
		t.Error("has learnt from two canaries")
	}
}
