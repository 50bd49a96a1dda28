package live

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Window has the numbers of the exchanges of the last half minute, or of so much of it as a
// view keeps.
type Window struct {
	Span              Seconds `json:"span_s"` // that it covers
	Requests          int     `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_s"`

	Output Tokens `json:"output"` // of answered exchanges
	Rows   []Row  `json:"rows"`

	// reported and counted are the outputs of which the server told the truth: those that
	// it reported in its answer, and those that it did not, so that headway counted them.
	reported, counted counts
	withTruth         bool // a server tells the truth
}

// Tokens is a sum of tokens that may be partly unknown.
type Tokens struct {
	Sum   int64 `json:"tokens"`
	Known int   `json:"known"` // exchanges with a known count
	All   int   `json:"all"`   // exchanges that have tokens
}

// counts are outputs beside the truth.
type counts struct {
	measured, truth int64 // tokens
	equal, all      int   // exchanges
}

func (c *counts) add(measured, truth int64) {
	c.all++
	c.measured += measured
	c.truth += truth
	if measured == truth {
		c.equal++
	}
}

func (t *Tokens) add(c exchange.Count) {
	t.All++
	if c.Known {
		t.Known++
		t.Sum += c.N
	}
}

// Row is the distribution of one indicator.
type Row struct {
	Name    string  `json:"name"`
	P50     Seconds `json:"p50_s"`
	P90     Seconds `json:"p90_s"`
	P99     Seconds `json:"p99_s"`
	Samples int     `json:"samples"`
	truth   *versus // nil where nobody told the truth
}

// versus is the truth beside a row.
type versus struct {
	p50, p99 time.Duration
	samples  int
	// off is how far the measurement of an exchange is from the truth: the median of the
	// absolute differences.
	off time.Duration
}

// newWindow sums recent exchanges up. Latencies are of answered ones: a refusal is quick,
// and would pass for a quick answer. Failed ones, and those whose client left, have a row
// of their own.
func newWindow(recent []*seen, span time.Duration) Window {
	recent = slices.DeleteFunc(slices.Clone(recent), func(s *seen) bool { return s.Origin == exchange.Canary })
	w := Window{Span: Seconds(span), Requests: len(recent)}
	if span > 0 {
		w.RequestsPerSecond = float64(len(recent)) / max(span, time.Second).Seconds()
	}
	var ttft, tpot, e2e samples
	var itl paces
	var failed, left []time.Duration
	for _, s := range recent {
		switch s.Outcome {
		case exchange.OK:
		case exchange.ClientGone:
			left = append(left, s.E2E())
			continue
		default:
			failed = append(failed, s.E2E())
			continue
		}
		t := s.truth
		if t == nil {
			t = &Truth{}
		}
		e2e.add(s.E2E(), t.E2E)
		w.addTokens(s)
		if s.Stream {
			ttft.add(s.TTFT(), t.TTFT)
			tpot.add(s.TPOT(), t.TPOT)
			itl.add(s, t.Gaps)
		}
	}
	w.Rows = []Row{ // as many as answeredRows
		ttft.row("TTFT"), itl.row(), tpot.row("TPOT"), e2e.row("E2E"),
	}
	for _, other := range []Row{newRow("failed", failed), newRow("left", left)} {
		if other.Samples > 0 {
			w.Rows = append(w.Rows, other)
		}
	}
	return w
}

// addTokens adds the output of an answered exchange, unless its operation has none.
func (w *Window) addTokens(s *seen) {
	output := s.Usage.Output
	if !output.Known && !s.Operation.Generates() {
		return
	}
	w.Output.add(output)
	if t := s.truth; t == nil || !t.Output.Known || !output.Known {
		return
	}
	if s.Usage.Source == exchange.Reported {
		w.reported.add(output.N, s.truth.Output.N)
	} else {
		w.counted.add(output.N, s.truth.Output.N)
	}
}

// answeredRows is the number of rows of answered exchanges; those of others follow.
const answeredRows = 4

// samples are the values of one indicator, measured and true.
type samples struct {
	measured, truth, off []time.Duration
}

// add adds a value. A time of 0 is one that does not exist.
func (s *samples) add(measured, truth time.Duration) {
	if measured > 0 {
		s.measured = append(s.measured, measured)
	}
	if measured > 0 && truth > 0 {
		s.truth = append(s.truth, truth)
		s.off = append(s.off, (measured - truth).Abs())
	}
}

func (s *samples) row(name string) Row {
	r := newRow(name, s.measured)
	if len(s.truth) > 0 {
		slices.Sort(s.truth)
		slices.Sort(s.off)
		r.truth = &versus{samples: len(s.truth), p50: percentile(s.truth, 50), p99: percentile(s.truth, 99), off: percentile(s.off, 50)}
	}
	return r
}

func newRow(name string, all []time.Duration) Row {
	slices.Sort(all)
	at := func(percent int) Seconds { return Seconds(percentile(all, percent)) }
	return Row{Name: name, P50: at(50), P90: at(90), P99: at(99), Samples: len(all)}
}

// percentile is the smallest of the sorted values that so many percent do not exceed; 0 of
// none.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[exchange.Rank(int64(percent), int64(len(sorted)))-1]
}
