package reading

import (
	"hash/maphash"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The fields of envelopes.
const (
	MessageType frame.Field = iota + 1
	Lane
	ResponseID
	EventID     // that the client gave to the message, or the server to its own
	RefusedID   // the client's EventID that an error is about
	ErrorStatus // the HTTP status that an error stands for, as a number or as text
	Generate    // false: the client asks for no answer yet
	Prewarm     // true: the same
	AnswerModel // of all answers of the session
	SessionKind // what the session is for, see API.Becomes
	LaterModel  // of all answers of the session, if it becomes what Becomes says

	Limit          // an element of the list of rate limits
	LimitName      // requests, tokens
	LimitSize      // the whole of it
	LimitRemaining // what is left of it
	LimitReset     // the seconds until it is whole again
)

// seed is that of every dialect.ID. Both directions of a session share it, and nothing
// changes it.
var seed = maphash.MakeSeed()

// envelopes reads the envelopes of one direction. It implements dialect.Envelopes.
type envelopes struct {
	api      *API
	json     frame.JSON
	envelope dialect.Envelope
	own      dialect.ID // the identifier of the message itself
	later    string     // the value at LaterModel
}

// Envelopes implements dialect.Sessions.
func (a *API) Envelopes() dialect.Envelopes {
	if a.Envelope == nil {
		return nil
	}
	e := &envelopes{api: a}
	e.json = frame.NewJSON(a.Envelope, e)
	return e
}

// Feed implements dialect.Envelopes.
func (e *envelopes) Feed(p []byte) { e.json.Feed(p) }

// Restart implements dialect.Envelopes.
func (e *envelopes) Restart() {
	e.json.Restart()
	e.envelope, e.own, e.later = dialect.Envelope{}, 0, ""
}

// Envelope implements dialect.Envelopes.
func (e *envelopes) Envelope() dialect.Envelope {
	envelope := e.envelope
	switch {
	case envelope.Role == dialect.Unknown && e.json.Broken():
		envelope.Role = dialect.Unrelated
	case envelope.Role == dialect.Answers && envelope.Lane == 0 && e.api.Lanes:
		envelope.Role = dialect.Unknown
	case envelope.Role == dialect.Asks:
		envelope.Event = e.own
	}
	switch {
	case envelope.Becomes != nil:
		envelope.Model = e.later
	case e.api.Becomes != nil && envelope.Role == dialect.Unknown: // the client wants it, and nobody granted it
		envelope.Model = ""
	}
	return envelope
}

// Value implements frame.ValueSink.
func (e *envelopes) Value(v frame.Value) {
	to := &e.envelope
	switch v.Field {
	case MessageType:
		e.name(v)
	case Lane:
		to.Lane = idOf(v)
	case ResponseID:
		to.Response = idOf(v)
	case EventID:
		e.own = idOf(v)
	case RefusedID:
		to.Event = idOf(v)
	case ErrorStatus:
		if status := statusIn(v); status != 0 {
			to.Status = status
		}
	case Generate:
		to.Silent = to.Silent || v.Kind == frame.False
	case Prewarm:
		to.Silent = to.Silent || v.Kind == frame.True
	case AnswerModel:
		if v.Kind == frame.String {
			to.Model = string(v.Text)
		}
	case SessionKind:
		e.become(v)
	case LaterModel:
		if v.Kind == frame.String {
			e.later = string(v.Text)
		}
	case Limit:
		if v.Kind == frame.Object && len(to.Limits) < maxLimits {
			to.Limits = append(to.Limits, exchange.RateLimit{})
		}
	case LimitName, LimitSize, LimitRemaining, LimitReset:
		if n := len(to.Limits); n > 0 {
			readLimit(&to.Limits[n-1], v)
		}
	default:
		e.api.Signal(to, v)
	}
}

// name books the type of the message, which is v. Of several the first counts, because
// nobody may read what comes behind it.
func (e *envelopes) name(v frame.Value) {
	switch to := &e.envelope; {
	case to.Role != dialect.Unknown:
	case v.Kind == frame.String:
		to.Role = e.api.Role(v.Text)
		e.become(v)
	default:
		to.Role = dialect.Unrelated
	}
}

// become books what the session becomes by the word v.
func (e *envelopes) become(v frame.Value) {
	if e.api.Becomes != nil && v.Kind == frame.String && e.envelope.Becomes == nil {
		e.envelope.Becomes = e.api.Becomes(v.Text)
	}
}

// maxLimits is how many rate limits are read in a message.
const maxLimits = 8

// readLimit reads a value of a rate limit.
func readLimit(to *exchange.RateLimit, v frame.Value) {
	switch v.Field {
	case LimitName:
		if v.Kind == frame.String {
			to.Kind = string(v.Text)
		}
	case LimitSize:
		to.Limit = exchange.ParseCount(v.Text)
	case LimitRemaining:
		to.Remaining = exchange.ParseCount(v.Text)
	case LimitReset:
		if s, err := strconv.ParseFloat(string(v.Text), 64); err == nil && s > 0 && s < 1e9 {
			to.Reset = time.Duration(s * float64(time.Second))
		}
	}
}

// idOf is the identifier that v is.
func idOf(v frame.Value) dialect.ID {
	if v.Kind != frame.String || v.Len == 0 {
		return 0
	}
	return dialect.ID(max(1, maphash.Bytes(seed, v.Text)))
}

// statusIn is the HTTP status of an error that v is, as a number or as text; 0 if it is none.
func statusIn(v frame.Value) int {
	if v.Len != 3 || v.Kind != frame.String && v.Kind != frame.Number {
		return 0
	}
	v.Kind = frame.Number
	if n, ok := v.Int(); ok && n >= 400 && n <= 599 {
		return int(n)
	}
	return 0
}
