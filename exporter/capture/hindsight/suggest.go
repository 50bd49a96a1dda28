package hindsight

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Wish says which SLOs Suggest looks for.
type Wish struct {
	Objective float64 // percent good
	Window    time.Duration
	// Margin is how much longer the limits are than the captured traffic needed: .2 is a
	// fifth.
	Margin float64
	// Good lists the indicators to limit, as far as a group has them. Without any, streams
	// get limits on ttft and tpot, and answers in one piece on e2e.
	Good  []exchange.Indicator
	Judge slo.Event // empty: calls, but attempts if all lines come from beside model servers
}

// Suggestion is an SLO file that the captured time would have kept.
type Suggestion struct {
	wish    Wish
	found   []found
	leftOut []string // why groups have no SLO
	first   time.Time
	last    time.Time
	open    int
	drained int
	lines   int
}

// found is an SLO for one group, with the numbers behind it.
type found struct {
	slo     slo.SLO
	key     Key
	ended   Events
	good    int // by all limits together
	counted int
	limits  []chosen
}

// chosen is the limit of one indicator.
type chosen struct {
	indicator exchange.Indicator
	limit     micros
	needed    micros // the limit without margin and rounding
	kept      float64
	alone     *Least // the least limit that the objective's share of events met
}

// Suggest returns SLOs for the groups that have enough events, at most as many as an SLO
// file may have.
func (g *Gatherer) Suggest(w Wish) Suggestion {
	if w.Judge == "" {
		w.Judge = g.event()
	}
	s := Suggestion{wish: w, first: g.first, last: g.last, drained: g.drained, lines: g.lines}
	s.open, _ = g.open.Count()
	names := map[string]bool{}
	for _, key := range g.keys() {
		f, why := g.groups[key].suggest(key, w)
		switch {
		case slices.Contains(g.by, report.ByModel) && key.Model == "":
			why = "the requests name no model"
		case slices.Contains(g.by, report.ByUpstream) && key.Upstream == "":
			why = "no route led to an upstream"
		}
		if why == "" && len(s.found) == maxSLOs {
			why = fmt.Sprintf("a file has at most %d SLOs", maxSLOs)
		}
		if why != "" {
			s.leftOut = append(s.leftOut, key.String()+": "+why)
			continue
		}
		f.slo.Name = name(key, names)
		s.found = append(s.found, f)
	}
	if g.further > 0 {
		s.leftOut = append(s.leftOut, fmt.Sprintf("further groups, with %d exchanges", g.further))
	}
	return s
}

// maxSLOs is the most that an SLO file may have.
const maxSLOs = 100

// Set is the SLOs as the judge takes them.
func (s *Suggestion) Set() slo.Set {
	var set slo.Set
	for i := range s.found {
		set.SLOs = append(set.SLOs, s.found[i].slo)
	}
	return set
}

// LeftOut says for each group without an SLO why it has none.
func (s *Suggestion) LeftOut() []string { return s.leftOut }

// suggest looks for the limits of one group, or says why there are none.
func (e *events) suggest(key Key, w Wish) (found, string) {
	share := w.Objective / 100
	what := aCall
	if w.Judge == slo.Attempt {
		what = anAttempt
	}
	out := found{key: key, slo: slo.SLO{Objective: w.Objective, Window: w.Window, Judge: w.Judge, Match: match(key)}}
	whole := e.of(what, exchange.E2E)
	out.ended = whole.events()
	counted := out.ended.Answered + out.ended.Failed
	switch {
	case strings.Contains(key.Model+key.Upstream, "*"):
		return out, "its name has a *, which stands for any text in an SLO"
	case key.Operation != "" && !slices.Contains(exchange.Operations(), exchange.Operation(key.Operation)):
		return out, "no SLO can match this operation"
	case counted < needed(share):
		return out, fmt.Sprintf("%d %s; an objective of %v needs %d", counted, plural(w.Judge), w.Objective, needed(share))
	case !enough(out.ended.Answered, counted)(share):
		return out, fmt.Sprintf("%.2f %% failed, more than an objective of %v allows%s",
			100*float64(out.ended.Failed)/float64(counted), w.Objective, attainable(out.ended))
	}
	var samples []sample
	for _, i := range w.indicators(key) {
		if s := e.of(what, i); s.judges() {
			out.limits = append(out.limits, chosen{indicator: i, alone: s.least(share)})
			samples = append(samples, s)
		}
	}
	if len(samples) == 0 {
		return out, "nothing has a value to limit"
	}
	return e.limit(out, samples, what, w)
}

// indicators lists those to limit in a group.
func (w *Wish) indicators(key Key) []exchange.Indicator {
	switch {
	case len(w.Good) > 0:
		return w.Good
	case key.Stream:
		return []exchange.Indicator{exchange.TTFT, exchange.TPOT}
	}
	return []exchange.Indicator{exchange.E2E}
}

// limit chooses the limits. All of them must hold at once, so each alone has to be met by
// more than the objective asks for. Each indicator may have as many misses as any other, and
// as many as the objective allows to all together; misses of one event count once.
func (e *events) limit(out found, samples []sample, what flags, w Wish) (found, string) {
	share := w.Objective / 100
	needs := func(misses int) []micros {
		var limits []micros
		for i := range samples {
			limits = append(limits, samples[i].beyond(misses))
		}
		return limits
	}
	if !enough(e.goodput(what, out.limits, needs(0)))(share) {
		return out, fmt.Sprintf("too many %s miss any limit: they failed, or ended without a token; try a lower --objective", plural(w.Judge))
	}
	// misses is the most that still leaves enough good events.
	misses, most := 0, out.ended.Answered
	for misses < most {
		more := (misses + most + 1) / 2
		if enough(e.goodput(what, out.limits, needs(more)))(share) {
			misses = more
		} else {
			most = more - 1
		}
	}
	limits := make([]micros, len(samples))
	for i, need := range needs(misses) {
		c := &out.limits[i]
		limit, ok := roundUp(ladder(c.indicator), micros(math.Ceil(min(float64(never), float64(need)*(1+w.Margin)))))
		if !ok {
			return out, fmt.Sprintf("%s needs a limit beyond %s", c.indicator, spelled(maxLimit))
		}
		limits[i], c.limit, c.needed = limit, limit, need
		good, counted := samples[i].good(limit)
		c.kept = float64(good) / float64(counted)
		out.slo.Good = append(out.slo.Good, slo.Objective{Indicator: c.indicator, Limit: time.Duration(limit) * time.Microsecond})
	}
	out.good, out.counted = e.goodput(what, out.limits, limits)
	return out, ""
}

// maxLimit is the longest limit that an SLO may have.
const maxLimit = time.Hour

// beyond returns the least limit that all but so many of the answered events meet.
func (s *sample) beyond(misses int) micros {
	if misses >= len(s.answered) {
		return 1
	}
	return max(1, min(never-1, s.answered[len(s.answered)-1-misses]))
}

// goodput judges the events by all limits together, as an SLO does.
func (e *events) goodput(what flags, of []chosen, limits []micros) (good, counted int) {
	for row := range e.size {
		f := e.flags.at(row)
		if f&what == 0 {
			continue
		}
		missed := f&failed != 0
		for i := range of {
			missed = missed || e.least[of[i].indicator].at(row) > limits[i]
		}
		switch {
		case missed:
			counted++
		case f&left == 0:
			good++
			counted++
		}
	}
	return good, counted
}

// attainable hints at a usual objective that leaves at least as much room for limits as
// failures take, if there is one.
func attainable(e Events) string {
	bad := 100 * float64(e.Failed) / float64(e.Failed+e.Answered)
	for _, objective := range []float64{99.9, 99.5, 99, 98, 97, 95, 90, 80, 50} {
		if 100-objective >= 2*bad {
			return "; try --objective " + strconv.FormatFloat(objective, 'g', -1, 64)
		}
	}
	return ""
}

func match(k Key) slo.Match {
	return slo.Match{Operation: exchange.Operation(k.Operation), Model: k.Model, Upstream: k.Upstream, Stream: new(k.Stream)}
}

// name names the SLO of a group by letters that names of SLOs may have, and no name twice.
func name(k Key, taken map[string]bool) string {
	const longest = 63
	parts := []string{k.Operation, k.Model, k.Upstream}
	if k.Stream {
		parts = append(parts, "streams")
	} else {
		parts = append(parts, "whole")
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	text := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
	for n := 1; ; n++ {
		end := ""
		if n > 1 {
			end = "-" + strconv.Itoa(n)
		}
		name := strings.Trim(text[:min(len(text), longest-len(end))], "-._") + end
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
}

// plural is how a sentence names the events that an SLO judges.
func plural(e slo.Event) string {
	if e == slo.Attempt {
		return "attempts"
	}
	return "calls"
}
