package chain

import (
	"cmp"
	"slices"
	"time"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// attempt is one that is under way.
type attempt struct {
	ticket              ticket
	chain               *chain
	next                *attempt // under way in the same chain
	start               time.Duration
	number              int
	by                  evidence
	fallback, ambiguous bool
	trail               trail
}

// chain is one that is open. Times are from the Joiner's epoch. It holds nothing
// of a Record but what may be asked for when it is closed by silence.
type chain struct {
	id      exchange.ChainID
	flights *attempt // newest first
	tickets int32
	begun   int32 // attempts
	ended   int32 // of them

	start    time.Duration
	end      time.Duration // of the last attempt that ended
	deadline time.Duration // until when another may come; 0 while none has ended
	asked    time.Duration // retry-after of that attempt
	slept    time.Duration
	ignored  int32

	trace     exchange.TraceID // of the first attempt
	trail     trail            // of the last attempt that ended, or of the first
	joined    uint16           // set of evidence
	fallback  bool
	ambiguous bool
	answered  bool
	midStream bool // the last attempt had begun to be answered
	renews    bool // it was told that its credentials are not good

	kind  *kindUse
	last  last
	waste []waste
	steps []step

	links        [3]link // in the index
	older, newer *chain  // in ages
	place        int32   // in the queue, from 1; 0 is not in it
}

// last is what is kept of the Record of the last attempt that ended.
type last struct {
	start, elapsed time.Duration
	timing         exchange.Timing
	usage          *exchange.Usage // nil when nothing is known
	error          exchange.ErrorType
	number         int32
	status         int16
	outcome        outcome
	retry          exchange.Ruling
	by             evidence
	stream         bool
	fell           bool
	unclear        bool
	told           bool // the upstream was, of its span
}

// outcome is an exchange.Outcome in little room: its place in outcomes.
type outcome uint8

var outcomes = exchange.Outcomes()

func outcomeOf(o exchange.Outcome) outcome { return outcome(max(0, slices.Index(outcomes, o))) }

// exchange is o in full.
func (o outcome) exchange() exchange.Outcome { return outcomes[o] }

// waste is exchange.Waste in the making.
type waste struct {
	cause         string
	attempts      int32
	untold        int32 // attempts whose input was read and not told
	time          time.Duration
	input, output exchange.Count
}

// step is an attempt as Chains shows it.
type step struct {
	start, end time.Duration
	number     int32
	status     int16
	by         evidence
	outcome    outcome
}

const (
	chainSize = int(unsafe.Sizeof(chain{})) + indexSize
	stepSize  = int(unsafe.Sizeof(step{}))
	wasteSize = int(unsafe.Sizeof(waste{}))
	// maxSteps and maxCauses bound what one chain holds, however often its client tries.
	maxSteps  = 16
	maxCauses = 8
)

// size is what c holds, in bytes.
func (c *chain) size() int {
	return chainSize + cap(c.steps)*stepSize + cap(c.waste)*wasteSize + c.last.size()
}

func (l *last) size() int {
	if l.usage == nil {
		return 0
	}
	return int(unsafe.Sizeof(*l.usage))
}

// joinable tells whether anything could tell another attempt of c.
func (c *chain) joinable() bool {
	return c.trail.id != 0 || c.trail.request != 0 || c.trail.conversation != 0
}

// book adds a, which ended as r says, to c.
func (j *Joiner) book(c *chain, a *attempt, r *exchange.Record, f fate) {
	before := c.size()
	j.index.remove(c)
	if c.ended > 0 {
		c.slept += max(0, a.start-c.end)
		if c.asked > 0 && a.start-c.end < c.asked-max(early, c.asked/100) {
			c.ignored++
		}
	}
	if a.by != none {
		c.joined |= 1 << a.by
	}
	c.fallback, c.ambiguous = c.fallback || a.fallback, c.ambiguous || a.ambiguous
	c.ended++
	c.end = max(c.end, a.start+r.Timing.End)
	c.asked = r.Advice.RetryAfter
	c.midStream = f == retryable && r.Status >= 200 && r.Status < 300 && r.Outcome != exchange.ClientGone
	c.renews = f == retryable && r.Status == 401
	c.answered = c.answered || f == answered
	c.step(step{start: a.start, end: a.start + r.Timing.End, number: int32(a.number), status: int16(r.Status), by: a.by, outcome: outcomeOf(r.Outcome)})
	if f != answered {
		c.wasted(r, string(j.cause(r)))
	}
	c.trail = a.trail
	j.index.add(c)
	j.keep(c, a, r)
	j.size += c.size() - before
}

// keep takes over what the chain's last Record is made of when it is closed late.
func (j *Joiner) keep(c *chain, a *attempt, r *exchange.Record) {
	old := c.kind
	c.kind = j.kinds.use(r)
	j.kinds.drop(old)
	c.last = last{
		start: a.start, timing: r.Timing, retry: r.Advice.Retry, outcome: outcomeOf(r.Outcome), error: j.cause(r),
		status: int16(r.Status), stream: r.Stream,
		number: int32(a.number), elapsed: a.start - c.start, by: a.by, fell: a.fallback, unclear: a.ambiguous, told: r.Span.Told,
	}
	if r.Usage.Source != exchange.Absent {
		usage := r.Usage
		c.last.usage = &usage
	}
}

// maxErrors bounds the error types that are told apart.
const maxErrors = 1024

// cause is the error type of r, each held once.
func (j *Joiner) cause(r *exchange.Record) exchange.ErrorType {
	switch {
	case r.Outcome == exchange.OK:
		return ""
	case r.ErrorType == "":
		return exchange.ErrOther
	}
	e, known := j.errors[r.ErrorType]
	if !known && len(j.errors) < maxErrors {
		e = r.ErrorType
		j.errors[e] = e
	}
	return cmp.Or(e, exchange.ErrOther)
}

func (c *chain) step(s step) {
	if len(c.steps) < maxSteps {
		c.steps = append(c.steps, s)
	}
}

// wasted books what the attempt of r cost for nothing.
func (c *chain) wasted(r *exchange.Record, cause string) {
	at := slices.IndexFunc(c.waste, func(w waste) bool { return w.cause == cause })
	if at < 0 && len(c.waste) >= maxCauses-1 {
		cause = string(exchange.ErrOther)
		at = slices.IndexFunc(c.waste, func(w waste) bool { return w.cause == cause })
	}
	if at < 0 {
		at = len(c.waste)
		c.waste = append(c.waste, waste{cause: cause})
	}
	w := &c.waste[at]
	w.attempts++
	w.time += r.Timing.End
	add(&w.input, r.Usage.Input)
	add(&w.output, r.Usage.Output)
	if !r.Usage.Input.Known && processed(r) {
		w.untold++
	}
}

func add(to *exchange.Count, c exchange.Count) {
	if c.Known {
		*to = exchange.Known(to.N + c.N)
	}
}

// processed tells whether the upstream may have begun to work on the prompt of a
// failed attempt: it had all of it, and did not turn it away.
func processed(r *exchange.Record) bool {
	switch r.Outcome {
	case exchange.Refused, exchange.ConnectError:
		return false
	case exchange.HTTPError:
		if r.Status < 500 {
			return false
		}
	}
	return r.Timing.RequestWritten > 0
}
