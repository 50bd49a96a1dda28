package drift_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

// ordinary returns the latency of observation i of a service that is 15 % slower than the
// load test.
func ordinary(i int) float64 {
	random := rand.New(rand.NewPCG(seed, uint64(i)))
	return 1.15 * .35 * math.Exp(.3*random.NormFloat64())
}

func TestARestartChangesNothing(t *testing.T) {
	for _, restart := range []int{0, 1, 100, 2881, 4000} { // before, in and after learning
		steady, first := detector(t, tested(t), func(*drift.Settings) {}), detector(t, tested(t), func(*drift.Settings) {})
		second := detector(t, tested(t), func(*drift.Settings) {})
		for i := range 5000 {
			at := noon.Add(time.Duration(i) * every)
			if i == restart {
				saved, err := first.Save()
				if err != nil {
					t.Fatal(err)
				}
				if err := second.Restore(saved); err != nil {
					t.Fatal(err)
				}
				if again, err := second.Save(); err != nil || string(again) != string(saved) {
					t.Errorf("restart at %d: saved again as\n%s\nnot\n%s", restart, again, saved)
				}
			}
			steady.Observe(at, ordinary(i))
			if i < restart {
				first.Observe(at, ordinary(i))
			} else {
				second.Observe(at, ordinary(i))
			}
		}
		if got, want := second.Verdict(), steady.Verdict(); got != want {
			t.Errorf("restart at %d: %+v, without it %+v", restart, got, want)
		}
	}
}

func TestWitnessSurvivesARestart(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 10))
	before, after := witness(t, 0), witness(t, 0)
	for i := range 10 {
		feed(before, noon.Add(time.Duration(i)*5*time.Minute), 30, 1.5, random)
	}
	before.Elapse(noon.Add(time.Hour))
	saved, err := before.Save()
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if got, want := after.Verdict(), before.Verdict(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestStateOfAnotherDetectorIsRefused(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	d.Observe(noon, .4)
	saved, err := d.Save()
	if err != nil {
		t.Fatal(err)
	}
	production, err := witness(t, 0).Save()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		into *drift.Detector
		text string
		want string
	}{
		{"another load test", detector(t, lognormal(t, .5), noMargin), string(saved), "it was compared with another load test"},
		{"another margin", detector(t, tested(t), func(s *drift.Settings) { s.Margin, s.Learn = .2, 0 }), string(saved), "it has other settings"},
		{"another version", d, strings.Replace(string(saved), "/v1", "/v9", 1), `its schema is "headway-drift/v9"; want "headway-drift/v1"`},
		{"production", d, string(production), "it was compared with another load test"},
	} {
		if err := test.into.Restore([]byte(test.text)); !errors.Is(err, drift.ErrOther) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// A probe that somebody adds must not cost all others what they have learnt.
func TestStateSurvivesAnotherNumberOfDetectors(t *testing.T) {
	alone := detector(t, tested(t), noMargin)
	for i := range 10 {
		alone.Observe(noon.Add(time.Duration(i)*every), 1)
	}
	saved, err := alone.Save()
	if err != nil {
		t.Fatal(err)
	}
	shared := detector(t, tested(t), func(s *drift.Settings) { noMargin(s); s.Sharing = 12 })
	if err := shared.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if want, got := alone.Verdict().ReturnPeriod/12, shared.Verdict().ReturnPeriod; (got - want).Abs() > time.Second {
		t.Errorf("return period %s; want a twelfth, %s", got, want)
	}
}

// FuzzRestore restores damaged states. A Detector must refuse one or go on, and keep its
// own if it refuses.
func FuzzRestore(f *testing.F) {
	learning, known := detector(f, tested(f), func(*drift.Settings) {}), detector(f, tested(f), func(*drift.Settings) {})
	for i := range 5000 {
		at := noon.Add(time.Duration(i) * every)
		if i < 200 {
			learning.Observe(at, ordinary(i))
		}
		known.Observe(at, ordinary(i))
	}
	for _, d := range []*drift.Detector{learning, known} {
		saved, err := d.Save()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(saved)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := detector(t, tested(t), func(*drift.Settings) {})
		d.Observe(noon, .4)
		want := d.Verdict()
		if err := d.Restore(text); err != nil {
			if got := d.Verdict(); got != want {
				t.Errorf("refused with %v, and yet %+v became %+v", err, want, got)
			}
			return
		}
		for i := range 1000 {
			d.Observe(noon.Add(time.Duration(i)*every), ordinary(i))
		}
		if v := d.Verdict(); v.ReturnPeriod < 0 || math.IsNaN(v.Ratio.Value) {
			t.Errorf("restored %s, and got %+v", text, v)
		}
		if _, err := d.Save(); err != nil {
			t.Errorf("restored %s, and cannot save: %v", text, err)
		}
	})
}
