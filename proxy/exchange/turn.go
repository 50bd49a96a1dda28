package exchange

import (
	"hash/maphash"
	"time"
)

// seed is the key of FingerprintOf. Nothing changes it, because an id that left in one
// response returns in a request that another tap may read.
var seed = maphash.MakeSeed()

// FingerprintOf is the Fingerprint of a text; 0 of an empty one. Readers of responses and
// readers of requests use it for the same ids.
func FingerprintOf(text []byte) Fingerprint {
	if len(text) == 0 {
		return 0
	}
	return Fingerprint(max(1, maphash.Bytes(seed, text)))
}

// Marker is the number, in the table of proxy/sdk, of a place where a client names the
// session of a request, the strongest first; 0 is none.
type Marker uint8

// Mark is the name that a client gave the session of a request. The zero value is none.
type Mark struct {
	By Marker
	ID Fingerprint
}

// Speaker says whose message a request puts to the model.
type Speaker uint8

// The speakers. Nobody is that of a request of which headway could not read the messages.
const (
	Nobody Speaker = iota
	Human
	Tool // the request brings the results of tools
)

// MaxMarks is how many marks of a request a Thread has room for: the strongest.
const MaxMarks = 3

// Thread holds all evidence in an exchange about the session and the turn that it belongs
// to: hashes only.
type Thread struct {
	Marks [MaxMarks]Mark // the strongest first
	// Follows is the id of an earlier response that the request names.
	Follows Fingerprint
	// Result is the id of the last tool call whose result the request brings.
	Result  Fingerprint
	Speaker Speaker
	// Forced says that the request leaves the model no choice but to call one tool: many
	// clients want only the arguments, and never bring a result.
	Forced bool
	// Whole is the fingerprint of all messages of the request. Before is that of the
	// messages before the model's last ones, which is Whole of the request that these
	// answered. Stem is that of all messages up to the model's last one. Both are 0 in a
	// request without a message of the model.
	Whole, Before, Stem Fingerprint

	// Response is the id of the response, and Calls are those of the calls of tools in it.
	Response Fingerprint
	Calls    []Fingerprint
}

// CallsTools reports whether the response of r asks the client to run tools.
func (r *Record) CallsTools() bool {
	if len(r.Thread.Calls) > 0 {
		return true
	}
	for _, reason := range r.FinishReasons {
		if reason == "tool_calls" {
			return true
		}
	}
	return false
}

// SessionID names a session within the process. 0 is none.
type SessionID uint64

// TurnID names a turn within the process. 0 is none.
type TurnID uint64

// String is id in 16 hex digits, empty for none.
func (id SessionID) String() string { return ChainID(id).String() }

// String is id in 16 hex digits, empty for none.
func (id TurnID) String() string { return ChainID(id).String() }

// Turn places an exchange in the turn of a session. The turn stage sets it.
type Turn struct {
	Session   SessionID
	ID        TurnID
	Call      int    // of the turn, from 1; attempts of one call have the same
	JoinedBy  string // the evidence that joined the exchange to its session; empty for the first
	Ambiguous bool   // the evidence fits another session equally well
	// Outcome is the outcome of the turn when this exchange ended it; empty when the turn may
	// go on. Alone says that the exchange is all of its turn, and the first of its session.
	Outcome TurnOutcome
	Alone   bool
	// Parent is the span of the turn, in Record.Span.Trace. It is all zeros where the client
	// traces, where the upstream knows another trace, and for an exchange that is alone.
	Parent SpanID
}

// TurnOutcome is how a turn ended.
type TurnOutcome string

// The outcomes of a turn.
const (
	TurnAnswered  TurnOutcome = "answered"  // by a response that calls no tool
	TurnFailed    TurnOutcome = "failed"    // its last call failed
	TurnAbandoned TurnOutcome = "abandoned" // the client left, or brought no results of its tools
	TurnUnknown   TurnOutcome = "unknown"   // headway had no room to see its end
)

// TurnOutcomes lists every outcome of a turn.
func TurnOutcomes() []TurnOutcome {
	return []TurnOutcome{TurnAnswered, TurnFailed, TurnAbandoned, TurnUnknown}
}

// WholeTurn is one turn of a session: from the request that puts the human's message to
// the end of the response that calls no tool. The turn stage hands it to every
// TurnObserver once, when the turn is over.
type WholeTurn struct {
	ID      TurnID
	Session SessionID
	Number  int // of the session, from 1, as far as headway saw it
	Outcome TurnOutcome
	Start   time.Time // of its first request

	Calls     int      // of models: the attempts of one call count once
	Attempts  int      // exchanges
	ToolCalls int      // that its responses asked for
	Overlap   int      // the most exchanges that were under way at once
	JoinedBy  []string // the evidence that joined its exchanges, each kind once
	Ambiguous bool     // the evidence for one of them fits another session equally well
	// Late says that headway learnt after the end of the turn that it was over: from the
	// next turn, or from a long silence.
	Late bool

	// All runs from Start to the end of the last response. Model is the part in which an
	// exchange was under way, and Tool the part in which none was and the results of tools
	// were awaited. The rest is the wait before retries.
	All, Model, Tool time.Duration
	// FirstAnswer runs from Start to the first answer token of the response that ended the
	// turn; 0 when that streamed none.
	FirstAnswer time.Duration
	// Human runs from the end of the session's turn before to Start; 0 is unknown.
	Human time.Duration

	// Last has origin, role, mode, dialect, operation, provider, model, upstream, outcome,
	// status, error type and whether it streamed, of the last exchange that ended.
	Last Record
	// Span is the span of the turn. Its trace is the client's if the first request had one.
	Span Span
	// Trace is the client's trace context of the first request.
	Trace    Trace
	Verdicts []Verdict // of the SLOs on turns
}

// Alone reports whether t is one exchange that was answered, and the first of its session:
// the Record of that exchange says all of t.
func (t *WholeTurn) Alone() bool {
	return t.Attempts == 1 && t.Number == 1 && t.Outcome == TurnAnswered && !t.Late
}

// Slept is the part of t in which its client waited before a retry.
func (t *WholeTurn) Slept() time.Duration { return max(0, t.All-t.Model-t.Tool) }

// A TurnObserver is an Observer that also gets every turn, once, when the turn is over.
type TurnObserver interface {
	Observer
	ObserveTurn(WholeTurn)
}

// ObserveTurn hands t to every TurnObserver.
func (f Fanout) ObserveTurn(t WholeTurn) {
	for _, o := range f {
		HandTurn(o, t)
	}
}

// HandTurn hands t to o, if o is a TurnObserver.
func HandTurn(o Observer, t WholeTurn) {
	if o, ok := o.(TurnObserver); ok {
		o.ObserveTurn(t)
	}
}
