package chain

import (
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
