package exchange

import (
	"fmt"
	"time"
)

// Fingerprint is a keyed hash; 0 is none. The key is random and lives as long as the
// process, so that two Fingerprints say whether two texts are equal, and nothing else.
type Fingerprint uint64

// SDK is the number of a client SDK in the table of proxy/sdk; 0 stands for every SDK
// that the table lacks.
type SDK uint8

// Identifier is the number, in the table of proxy/sdk, of a header field that
// identifies a call, the strongest first; 0 is none.
type Identifier uint8

// Call holds all evidence in a request about the logical call that the request is an
// attempt of.
type Call struct {
	// ID is the fingerprint of an identifier that the client keeps over its attempts.
	// IDSource says which field carried it.
	ID       Fingerprint
	IDSource Identifier
	// Client is the SDK that sent the request.
	Client SDK
	// Agent is the fingerprint of the User-Agent: it tells clients apart that are of one SDK,
	// or of none that headway knows. It is 0 without a User-Agent.
	Agent Fingerprint
	// Request is the fingerprint of method, target, upstream, body and credentials. It is
	// 0 for a request without a body, and for one whose body headway did not read whole.
	Request Fingerprint
	// Conversation is the fingerprint of the question alone, without model and upstream.
	// It is 0 when headway could not read the body as JSON.
	Conversation Fingerprint
	// Retries is the number of retries so far, as the client counts them.
	Retries Count
}

// Advice holds the instructions of a response to its client about trying again.
type Advice struct {
	RetryAfter time.Duration // wait this long before the next try; 0 when the response names no time
	Retry      Ruling        // whether to try again at all (x-should-retry)
}

// Ruling is a yes, a no, or silence.
type Ruling int8

// The rulings. Unruled means that the response was silent.
const (
	Unruled Ruling = iota
	Yes
	No
)

// ChainID names a chain within the process. 0 is none.
type ChainID uint64

// String is id in 16 hex digits, empty for none.
func (id ChainID) String() string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(id))
}

// Attempt places an exchange in the chain of attempts that a client made for one
// logical call.
type Attempt struct {
	Chain     ChainID
	Number    int           // from 1
	JoinedBy  string        // the evidence that joined it to the chain; empty for the first attempt
	Fallback  bool          // its model or upstream differs from the attempt before
	Ambiguous bool          // the evidence fits another chain equally well
	Elapsed   time.Duration // from the start of the first attempt to the start of this one
	// Outcome is the outcome of the chain when this attempt ended the chain; empty when
	// another attempt may follow.
	Outcome ChainOutcome
}

// ChainOutcome is how a logical call ended.
type ChainOutcome string

// The outcomes of a chain.
const (
	FirstTry  ChainOutcome = "first_try" // one attempt, and it was answered
	Recovered ChainOutcome = "recovered" // answered after failed attempts
	Exhausted ChainOutcome = "exhausted" // the last attempt failed, and no other followed
	Abandoned ChainOutcome = "abandoned" // the client left its last attempt
)

// ChainOutcomes lists every outcome of a chain.
func ChainOutcomes() []ChainOutcome {
	return []ChainOutcome{FirstTry, Recovered, Exhausted, Abandoned}
}

// Chain is one logical call: all its attempts, as its user felt them. The joiner hands
// it to every ChainObserver once, by value, when the chain is over.
type Chain struct {
	ID       ChainID
	Outcome  ChainOutcome
	Start    time.Time // of the first attempt
	Attempts int
	JoinedBy []string // the evidence that joined its attempts, each kind once
	Fallback bool     // its attempts went to more than one model or upstream
	// Ambiguous says that the evidence for an attempt fitted another chain equally well.
	Ambiguous bool
	// Late says that silence closed the chain after its last attempt had ended. The
	// Record of that attempt carries no chain outcome.
	Late bool

	// TTFT runs from the start of the first attempt to the first token of the last one;
	// 0 when the last attempt streamed no token.
	TTFT time.Duration
	// E2E runs from the start of the first attempt to the end of the last one.
	E2E time.Duration

	Slept             time.Duration // between attempts
	Waste             []Waste       // by cause, each once
	RetryAfterIgnored int           // attempts that began sooner than the server had asked

	// Last is the last attempt that ended. When the chain is Late, Last lacks chunks,
	// clocks, sizes, rate limits, limits of the request, call, notes, tracestate and Span.ID,
	// which the joiner does not keep; it has Span.Trace.
	Last Record
	// Verdicts holds the verdicts of the SLOs on a chain that is Late. Those on any other
	// chain are in the Record of its last attempt.
	Verdicts []Verdict
}

// TTFA is the time from the start of the first attempt to the first answer token of the
// last one; 0 when the last attempt streamed no such token.
func (c *Chain) TTFA() time.Duration {
	if c.TTFT == 0 || c.Last.TTFA() == 0 {
		return 0
	}
	return c.TTFT + c.Last.TTFA() - c.Last.TTFT()
}

// Waste is the cost of the failed attempts of a chain, for one cause.
type Waste struct {
	Cause    string // error.type of these attempts
	Attempts int
	Time     time.Duration // spent in them
	// Input counts the tokens that the upstream read for nothing: as reported for an
	// attempt, or, when the upstream accepted the attempt and reported nothing, as
	// reported with the answer to the same request.
	Input  Count
	Output Count // tokens that were thrown away, as reported
	// Cost is the price of the attempts that have one, in Currency; see Cost.
	Cost     float64
	Currency string // empty if none has
}
