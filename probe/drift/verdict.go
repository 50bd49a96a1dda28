package drift

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Verdict is what a Detector or a Witness finds now.
type Verdict struct {
	// Alarm is true from the observation that raised it until the evidence is nearly gone.
	Alarm bool
	// Learning is true in the time to learn, when Alarm never is.
	Learning bool
	// ReturnPeriod is how seldom a service as fast as the load test, or slower by no more
	// than the margin, would look so bad.
	ReturnPeriod time.Duration
	// Since is the likeliest time of the change. It is zero unless the return period is an
	// hour or more.
	Since time.Time
	// Ratio covers the observations since the change, or the latest ones without a change.
	Ratio Ratio
	// Margin is that of the settings.
	Margin float64
}

// worthTelling is the return period from which a Verdict speaks of a change.
const worthTelling = time.Hour

func verdict(t *training, e *evidence, ratios *window, p float64) Verdict {
	v := Verdict{
		Alarm: e.alarm, Learning: t.Learning(), Margin: t.settings.Margin,
		ReturnPeriod: times(t.settings.Every, e.mean()/float64(t.settings.Sharing)),
	}
	first := int64(0)
	if v.ReturnPeriod >= worthTelling {
		change := e.best()
		v.Since, first = change.since, change.first
	}
	v.Ratio = ratio(ratios.since(first), p)
	return v
}

// times multiplies, and stops at the longest duration.
func times(every time.Duration, factor float64) time.Duration {
	if product := float64(every) * factor; product < math.MaxInt64 {
		return time.Duration(product)
	}
	return math.MaxInt64
}

// Sentence words the verdict on an indicator, in the time zone of now: "TTFT is 1.31 × the
// load test (1.18–1.46) since 14:05. A service as fast as the load test + 10 % would look
// this bad less than once in 41 days."
func (v Verdict) Sentence(indicator string, now time.Time) string {
	if v.Ratio.Of == 0 {
		return indicator + ": nothing to compare yet."
	}
	is := fmt.Sprintf("%s is %.2f × the load test (%s)", indicator, v.Ratio.Value, v.Ratio.bounds())
	if v.Since.IsZero() {
		return is + "."
	}
	asTested := "the load test"
	if v.Margin > 0 {
		asTested += fmt.Sprintf(" + %s %%", plain(v.Margin*100))
	}
	return fmt.Sprintf("%s since %s. A service as fast as %s would look this bad less than once in %s.",
		is, moment(v.Since.In(now.Location()), now), asTested, inWords(v.ReturnPeriod))
}

// bounds words the interval: "1.18–1.46", "at least 1.18", "at most 1.46" or "too few to bound".
func (r Ratio) bounds() string {
	switch above := !math.IsInf(r.High, 1); {
	case r.Low > 0 && above:
		return fmt.Sprintf("%.2f–%.2f", r.Low, r.High)
	case r.Low > 0:
		return fmt.Sprintf("at least %.2f", r.Low)
	case above:
		return fmt.Sprintf("at most %.2f", r.High)
	}
	return "too few to bound"
}

// plain writes a number with the decimals that it needs, at most one.
func plain(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") }

// moment writes the time of day, with the date in front unless it is today's.
func moment(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// inWords writes a duration in whole units: "41 days", "1 hour".
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		switch n := d / unit.length; {
		case n == 1:
			return "1 " + unit.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "a minute"
}
