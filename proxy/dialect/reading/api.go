// Package reading is the machine that reads every API. It cuts a response into
// messages, books what each message says, and tells generated tokens from all that
// surrounds them.
//
// It knows no API. An API describes itself as data: the places of its values, named by
// the fields of this package. Where a place alone does not say what a value means, the
// API adds a Reader.
package reading

import (
	"sync"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// API is one API on the wire. It implements dialect.Dialect. Nobody changes it once it
// is in use, so that any number of exchanges may read by it at once.
type API struct {
	Name      string // as dialect.Ask.Dialect has it
	Guide     Guide
	Operation exchange.Operation

	// Matches tells from the head of a request whether the exchange is of this API.
	Matches func(h *dialect.Head) bool
	// Provider returns the provider as far as the head tells it.
	Provider func(h *dialect.Head) string
	// Servers are the names of the inference servers for which the fields from Server up
	// stand. One of them is the provider where the request names none: where Provider
	// returns Unnamed.
	Servers []string
	Unnamed string
	// ServerOf returns the server that a value of Fingerprint names, or nothing. It is nil
	// where the API has no such field.
	ServerOf func(fingerprint []byte) string
	// PathModel returns the model that the path names, or nothing. It is nil where no
	// path names one.
	PathModel func(h *dialect.Head) string
	// Streams tells whether the head asks for a stream. It is nil where only the body can.
	Streams func(h *dialect.Head) bool
	// StreamsUnasked says that an answer is a stream unless the body asks for none.
	StreamsUnasked bool
	// Replays tells whether the request asks for an earlier stream once more. It is nil
	// where no request can.
	Replays func(h *dialect.Head) bool

	Request  *frame.Shape // places of the Ask fields
	Response *frame.Shape // places of the other fields

	// Single says that a response is one answer, not a list of choices.
	Single bool
	// CacheApart says that the count of input tokens leaves out the tokens that were
	// read from the prompt cache and those that were written to it.
	CacheApart bool
	// ReasoningApart says that the count of output tokens leaves out reasoning.
	ReasoningApart bool
	// Terminator is the data of an event that only says that the stream is over.
	Terminator string
	// Unterminated says that nothing but its end says that a stream is over.
	Unterminated bool
	// Endless says that no message of a stream says that the answer has ended.
	Endless bool
	// Media says that an answer may be something else than text.
	Media bool
	// AnyFormat says that nobody promises JSON: the user's own server chooses the format.
	AnyFormat bool
	// Framing is how a stream of this API may come other than as server-sent events.
	Framing Framing

	// Envelope has the places in a message of a session that say which exchange it belongs
	// to, and Role tells from the type of a message what it is for. They are nil where every
	// exchange has an HTTP request of its own.
	Envelope *frame.Shape
	Role     func(messageType []byte) dialect.Role
	// Lanes says that every message which Answers names a lane. As long as it has not, it has
	// not said what it is for.
	Lanes bool
	// Becomes returns the dialect that a session speaks from now on, by a word that is the
	// type of a message or stands at a place of SessionKind; nil for any other word. It is nil where
	// every session stays what it is.
	Becomes func(word []byte) dialect.Sessions
	// Signal reads a value at a place of Envelope whose field is Own or above. It is nil where
	// Envelope has no such place.
	Signal func(e *dialect.Envelope, v frame.Value)

	// NewReader returns what gives meaning to the API's own fields in one exchange. It
	// is nil where the API has none.
	NewReader func() Reader

	works sync.Pool // of *work, with the message of a stream reset
}

// A Reader gives meaning to those fields of one exchange that its API alone has: those
// from AskOwn up in its request, those from Own up in its response. It must not keep
// the text of a value. Embed Plain, and write the methods that the API needs.
type Reader interface {
	// Ask reads a value of the request.
	Ask(v frame.Value)
	// Reset begins a message of the response. The message before may have been cut.
	Reset()
	// Value reads a value of the message m.
	Value(m *Message, v frame.Value)
	// EndChoice ends the choice of m that was read last.
	EndChoice(m *Message)
	// EndMessage ends m, which is whole, and came in an event of the given name if it
	// is part of a stream.
	EndMessage(m *Message, event []byte)
}

// Plain is a Reader to which no field means anything.
type Plain struct{}

// Ask implements Reader.
func (Plain) Ask(frame.Value) {}

// Reset implements Reader.
func (Plain) Reset() {}

// Value implements Reader.
func (Plain) Value(*Message, frame.Value) {}

// EndChoice implements Reader.
func (Plain) EndChoice(*Message) {}

// EndMessage implements Reader.
func (Plain) EndMessage(*Message, []byte) {}

// Match implements dialect.Dialect.
func (a *API) Match(h *dialect.Head) bool { return a.Matches(h) }

// NewDecoder implements dialect.Dialect.
func (a *API) NewDecoder(h *dialect.Head) dialect.Decoder { return newDecoder(a, h) }
