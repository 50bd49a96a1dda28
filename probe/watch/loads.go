package watch

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// loads knows how many requests of each model were in flight lately.
type loads map[string]*flights

// flights are those of one model: a ring of counts, pollEvery apart.
type flights struct {
	counts [lately]counted
	next   int
	// told is what the server itself said to a canary, which knows the requests of others.
	told   float64
	toldAt time.Time
}

type counted struct {
	at time.Time
	n  float64
}

const (
	// lately is how many counts are kept: four minutes.
	lately = 960
	// stale is the age from which nobody asks what a server said.
	stale = 2 * time.Minute
	// now is the time over which a present load is the mean.
	present = time.Minute
)

func (l loads) of(model string) *flights {
	f := l[model]
	if f == nil {
		f = &flights{}
		l[model] = f
	}
	return f
}

// poll counts the models, and forgets all others.
func (l loads) poll(now time.Time, models []string, flying []exchange.InFlight) {
	sums := make(map[string]int, len(models))
	for _, f := range flying {
		sums[f.Model] += f.Requests
	}
	wanted := make(map[string]bool, len(models))
	for _, model := range models {
		f := l.of(model)
		f.counts[f.next] = counted{now, float64(sums[model])}
		f.next = (f.next + 1) % lately
		wanted[model] = true
	}
	for model := range l {
		if !wanted[model] {
			delete(l, model)
		}
	}
}

// note keeps what the server said to a canary.
func (l loads) note(e *event) {
	if f := l[e.model]; f != nil && e.load > 0 && e.counted {
		f.told, f.toldAt = e.load, e.end
	}
}

// during is the mean number in flight while a request was, itself included, and at least 1.
func (l loads) during(model string, start, end time.Time) float64 {
	f := l[model]
	if f == nil {
		return 1
	}
	mean, before := f.mean(start, end)
	if mean == 0 {
		mean = before + 1 // the request came and went between two counts
	}
	if since := end.Sub(f.toldAt); since.Abs() < stale {
		mean = max(mean, f.told)
	}
	return max(1, mean)
}

// now is the mean number in flight over the last minute.
func (l loads) now(model string, now time.Time) float64 {
	f := l[model]
	if f == nil {
		return 0
	}
	mean, _ := f.mean(now.Add(-present), now)
	if now.Sub(f.toldAt).Abs() < stale {
		mean = max(mean, f.told)
	}
	return mean
}

// carried is the mean number that headway itself had in flight, over a time up to now.
func (l loads) carried(model string, now time.Time, over time.Duration) float64 {
	f := l[model]
	if f == nil {
		return 0
	}
	mean, _ := f.mean(now.Add(-over), now)
	return mean
}

// mean is that of the counts from start to end, and before is the last count ahead of them.
func (f *flights) mean(start, end time.Time) (mean, before float64) {
	sum, n := 0.0, 0
	for back := 1; back <= lately; back++ {
		c := &f.counts[(f.next-back+lately)%lately]
		switch {
		case c.at.IsZero(), c.at.After(end):
			continue
		case c.at.Before(start):
			before = c.n
			back = lately
		default:
			sum += c.n
			n++
		}
	}
	if n > 0 {
		mean = sum / float64(n)
	}
	return mean, before
}
