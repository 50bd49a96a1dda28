package tap

import (
	"encoding/hex"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// contextField is a set of the fields that carry a trace context.
type contextField uint8

// W3C's fields (Trace Context, sections 3.2 and 3.3) and B3's, in one field or in
// several (github.com/openzipkin/b3-propagation).
const (
	traceparent contextField = 1 << iota
	tracestate
	b3Single
	b3Trace
	b3Span
	b3Parent
	b3Sampled
	b3Flags

	b3Multi = b3Trace | b3Span | b3Parent | b3Sampled | b3Flags
	b3Any   = b3Single | b3Multi
)

// contextFieldOf returns the field of that name; 0 for any other. Hardly any other
// field has the length of one of them.
func contextFieldOf(name []byte) contextField {
	switch len(name) {
	case len("b3"):
		return fieldIf(name, "b3", b3Single)
	case len("tracestate"):
		return fieldIf(name, "tracestate", tracestate) | fieldIf(name, "x-b3-flags", b3Flags)
	case len("traceparent"):
		return fieldIf(name, "traceparent", traceparent) | fieldIf(name, "x-b3-spanid", b3Span)
	case len("x-b3-traceid"):
		return fieldIf(name, "x-b3-traceid", b3Trace) | fieldIf(name, "x-b3-sampled", b3Sampled)
	case len("x-b3-parentspanid"):
		return fieldIf(name, "x-b3-parentspanid", b3Parent)
	}
	return 0
}

func fieldIf(name []byte, lower string, f contextField) contextField {
	if exchange.EqualFold(name, lower) {
		return f
	}
	return 0
}

// decision is a client's decision on whether its trace is sampled.
type decision uint8

const (
	deferred decision = iota // the client left it to its upstreams
	denied
	accepted
	debug // accepted, whatever the rate
)

// identity is a span and its trace. A zero trace is no identity.
type identity struct {
	trace exchange.TraceID
	span  exchange.SpanID
}

// clientContext gathers the trace context that the head of a request carries. A field
// that is malformed, or there twice, counts for nothing. B3 in one field outweighs B3
// in several, and W3C's fields outweigh both. It has bytes only, which pack.
type clientContext struct {
	seen, bad contextField

	w3c   identity
	flags byte // of traceparent: bit 0 sampled, bit 1 random

	b3       identity
	decision decision // of b3
	short    bool     // its trace id had 64 bits
	parented bool     // it named a parent
}

// field reads a field of the head, and reports whether it is one of a context. It
// gathers the tracestate in state.
func (c *clientContext) field(name, value []byte, state *string) bool {
	f := contextFieldOf(name)
	if f == 0 {
		return false
	}
	if f == tracestate {
		c.addState(value, state)
	} else if c.seen&f != 0 || !c.read(f, value) {
		c.bad |= f
	}
	c.seen |= f
	return true
}

// read reads the value of a field other than tracestate, and reports whether it is
// well formed.
func (c *clientContext) read(f contextField, v []byte) (ok bool) {
	switch f {
	case traceparent:
		c.w3c, c.flags, ok = readTraceparent(v)
		return ok
	case b3Single:
		return c.readB3(v)
	}
	if c.seen&b3Single != 0 {
		return true // nobody asks for the others
	}
	return c.readMulti(f, v)
}

// readMulti reads one of B3's several fields.
func (c *clientContext) readMulti(f contextField, v []byte) (ok bool) {
	switch f {
	case b3Trace:
		c.b3.trace, c.short, ok = readB3Trace(v)
	case b3Span:
		ok = readID(c.b3.span[:], v)
	case b3Parent:
		var parent exchange.SpanID
		c.parented, ok = true, readID(parent[:], v)
	case b3Sampled:
		ok = c.readSampled(v)
	case b3Flags:
		ok = len(v) == 1 && (v[0] == '0' || v[0] == '1')
		if ok && v[0] == '1' {
			c.decision = debug
		}
	}
	return ok
}

// addState adds a tracestate field to those before it (RFC 9110, section 5.3).
func (c *clientContext) addState(v []byte, state *string) {
	if len(v) == 0 || c.bad&tracestate != 0 {
		return
	}
	if len(v) <= exchange.MaxTraceState {
		if all := exchange.TraceState(join(*state, v)); len(all) <= exchange.MaxTraceState && all.Valid() {
			*state = string(all)
			return
		}
	}
	c.bad |= tracestate
}

// readID reads an id into dst, and reports whether it fills dst and is not all zeros.
func readID(dst, v []byte) bool {
	if !readHex(dst, v) {
		return false
	}
	for _, b := range dst {
		if b != 0 {
			return true
		}
	}
	return false
}

// readHex reads hex digits in lower case into dst, and reports whether they fill it.
func readHex(dst, v []byte) bool {
	if len(v) != 2*len(dst) {
		return false
	}
	for _, c := range v {
		if (c < '0' || '9' < c) && (c < 'a' || 'f' < c) {
			return false
		}
	}
	_, err := hex.Decode(dst, v)
	return err == nil
}

// hasW3C reports whether there is one traceparent, and well formed.
func (c *clientContext) hasW3C() bool { return c.seen&^c.bad&traceparent != 0 }

// hasB3 reports whether there are B3's fields, and well formed. They may carry a
// decision alone, without ids.
func (c *clientContext) hasB3() bool {
	if c.seen&b3Single != 0 {
		return c.bad&b3Single == 0
	}
	complete := c.seen&(b3Trace|b3Span) == b3Trace|b3Span
	alone := c.seen&(b3Trace|b3Span|b3Parent) == 0 && c.decision != deferred
	return c.bad&b3Multi == 0 && (complete || alone)
}

// identity returns the client's span; none when the client named none.
func (c *clientContext) identity() identity {
	switch {
	case c.hasW3C():
		return c.w3c
	case c.hasB3():
		return c.b3
	}
	return identity{}
}

// sampled returns the client's decision.
func (c *clientContext) sampled() decision {
	switch {
	case c.hasW3C() && c.flags&1 == 1:
		return accepted
	case c.hasW3C():
		return denied
	case c.hasB3():
		return c.decision
	}
	return deferred
}

// trace returns the context as the Record has it, with the tracestate in state. A
// decision without an id belongs to no trace.
func (c *clientContext) trace(state string) exchange.Trace {
	id := c.identity()
	if id.trace == (exchange.TraceID{}) {
		return exchange.Trace{}
	}
	var digits [2 * (len(id.trace) + len(id.span))]byte
	n := hex.Encode(digits[:], id.trace[:])
	hex.Encode(digits[n:], id.span[:])
	both := string(digits[:])
	t := exchange.Trace{TraceID: both[:n], SpanID: both[n:], Sampled: c.sampled() >= accepted, Undecided: c.sampled() == deferred}
	if c.hasW3C() && c.bad&tracestate == 0 {
		t.State = state
	}
	return t
}
