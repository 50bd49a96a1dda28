package live

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// window has the numbers of the exchanges of the last half minute.
type window struct {
	span              time.Duration // that it covers
	requests          int
	requestsPerSecond float64

	output tokens // of answered exchanges
	// reported and counted are the outputs of which the server told the truth: those that
	// it reported in its answer, and those that it did not, so that headway counted them.
	reported, counted counts
	rows              []row

	withTruth bool // a server tells the truth
}

// tokens is a sum of tokens that may be partly unknown.
type tokens struct {
	sum        int64
	known, all int // exchanges with a known count, and all that have tokens
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

func (t *tokens) add(c exchange.Count) {
	t.all++
	if c.Known {
		t.known++
		t.sum += c.N
	}
}

// row is the distribution of one indicator.
type row struct {
	name          string
	p50, p90, p99 time.Duration
	samples       int
	truth         *versus // nil where nobody told the truth
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
func newWindow(recent []seen, span time.Duration) window {
	w := window{span: span, requests: len(recent)}
	if span > 0 {
		w.requestsPerSecond = float64(len(recent)) / max(span, time.Second).Seconds()
	}
	var ttft, itl, tpot, e2e samples
	var failed, left []time.Duration
	for i := range recent {
		s := &recent[i]
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
			itl.addGaps(slices.Collect(s.Chunks.Gaps(s.Usage.Streamed)), t.Gaps)
		}
	}
	w.rows = []row{ // as many as answeredRows
		ttft.row("TTFT"), itl.row("ITL"), tpot.row("TPOT"), e2e.row("E2E"),
	}
	for _, other := range []row{newRow("failed", failed), newRow("left", left)} {
		if other.samples > 0 {
			w.rows = append(w.rows, other)
		}
	}
	return w
}

// addTokens adds the output of an answered exchange, unless its operation has none.
func (w *window) addTokens(s *seen) {
	output := s.Usage.Output
	if !output.Known && !s.Operation.Generates() {
		return
	}
	w.output.add(output)
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

// addGaps adds the ITL of a stream, a sample a token. The difference is that of the medians
// of the stream: chunk by chunk the two do not pair when a read brings several.
func (s *samples) addGaps(measured, truth []exchange.Gap) {
	own, told := perToken(measured), perToken(truth)
	s.measured = append(s.measured, own...)
	if len(own) == 0 || len(told) == 0 {
		return
	}
	s.truth = append(s.truth, told...)
	s.off = append(s.off, (percentile(own, 50) - percentile(told, 50)).Abs())
}

// perToken returns the time of every token in gaps, sorted.
func perToken(gaps []exchange.Gap) (all []time.Duration) {
	for _, gap := range gaps {
		for range gap.Tokens {
			all = append(all, gap.PerToken())
		}
	}
	slices.Sort(all)
	return all
}

func (s *samples) row(name string) row {
	r := newRow(name, s.measured)
	if len(s.truth) > 0 {
		slices.Sort(s.truth)
		slices.Sort(s.off)
		r.truth = &versus{samples: len(s.truth), p50: percentile(s.truth, 50), p99: percentile(s.truth, 99), off: percentile(s.off, 50)}
	}
	return r
}

func newRow(name string, all []time.Duration) row {
	slices.Sort(all)
	return row{name: name, p50: percentile(all, 50), p90: percentile(all, 90), p99: percentile(all, 99), samples: len(all)}
}

// percentile is the smallest of the sorted values that so many percent do not exceed; 0 of
// none.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[exchange.Rank(int64(percent), int64(len(sorted)))-1]
}
