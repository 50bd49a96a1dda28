package report

import (
	"math"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Goodput is how many exchanges, or calls, met every objective.
type Goodput struct {
	Objectives string         `json:"objectives"`
	Good       int            `json:"good"`
	Counted    int            `json:"counted"`    // failed and refused ones among them
	Excluded   int            `json:"excluded"`   // the client left before any limit was passed, or headway understood nothing
	Rate       *float64       `json:"per_second"` // of good ones; nil for a capture without duration
	Share      *float64       `json:"share"`      // of Counted; nil for a share of none
	Missed     map[string]int `json:"missed"`     // by indicator, and one may miss several; error is a failure
	// Unjudged names the objectives that judged nothing: nothing in the capture has such a
	// value, so nothing could miss them.
	Unjudged []string `json:"unjudged,omitempty"`
}

// goodput is a Goodput in the making.
type goodput struct {
	good, counted, excluded int
	missed                  map[string]int
	judged                  exchange.Misses // the indicators of which there was a value
}

func newGoodput() goodput { return goodput{missed: map[string]int{}} }

// add judges one exchange or call.
func (g *goodput) add(q slo.Request, by slo.Objectives) {
	missed, counts := by.Judge(&q)
	g.judged |= missed | values(&q)
	if !counts {
		g.excluded++
		return
	}
	g.counted++
	if missed == 0 {
		g.good++
	}
	for _, i := range exchange.Indicators() {
		if missed.Has(i) {
			g.missed[i.String()]++
		}
	}
}

// summary is over so many seconds; 0 for a capture without duration.
func (g *goodput) summary(by slo.Objectives, seconds float64) *Goodput {
	out := &Goodput{Objectives: by.String(), Good: g.good, Counted: g.counted, Excluded: g.excluded, Missed: g.missed}
	out.Share, out.Rate = share(float64(g.good), float64(g.counted)), rate(float64(g.good), seconds)
	for _, o := range by {
		if !g.judged.Has(o.Indicator) {
			out.Unjudged = append(out.Unjudged, o.Indicator.String())
		}
	}
	return out
}

// share is nil for a share of nothing.
func share(part, of float64) *float64 {
	if of <= 0 {
		return nil
	}
	return new(part / of)
}

// values returns the indicators of which q has a value.
func values(q *slo.Request) (has exchange.Misses) {
	for i, d := range map[exchange.Indicator]time.Duration{
		exchange.TTFT: q.TTFT, exchange.TTFA: q.TTFA, exchange.TPOT: q.TPOT, exchange.ITLP99: q.ITL.P99, exchange.E2E: q.E2E,
		exchange.Stall: q.Stall, exchange.Silence: q.Silence,
	} {
		if d > 0 {
			has = has.With(i)
		}
	}
	return has
}

// OfExchange returns the facts of an exchange that its line holds.
func OfExchange(l *capture.Line) slo.Request {
	return slo.Request{
		Outcome: exchange.Outcome(l.Outcome), Stream: l.Stream, Empty: l.ContentChunks != nil && *l.ContentChunks == 0,
		Unread:     exchange.Outcome(l.Outcome) == exchange.OK && slices.Contains(l.Notes, exchange.NotUnderstood),
		Overlooked: exchange.StoppedReading(l.Notes),
		TTFT:       duration(l.TTFT), TTFA: duration(l.TTFA), TPOT: duration(l.TPOT), ITL: itl(l.ITL), E2E: duration(l.E2E),
		Stall: duration(l.Stall), Silence: silence(l.Idle),
		Input: counted(&l.Tokens), Output: count(l.Tokens.Output),
	}
}

// counted is the input unless that is an estimate, by which nothing is judged.
func counted(t *capture.Tokens) exchange.Count {
	if t.InputSource == string(exchange.Estimated) {
		return exchange.Count{}
	}
	return count(t.Input)
}

// OfCall returns the facts of a call that the line of its chain holds.
func OfCall(c *capture.Call) slo.Request {
	q := slo.Request{
		Outcome: exchange.OK, Stream: c.Stream, Empty: c.ContentChunks != nil && *c.ContentChunks == 0,
		TTFT: duration(c.TTFT), TTFA: duration(c.TTFA), TPOT: duration(c.TPOT), ITL: itl(c.ITL), Stall: duration(c.Stall), E2E: duration(c.E2E),
		Input: counted(&c.Tokens), Output: count(c.Tokens.Output),
	}
	switch exchange.ChainOutcome(c.Outcome) {
	case exchange.Abandoned:
		q.Outcome = exchange.ClientGone
	case exchange.Exhausted:
		q.Outcome = exchange.HTTPError
	}
	return q
}

func itl(of *capture.ITL) exchange.ITL {
	if of == nil {
		return exchange.ITL{}
	}
	return exchange.ITL{P50: duration(of.P50), P90: duration(of.P90), P99: duration(of.P99), Max: duration(of.Max)}
}

func silence(of *capture.Idle) time.Duration {
	if of == nil {
		return 0
	}
	return duration(of.Body)
}

// duration is the time that a line spells in seconds, to the nanosecond.
func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

func count(n *int64) exchange.Count {
	if n == nil {
		return exchange.Count{}
	}
	return exchange.Known(*n)
}
