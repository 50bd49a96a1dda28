// Package dialect recognises the wire protocol of an exchange and reads what
// its bytes mean: which model, how many tokens, when each of them came.
//
// A dialect only looks. It sees copies of bytes that were forwarded already, and
// whatever they are, it neither fails nor waits.
package dialect

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// A Dialect is one API on the wire: OpenAI chat completions, say. It is safe for
// concurrent use.
type Dialect interface {
	// Match reports whether the head of a request is one of this dialect: by method
	// and path first, never by host. It must not keep h.
	Match(h *Head) bool
	// NewDecoder starts reading an exchange that matched. The decoder may keep h; the
	// tap takes its Header away when NewDecoder returns, and fills its Response before
	// the first Feed.
	NewDecoder(h *Head) Decoder
}

// A Decoder reads one exchange as it passes. Its methods are never called
// concurrently. They must not keep p, which is reused after the call, and must
// not block; a steady stream must cost no allocation.
type Decoder interface {
	// Request reads the next bytes of the request's body.
	Request(p []byte)
	// Ask tells what is known of the request so far.
	Ask() Ask
	// Feed reads the next bytes of the response's body, decompressed, which
	// arrived at the offset at from the request's start.
	Feed(p []byte, at time.Duration)
	// Close tells what was understood. No other call follows.
	Close() Reply
}

// Head holds the parts of an exchange's heads that a dialect needs.
type Head struct {
	Method   string
	Path     string // as sent to the upstream, undecoded, without the query
	Query    string // without the question mark
	Upstream exchange.Upstream
	// Header has the fields of the request, for Match and NewDecoder only: it is nil
	// after these calls, and a decoder copies the values that it wants to keep.
	Header exchange.Header

	Response Response
}

// Response is the head of the final response.
type Response struct {
	Status      int
	ContentType string // media type in lower case, without parameters
}

// Ask is what a request asks for.
type Ask struct {
	Dialect   string
	Operation exchange.Operation
	Provider  string
	Model     string
	Stream    bool
}

// Reply is what a decoder understood of an exchange. Its Stream says whether the
// response came as a stream of events.
type Reply struct {
	Ask

	Model         string // the model that answered; empty if not told
	FinishReasons []string
	Usage         exchange.Usage
	Engine        exchange.Engine

	FirstEvent time.Duration // offset of the first complete message; 0 if none
	Events     int           // messages of the stream, with content or without
	FirstToken time.Duration // offset of the first content chunk; 0 if none
	LastToken  time.Duration
	Chunks     exchange.Chunks

	// Complete says that the response said all it had to say: its terminator came,
	// or the body of a response that is no stream was read to its end, as far as
	// the body tells it.
	Complete bool
	// Failed says that the response carries an error, whatever its status.
	Failed bool
	// Replay says that the stream repeats an earlier one; its times mean nothing.
	Replay bool
	Notes  []string
}

// Set is the dialects that are looked for, in order.
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
