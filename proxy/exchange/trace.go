package exchange

import "encoding/hex"

// Trace is the trace context that the client sent, as W3C fields or as B3's; empty
// when it sent none.
type Trace struct {
	TraceID string // 32 lower-case hex digits
	SpanID  string // 16 lower-case hex digits, the client's span
	Sampled bool
	// Undecided says that the client left open whether the trace is sampled, as B3
	// can. Sampled is false then.
	Undecided bool
	State     string // tracestate as it came, up to 512 bytes; empty when there was none, or a longer one
}

// Span names the span of an exchange. It is chosen when the head of the request was
// read, before anybody knows whether its trace will be kept.
type Span struct {
	// Trace is the client's, or a new one. The attempts of a chain share that of the first, unless
	// they came with others or an upstream was told of them.
	Trace TraceID
	ID    SpanID
	Told  bool // the upstream was told of it
}

// TraceID names a trace (W3C Trace Context, section 3.2.2.3); all zeros is none.
type TraceID [16]byte

// SpanID names a span (section 3.2.2.4); all zeros is none.
type SpanID [8]byte

// String is id in lower-case hex digits, empty for none.
func (id TraceID) String() string {
	if id == (TraceID{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// String is id in lower-case hex digits, empty for none.
func (id SpanID) String() string {
	if id == (SpanID{}) {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// Sampling is what becomes of the trace of an exchange.
type Sampling struct {
	Kept   bool
	Reason string // why it is kept: error, slo, chain, stall, slow, parent, ratio
	// Threshold is the share of traces that are rejected where this one was kept, in
	// units of 2^-56 (OpenTelemetry, TraceState: Probability Sampling). Weighted says
	// that it is known; 0 counts for one.
	Threshold uint64
	Weighted  bool
}
