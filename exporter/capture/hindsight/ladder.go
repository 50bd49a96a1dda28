package hindsight

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ladder lists the limits among which a person would choose, ascending. They are the bucket
// bounds of the indicator's histogram, as far as these go: a limit that is a bound already
// changes no series. The bounds of durations double from 10 ms on, and nobody promises
// 10.24 s. So durations have round values, which become bounds with the SLO.
func ladder(i exchange.Indicator) []micros {
	var out []micros
	for _, in := range exporter.Table(exporter.V141) {
		if i != exchange.E2E && slices.Contains(in.Edges, i) {
			for _, bound := range in.Bounds {
				out = append(out, micros(bound*1e6+.5))
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	last := micros(0)
	if len(out) > 0 {
		last = out[len(out)-1]
	}
	for _, v := range rounds() {
		if v > last {
			out = append(out, v)
		}
	}
	return out
}

// rounds lists round times from 1 ms to an hour, the longest limit of an SLO.
func rounds() []micros {
	var out []micros
	for unit := time.Millisecond; unit < 10*time.Second; unit *= 10 {
		for _, tenths := range []time.Duration{10, 15, 20, 25, 30, 40, 50, 60, 80} {
			if d := unit * tenths / 10; d < 10*time.Second {
				out = append(out, micros(d.Microseconds()))
			}
		}
	}
	for _, seconds := range []time.Duration{10, 12, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1200, 1800, 2700, 3600} {
		out = append(out, micros((seconds * time.Second).Microseconds()))
	}
	return out
}

// roundUp returns the first value of the ladder that is no less than v, and false if v is
// beyond it.
func roundUp(ladder []micros, v micros) (micros, bool) {
	at, _ := slices.BinarySearch(ladder, v)
	if at == len(ladder) {
		return 0, false
	}
	return ladder[at], true
}
