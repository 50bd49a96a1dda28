// Package exchange is the vocabulary of headway: what one request and its
// response were, measured once and told to everything that wants to know.
//
// It is the ground floor. It imports the standard library only, does no I/O and
// knows no output format.
package exchange

import (
	"net"
	"strconv"
	"time"
)

// Record is one exchange: a request, what came back, and when. It is a value,
// told once to every Observer when the exchange ends, and complete by then.
// Its slices are shared by all observers, who may keep but never change them.
type Record struct {
	// Start is when the head of the request had been read: the zero of every
	// offset in Timing and Chunks.
	Start time.Time

	Origin Origin
	Role   Role
	Mode   Mode

	Dialect   string // openai-chat; empty for traffic of no known dialect
	Operation Operation
	Provider  string // gen_ai.provider.name
	Model     Model
	Upstream  Upstream

	// Stream says that the response came as a stream of events, or was asked to when
	// an error or nothing came instead.
	Stream bool
	// Status is the HTTP status that the client got; 0 when it got none.
	Status        int
	Outcome       Outcome
	ErrorType     ErrorType
	FinishReasons []string // normalised: stop, length, tool_calls, content_filter, error

	Timing   Timing
	Events   int // messages of the stream, with content or without
	Chunks   Chunks
	Usage    Usage
	Clocks   Clocks
	Overhead Overhead
	Bytes    Bytes

	RateLimits []RateLimit
	Advice     Advice
	Engine     Engine
	Trace      Trace
	Span       Span
	Conditions Met // which header conditions its request met

	Call     Call      // what the request says of the call that it is an attempt of
	Attempt  Attempt   // which attempt of which chain it was; set by the chain stage
	Verdicts []Verdict // one for each SLO that judged it; set by the SLO stage
	Sampling Sampling  // whether its trace is kept; set by the sampling stage

	// Notes are oddities that were met on the way, each named once.
	Notes []string
}

// An Observer is told of every exchange, once, when it ended. Observe is called
// from the goroutine that relayed the exchange, after its last byte was
// forwarded: it must be safe for concurrent use and must not wait for I/O.
type Observer interface {
	Observe(Record)
}

// A ChainObserver is an Observer that is told of every chain, too, once, when it
// is over: after its last attempt, or when no other attempt can come any more.
type ChainObserver interface {
	Observer
	ObserveChain(Chain)
}

// Fanout tells several observers in order, and those of them that are
// ChainObservers of chains.
type Fanout []Observer

// Observe tells every observer of r.
func (f Fanout) Observe(r Record) {
	for _, o := range f {
		o.Observe(r)
	}
}

// ObserveChain tells every observer that wants to know of c.
func (f Fanout) ObserveChain(c Chain) {
	for _, o := range f {
		if o, ok := o.(ChainObserver); ok {
			o.ObserveChain(c)
		}
	}
}

// Model is the model that was asked for and the one that answered.
type Model struct {
	Request  string
	Response string
}

// Upstream is where the request went.
type Upstream struct {
	Host string // name as configured, never an address found behind it
	Port int
}

// Address is u as host:port, empty for no upstream.
func (u Upstream) Address() string {
	if u.Host == "" {
		return ""
	}
	return net.JoinHostPort(u.Host, strconv.Itoa(u.Port))
}

// Bytes counts body bytes as they were on the wire, without framing.
type Bytes struct {
	In  int64 // request
	Out int64 // response
}

// RateLimit is one limit as the upstream reported it with a response.
type RateLimit struct {
	Kind      string // requests, tokens, input_tokens, output_tokens
	Limit     Count
	Remaining Count
	Reset     time.Duration // until the limit is full again; 0 is unknown
}
