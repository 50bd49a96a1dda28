// Package dialect recognises the wire protocol of an exchange and reads its bytes: the
// model, the number of tokens, and the arrival of each.
//
// A dialect only looks. It gets bytes that headway has forwarded already; whatever they
// are, it neither fails nor waits.
package dialect

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// A Dialect is one API on the wire: OpenAI chat completions, say. It is safe for
// concurrent use.
type Dialect interface {
	// Match reports whether a request with this head speaks the dialect. It looks at
	// method and path first, and never at the host. It must not keep h.
	Match(h *Head) bool
	// NewDecoder returns a decoder for an exchange that matched. The decoder may keep h;
	// the tap sets h.Header to nil when NewDecoder returns, and fills in h.Response before
	// the first Feed.
	NewDecoder(h *Head) Decoder
}

// A Decoder reads one exchange as it passes. The tap never calls two of its methods at
// once. The caller owns p and reuses it after the call, so no method may keep it. No
// method may block, and a steady stream must cost no allocation.
type Decoder interface {
	// Request reads the next bytes of the request's body.
	Request(p []byte)
	// Ask returns what the decoder has read of the request so far.
	Ask() Ask
	// Feed reads the next bytes of the response's body, decompressed. They arrived at the
	// offset at from the start of the request.
	Feed(p []byte, at time.Duration)
	// Progress returns how much content the decoder has read so far.
	Progress() Progress
	// Over says whether the response has said that it is over.
	Over() bool
	// Waited returns the last wait of exchange.SilentFrom or longer between two content chunks.
	Waited() Wait
	// Close ends the exchange and returns its content. No other call follows.
	Close() Reply
}

// Head holds the parts of an exchange's heads that a dialect needs.
type Head struct {
	Method   string
	Path     string // as headway sends it to the upstream: undecoded, without the query
	Query    string // without the question mark
	Upstream exchange.Upstream
	// Upgrade is the protocol that the client wants to switch to, in lower case; empty for
	// none.
	Upgrade string
	// Model is the model that the session has chosen for its answers; empty for none.
	Model string
	// Header has the fields of the request during Match and NewDecoder, and is nil
	// afterwards. A decoder copies the values that it wants to keep.
	Header exchange.Header

	Response Response
}

// Response is the head of the final response.
type Response struct {
	Status      int
	ContentType string // media type in lower case, without parameters
}

// Ask describes a request.
type Ask struct {
	Dialect   string
	Operation exchange.Operation
	Provider  string
	Model     string
	Stream    bool
}

// Progress is how far a streamed response has come. All of it is 0 before the first content.
// It has four fields, so that the compiler hands it over in registers.
type Progress struct {
	FirstToken time.Duration // offset of the first content chunk
	LastToken  time.Duration // offset of the last one
	Chunks     int           // content chunks
	Tokens     int64         // in them, at least one in each; usage that the server reports is not asked
}

// Wait is the time between two content chunks, as offsets. It is zero if there was none.
type Wait struct{ From, To time.Duration }

// Reply is the result of a decoder. In a Reply, Ask.Stream says whether the response
// came as a stream of events.
type Reply struct {
	Ask

	Model string // the model that answered; empty when the response does not name it
	// ID is the id of the response, of an API whose requests name earlier responses, and
	// Calls are the ids of the calls of the client's tools.
	ID            exchange.Fingerprint
	Calls         []exchange.Fingerprint
	FinishReasons []string
	Usage         exchange.Usage
	Engine        exchange.Engine

	FirstEvent time.Duration // offset of the first complete message; 0 when none came
	Events     int           // messages of the stream, with content or without
	FirstToken time.Duration // offset of the first content chunk; 0 when none came
	LastToken  time.Duration // offset of the last content chunk; 0 when none came
	// FirstAnswer is the offset of the first content chunk that has more than reasoning; 0
	// when none came.
	FirstAnswer time.Duration
	Chunks      exchange.Chunks

	// Complete says that nothing of the response is missing: the terminator of the stream
	// came or, when the response is no stream, the body itself shows that it is whole.
	Complete bool
	// Terminated says that a complete response said itself where it ends: by its terminator,
	// by its last message, or as a whole document. Nothing of it can be missing, then.
	Terminated bool
	// Endless says that a complete response has no terminator: only the end of its body shows
	// that it is whole.
	Endless bool
	// Failed says that the response carries an error, whatever its HTTP status.
	Failed bool
	// Unended says that Failed rests on the last message alone: it was no answer, and nothing
	// came behind it. Of a client that left, that says nothing.
	Unended bool
	// FailedAt is the offset at which an error came inside the response; 0 when none did.
	FailedAt time.Duration
	// Canceled says that the response ended early because the client no longer wanted it.
	Canceled bool
	// Unread says that the response came whole, and that nothing of it was understood.
	Unread bool
	// Replay says that the stream repeats an earlier one; its times mean nothing.
	Replay bool
	// Notes names the oddities of the exchange, each once.
	Notes []string
}

// Set lists dialects in the order in which Match tries them.
type Set []Dialect

// Match returns the first dialect that matches h, or nil.
func (s Set) Match(h *Head) Dialect {
	for _, d := range s {
		if d.Match(h) {
			return d
		}
	}
	return nil
}
