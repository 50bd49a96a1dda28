package exchange

import "encoding/hex"

// Trace is the trace context that the client sent, in the fields of W3C or of B3. It is
// empty when the client sent none.
type Trace struct {
	TraceID string // 32 lower-case hex digits
	SpanID  string // 16 lower-case hex digits, the client's span
	Sampled bool
	// Undecided says that the client did not decide whether to sample the trace, which B3
	// allows. Sampled is false then.
	Undecided bool
	State     string // tracestate as it came; empty when the client sent none, or more than 512 bytes
}

// Span names the span of an exchange. The tap chooses it when it has read the head of
// the request, before anybody knows whether its trace will be kept.
type Span struct {
	// Trace is the trace of the client, or a new one. All attempts of a chain move to the
	// trace of the first, except those whose client named another, or whose id the
	// upstream got.
	Trace TraceID
	ID    SpanID
	Told  bool // the upstream got this id in the head of its request
}

// TraceID names a trace (W3C Trace Context, section 3.2.2.3); all zeros stand for none.
type TraceID [16]byte

// SpanID names a span (section 3.2.2.4); all zeros stand for none.
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

// Sampling says whether the trace of an exchange is kept, and why.
type Sampling struct {
	Kept   bool
	Reason string // for keeping it: error, slo, chain, stall, slow, parent, ratio
	// Threshold is the share of traces that the sampler rejects where it kept this one,
	// in units of 2^-56 (OpenTelemetry, TraceState: Probability Sampling). A trace with
	// threshold 0 counts as one trace. Weighted says that Threshold is known.
	Threshold uint64
	Weighted  bool
}
