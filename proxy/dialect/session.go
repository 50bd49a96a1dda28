package dialect

import "github.com/headway-sidecar/headway/proxy/exchange"

// Sessions is a dialect whose exchanges may share a connection that became a WebSocket
// (RFC 6455). Each message is a JSON document. The client asks in a message of its own, and
// the messages of the server say in one way or another which answer they belong to.
//
// Match looks at the request that opens the session. The head that NewDecoder gets is that
// one too, without its fields. A decoder gets the message that asks
// as the body of the request; and as the body of the response, of the content type
// Sequence, the messages of the answer, each with a separator behind it.
type Sessions interface {
	Dialect
	// Envelopes returns a reader for one direction of a session. It returns nil if the
	// exchanges of the dialect do not share connections.
	Envelopes() Envelopes
}

// Sequence is the content type of JSON documents with separators behind them (RFC 7464).
const Sequence = "application/json-seq"

// Envelopes reads the part of each message that says which exchange it belongs to. It
// belongs to one goroutine at a time.
type Envelopes interface {
	// Feed reads the next bytes of the message. It does not keep p.
	Feed(p []byte)
	// Envelope returns what the message has said so far.
	Envelope() Envelope
	// Restart begins the next message.
	Restart()
}

// Envelope is what a message of a session says about the exchange that it belongs to.
type Envelope struct {
	Role Role
	// Lane is the sequence of exchanges to which the message belongs; 0 is the only one.
	// The answers of a lane come one after the other.
	Lane ID
	// Response names the answer.
	Response ID
	// Event names the message that asks, in the words of the client, or the one that the
	// server refuses.
	Event ID
	// Status is the HTTP status that the server's error stands for; 0 if it names none.
	Status int
	// Model is the model that the message chooses for all answers of the session; empty if it
	// chooses none.
	Model string
	// Becomes is the dialect that the session speaks from the next message on, in both
	// directions; nil if the message changes nothing about that.
	Becomes Sessions
	// Limits are the rate limits that the server tells, in a message with the role Informs.
	Limits []exchange.RateLimit
	// Generated says that all of the answer has been generated. The server may keep its last
	// message back until the sound has been played.
	Generated bool
	// Last says that the message is the last one of the answer that it Answers.
	Last bool
	// Silent says that the client asks for no answer, but for the server to be ready.
	Silent bool
}

// ID is the hash of an identifier. 0 is none.
type ID uint64

// Role is what a message is for.
type Role uint8

// The roles. The first message of an answer Opens it, unless its server sends none such.
const (
	Unknown    Role = iota // the message has not said
	Unrelated              // it belongs to no exchange
	Asks                   // the client's question
	Opens                  // the first message of an answer
	Continues              // another message of it
	Ends                   // the last one
	Fails                  // an error that ends an answer
	Refuses                // an error that may be about a question; an answer that is open goes on
	Prompts                // the server has got a question that the client does not ask in a message: speech has ended
	Retracts               // the speech goes on
	Informs                // it tells of the whole session
	Answers                // part of an answer, which it opens if none is open
	Interrupts             // it breaks off the answer that goes on, and names none
	Accepts                // the server has got a question that the client does not ask in a message, and names the lane of its answer
)
