package chain

import (
	"slices"
	"time"
	"unsafe"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// attempt is an attempt under way.
type attempt struct {
	ticket              ticket
	chain               *chain
	next                *attempt      // under way in the same chain
	start               time.Duration // from the Joiner's epoch
	number              int
	by                  evidence
	fallback, ambiguous bool
	certain             bool // it shares the trace of the chain
	trail               trail
}

// chain is an open chain. Its times are from the Joiner's epoch. Of a Record it holds
// only the parts that the Joiner needs when it closes the chain after a silence.
type chain struct {
	id      exchange.ChainID
	flights *attempt // newest first
	tickets int32
	begun   int32 // attempts that have begun
	ended   int32 // attempts that have ended

	start    time.Duration
	end      time.Duration // of the last attempt that has ended
	deadline time.Duration // until when another may begin; 0 while none has ended
	asked    time.Duration // retry-after of the last attempt that has ended
	slept    time.Duration // between attempts
	ignored  int32         // attempts that did not wait as long as the server asked

	trace     exchange.TraceID // of the first attempt
	trail     trail            // of the last attempt that has ended, else of the first
	joined    evidenceSet
	fallback  bool
	ambiguous bool
	answered  bool
	midStream bool // the answer to the last attempt broke off
	renews    bool // the last attempt got a 401, and its client renews credentials

	kind  *kindUse
	last  last
	waste []waste
	steps []step

	links        [3]link // in the index
	older, newer *chain  // in ages
	place        int32   // in the queue, from 1; 0 is not in it
}

// last holds the parts that a chain keeps of the Record of its last attempt.
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
	fallback       bool
	ambiguous      bool
	announced      bool // the upstream knows its span
}

// outcome is an exchange.Outcome in one byte: its place in outcomes.
type outcome uint8

var outcomes = exchange.Outcomes()

func outcomeOf(o exchange.Outcome) outcome { return outcome(max(0, slices.Index(outcomes, o))) }

// exchange returns o in full.
func (o outcome) exchange() exchange.Outcome { return outcomes[o] }

// waste is exchange.Waste in the making.
type waste struct {
	cause         string
	attempts      int32
	unreported    int32 // attempts whose input the upstream has read but not counted
	time          time.Duration
	input, output exchange.Count
	cost          float64
	currency      [3]byte // ISO 4217; zeros without a cost
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
	// maxSteps and maxCauses bound the memory of one chain, however often its client
	// tries.
	maxSteps  = 16
	maxCauses = 8
)

// size returns the memory that c holds, in bytes.
func (c *chain) size() int {
	return chainSize + cap(c.steps)*stepSize + cap(c.waste)*wasteSize + c.last.size()
}

func (l *last) size() int {
	if l.usage == nil {
		return 0
	}
	return int(unsafe.Sizeof(*l.usage))
}

// joinable reports whether there is anything by which another attempt of c could be
// recognised.
func (c *chain) joinable() bool {
	return c.trail.id != 0 || c.trail.request != 0 || c.trail.conversation != 0
}
