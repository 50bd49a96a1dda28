package slo

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Request holds the facts that objectives judge: those of one exchange, or those of a
// call with all its attempts. A time of 0 and a Count that is not Known are unknown, and
// nobody misses an objective by an unknown fact.
type Request struct {
	Outcome exchange.Outcome
	// Stream says that the response streamed, or was asked to. A response in one piece
	// has no TTFT, TTFA, TPOT, ITL, Stall or Silence.
	Stream bool
	Empty  bool // the stream is known to have had no token
	// Unread says that nobody knows what the response said. Objectives that ask about
	// content do not count such a request.
	Unread bool
	// Overlooked says that headway stopped reading the response before its end: tokens may
	// have come that are not known.
	Overlooked bool

	TTFT    time.Duration
	TTFA    time.Duration // 0 beside a TTFT: the stream brought reasoning and no answer
	TPOT    time.Duration
	ITL     exchange.ITL
	Stall   time.Duration // the longest wait for content inside the response
	Silence time.Duration // the longest wait for any byte inside the response
	E2E     time.Duration

	Input  exchange.Count // tokens of the prompt
	Output exchange.Count // tokens of the answer
}

// RequestOf returns the facts of an exchange by itself. It sorts the gaps of r: the
// Judge has a quicker way to judge a Record, and judges it the same.
func RequestOf(r *exchange.Record) Request {
	q := briefly(r)
	chunks := r.Chunks.Arrivals(r.Usage.Streamed)
	if r.Stream && chunks.Tokens() <= maxTokens {
		q.ITL, _ = r.ITL()
	}
	return q
}

// briefly returns the facts of r that need no look at its chunks: all but ITL.
func briefly(r *exchange.Record) Request {
	q := Request{
		Outcome: r.Outcome, Stream: r.Stream, Unread: r.Unread, E2E: r.E2E(),
		Input: r.Usage.CountedInput(), Output: r.Usage.Output,
	}
	if !r.Stream {
		return q
	}
	q.TTFT, q.TTFA, q.TPOT = r.TTFT(), r.TTFA(), r.TPOT()
	if r.Timing.FirstChunk > 0 {
		q.Stall, q.Silence = r.Stall(), r.Silence()
	}
	q.Empty = r.Events > 0 && r.Chunks.Count == 0 && !r.Unread
	q.Overlooked = exchange.StoppedReading(r.Notes)
	return q
}

func (q *Request) gone() bool { return q.Outcome == exchange.ClientGone }

func (q *Request) failed() bool { return q.Outcome != exchange.OK && !q.gone() }

// counts says whether a request that missed these indicators counts at all. A client that
// left before any limit was passed says nothing about the service; a client that left
// after that waited too long.
func (q *Request) counts(missed exchange.Misses) bool { return missed != 0 || !q.gone() }

// late says whether a token of a stream, which came at first, came after limit, or did not
// come although there was so much time for it. First is 0 when it did not come, or when
// nobody knows; none says that the stream is known to lack it. Times from the request's
// start are longer by elapsed.
func (q *Request) late(first time.Duration, none bool, limit, elapsed time.Duration) bool {
	switch {
	case !q.Stream:
		return false
	case first > 0:
		return first+elapsed > limit
	case q.Outcome != exchange.OK:
		return q.E2E+elapsed > limit
	}
	return none && !q.Overlooked
}

// mute says that the stream is known to have had no answer token.
func (q *Request) mute() bool { return q.Empty || q.TTFT > 0 && q.TTFA == 0 }

// Objective limits one indicator.
type Objective struct {
	Indicator exchange.Indicator
	Limit     time.Duration // inclusive; for each token where the indicator says so
}

// missed says whether q missed o. Times from the request's start are longer by elapsed.
func (o *Objective) missed(q *Request, elapsed time.Duration) bool {
	switch o.Indicator {
	case exchange.TTFT:
		return q.late(q.TTFT, q.Empty, o.Limit, elapsed)
	case exchange.TTFTPerInputToken:
		return q.Input.Known && q.Input.N > 0 && q.late(q.TTFT, q.Empty, times(o.Limit, q.Input.N), elapsed)
	case exchange.TTFA:
		return q.late(q.TTFA, q.mute(), o.Limit, elapsed)
	case exchange.TPOT:
		return q.TPOT > o.Limit
	case exchange.ITLP50:
		return q.ITL.P50 > o.Limit
	case exchange.ITLP90:
		return q.ITL.P90 > o.Limit
	case exchange.ITLP99:
		return q.ITL.P99 > o.Limit
	case exchange.Stall:
		return q.Stall > o.Limit
	case exchange.Silence:
		return q.Silence > o.Limit
	case exchange.E2E:
		return q.E2E+elapsed > o.Limit
	case exchange.E2EPerOutputToken:
		return q.Output.Known && q.Output.N > 0 && q.E2E+elapsed > times(o.Limit, q.Output.N)
	}
	return false
}

// times is d × n, or the longest Duration where that is longer.
func times(d time.Duration, n int64) time.Duration {
	if n > int64(math.MaxInt64/d) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}

// Objectives are the limits that a request must keep to be good, at most one for each
// indicator.
type Objectives []Objective

// String is o as the command line takes objectives: ttft=500ms,tpot=50ms.
func (o Objectives) String() string {
	out := make([]string, len(o))
	for i := range o {
		out[i] = o[i].Indicator.String() + "=" + o[i].Limit.String()
	}
	return strings.Join(out, ",")
}

// askOfContent says whether an objective limits more than how the response was delivered.
func (o Objectives) askOfContent() bool {
	return slices.ContainsFunc(o, func(o Objective) bool { return o.Indicator != exchange.E2E })
}

// Judge returns the indicators that q missed, Error among them if q failed. A request
// that missed none is good if it counts; one that does not count is neither good nor bad.
func (o Objectives) Judge(q *Request) (missed exchange.Misses, counts bool) {
	if q.Unread && o.askOfContent() {
		return 0, false
	}
	if q.failed() {
		missed = missed.With(exchange.Error)
	}
	for i := range o {
		if o[i].missed(q, 0) {
			missed = missed.With(o[i].Indicator)
		}
	}
	return missed, q.counts(missed)
}
