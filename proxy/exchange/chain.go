package exchange

import (
	"fmt"
	"time"
)

// Fingerprint is a keyed hash. The key is random and lives as long as the
// process, so that a Fingerprint tells equal from different and nothing else.
// 0 means that there is none.
type Fingerprint uint64

// SDK is the number of a client SDK in the table of proxy/sdk; 0 is any that the
// table does not have.
type SDK uint8

// Identifier is the number, in the table of proxy/sdk, of a header field that
// identifies a call, the strongest first; 0 is none.
type Identifier uint8

// Call is all that a request says of the logical call that it is an attempt of.
type Call struct {
	// ID is the fingerprint of an identifier that the client keeps over its attempts.
	// IDSource says which field carried it.
	ID       Fingerprint
	IDSource Identifier
	// Client is the SDK that sent the request.
	Client SDK
	// Request is the fingerprint of method, target, upstream, body and credentials. A
	// request without a body has none, nor has one that headway did not read whole.
	Request Fingerprint
	// Conversation is the fingerprint of the question, whichever model and upstream it
	// went to. There is none when headway could not read the body as JSON.
	Conversation Fingerprint
	// Retries is how often the client says that it has retried.
	Retries Count
}

// Advice is what a response told its client about trying again.
type Advice struct {
	RetryAfter time.Duration // asked to wait; 0 when it was not told
	Retry      Ruling        // told whether to try again (x-should-retry)
}

// Ruling is an answer that may not have been given.
type Ruling int8

// The rulings.
const (
	Untold Ruling = iota
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
	JoinedBy  string        // the evidence; empty for the first attempt
	Fallback  bool          // it asked another model or upstream than the attempt before
	Ambiguous bool          // as much speaks for another chain
	Elapsed   time.Duration // from the start of the first attempt to the start of this one
	// Outcome is the chain's when this attempt ended it, empty when another may
	// follow.
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

// Chain is one logical call: all its attempts, as its user felt them. It is a
// value, told once, when the chain is over.
type Chain struct {
	ID       ChainID
	Outcome  ChainOutcome
	Start    time.Time // of the first attempt
	Attempts int
	JoinedBy []string // the evidence, each kind once
	Fallback bool     // it has asked more than one model or upstream
	// Ambiguous says that an attempt could as well have been of another chain.
	Ambiguous bool
	// Late says that it was closed by silence, and not by its last attempt, whose
	// Record had no chain outcome then.
	Late bool

	TTFT time.Duration // from the start of the first attempt to the last's first token; 0 when that streamed none
	E2E  time.Duration // likewise, to the end of the last attempt

	Slept             time.Duration // between attempts
	Waste             []Waste       // by cause, each once
	RetryAfterIgnored int           // attempts that came sooner than the server had asked

	// Last is the last attempt that ended. When Late, it is what was kept of it: its
	// chunks, clocks, sizes, rate limits, call, notes, tracestate and the id of its span
	// are not. Its Span.Trace is.
	Last Record
	// Verdicts are the SLOs' of a chain that was closed late. Otherwise they are with
	// the Record that closed it.
	Verdicts []Verdict
}

// Waste is what the attempts of a chain that did not end well cost, for one cause.
type Waste struct {
	Cause    string // error.type of these attempts
	Attempts int
	Time     time.Duration // spent in them
	// Input counts the tokens that the upstream read for nothing: as an attempt told,
	// or as the answer to the same request did for one that was not turned away.
	Input  Count
	Output Count // tokens thrown away, as the attempts told
}
