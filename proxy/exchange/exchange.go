// Package exchange is the vocabulary of headway. A Record describes one request and its
// response; the tap measures it once, and every Observer gets it.
//
// Every other package stands on this one. It imports the standard library only, does no
// I/O and knows no output format.
package exchange

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Record is one exchange: a request, its response, and the time of each step. The tap
// hands it by value to every Observer, once, when the exchange has ended and the Record
// is complete. All observers share its slices: they may keep them, but must not change
// them.
type Record struct {
	// Start is the moment at which the head of the request had come. It is the zero of every
	// offset in Timing and Chunks.
	Start time.Time

	Origin Origin
	Probe  string // name of the probe that sent it; empty for all but canaries
	Role   Role
	Mode   Mode

	Dialect   string // openai-chat; empty for traffic of no known dialect
	Operation Operation
	// PathClass is a template of the path, of an exchange that no dialect reads: words of
	// APIs, and {} for all that names something. The process makes a bounded number of them.
	PathClass string
	Provider  string // gen_ai.provider.name
	Model     Model
	Upstream  Upstream

	// Stream says that the response came as a stream of events. When an error or nothing
	// came instead, it says that the request asked for a stream.
	Stream bool
	// Unread says that headway knows only how the response was delivered and not what it
	// said: no dialect reads it, or its decoder could not go on.
	Unread bool
	// ArrivalClock is KernelClock if the kernel stamped the head of the request and every
	// read of the response.
	ArrivalClock ArrivalClock
	// Status is the HTTP status that the client got; 0 when it got none.
	Status        int
	Outcome       Outcome
	ErrorType     ErrorType
	FinishReasons []string // normalised: stop, length, tool_calls, content_filter, error

	Timing   Timing
	Events   int // messages of the stream, with content or without
	Chunks   Chunks
	Bursts   Bursts // of the content, as the tap found them
	Usage    Usage
	Clocks   Clocks
	Overhead Overhead
	Bytes    Bytes

	RateLimits []RateLimit
	Advice     Advice
	Engine     Engine
	Trace      Trace
	Span       Span
	Conditions Met // the header conditions that the request met

	// Labels holds a value for each label that the configuration defines, in its order: valid
	// UTF-8 without control characters, MaxLabelBytes long at most, and empty where the request has
	// none. It is nil if the configuration defines no labels.
	Labels []string
	// Limits holds the limits that the request set itself, each indicator once; nil for none.
	Limits []RequestLimit

	Early    Early     // how much of it Interims have told before its end; the tap sets it
	Pauses   []Pause   // of its engine, while its content came; the pause stage sets them
	Call     Call      // the evidence about the call that the request is an attempt of
	Thread   Thread    // the evidence about the session that it belongs to
	Attempt  Attempt   // its place in its chain; the chain stage sets it
	Turn     Turn      // its place in the turn of a session; the turn stage sets it
	Prefix   Prefix    // its prompt beside the last one; the tap gives the hashes, the stage of prompt caches compares
	Cost     Cost      // what it cost; the price stage sets it
	Verdicts []Verdict // one for each SLO that judged it; the SLO stage sets them
	Sampling Sampling  // whether its trace is kept; the sampling stage sets it

	// Notes names the oddities of the exchange, each once.
	Notes []string
}

// StoppedReading reports whether notes, those of a Record, say that headway stopped reading
// the response before its end. Then a token that the Record lacks may have come.
func StoppedReading(notes []string) bool {
	return slices.ContainsFunc(notes, func(note string) bool { return strings.HasPrefix(note, "decoder_") })
}

// NotUnderstood is the note of a response that came whole, and of which headway understood
// nothing.
const NotUnderstood = "body_not_understood"

// An Observer gets the Record of every exchange, once, when the exchange has ended. The
// goroutine that relayed the exchange calls Observe after it has forwarded the last
// byte: Observe must be safe for concurrent use and must not wait for I/O.
type Observer interface {
	Observe(Record)
}

// A ChainObserver is an Observer that also gets every chain, once, when the chain is
// over: after its last attempt, or when no other attempt can come any more.
type ChainObserver interface {
	Observer
	ObserveChain(Chain)
}

// Fanout hands every Record to several observers, in order, and every chain to those of
// them that are ChainObservers.
type Fanout []Observer

// Observe hands r to every observer.
func (f Fanout) Observe(r Record) {
	for _, o := range f {
		o.Observe(r)
	}
}

// ObserveChain hands c to every ChainObserver.
func (f Fanout) ObserveChain(c Chain) {
	for _, o := range f {
		if o, ok := o.(ChainObserver); ok {
			o.ObserveChain(c)
		}
	}
}

// Model names the model of the request and the model that answered.
type Model struct {
	Request  string
	Response string
}

// Upstream is the server that got the request.
type Upstream struct {
	Host string // name as configured, never an address that the name resolves to
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

// RateLimit is one limit, as the upstream reported it with a response.
type RateLimit struct {
	Kind      string // requests, tokens, input_tokens, output_tokens
	Limit     Count
	Remaining Count
	Reset     time.Duration // time until the limit is full again; 0 is unknown
}
