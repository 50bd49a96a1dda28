package pictures

import (
	"fmt"
	"math"
	"time"

	"github.com/headway-sidecar/headway/slo/rules"
)

// burnRates shows the two windows of each alert on a scale of time.
func burnRates(w rules.Windows) string {
	const left, right, top, step = 190, 650, 40, 56
	c := canvas{
		width: 860, height: top + step*float64(len(w.Pairs)) + 50,
		title: "The windows of the burn-rate alerts",
		text: "Each alert fires when the error budget burned faster than its factor over a long window and also over a short one. " +
			"Short windows and high factors page, long windows and low factors open tickets.",
	}
	longest := w.Pairs[len(w.Pairs)-1].Long
	shortest := w.Pairs[0].Short / 2
	at := func(d time.Duration) float64 {
		return right - (right-left)*math.Log(float64(d)/float64(shortest))/math.Log(float64(longest)/float64(shortest))
	}
	bottom := top + step*float64(len(w.Pairs))
	for _, d := range []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour} {
		c.line(at(d), top-10, at(d), bottom, "frame")
		c.write(at(d), bottom+18, centered, "small", ago(d))
	}
	c.line(right, top-10, right, bottom, "axis")
	c.write(right, bottom+18, centered, "small", "now")
	for i, p := range w.Pairs {
		y := top + step*float64(i)
		class := "own"
		if p.Severity == rules.Page {
			class = "bad"
		}
		c.write(20, y+13, rightOf, "strong", string(p.Severity))
		c.write(20, y+30, rightOf, "small", fmt.Sprintf("%g × too fast", p.Factor))
		c.rect(at(p.Long), y, right-at(p.Long), 14, "other")
		c.rect(at(p.Short), y+18, right-at(p.Short), 14, class)
		c.write(right+12, y+12, rightOf, "small", "long: it matters")
		c.write(right+12, y+30, rightOf, "small", "short: and it goes on")
	}
	return c.svg()
}

func ago(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d m", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}
