package tap

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Context writes the trace context of an exchange's span into one head: the relay
// calls Replace for each field of the head, and AppendRest at its end. It uses the
// fields that the client used, or traceparent when the client used none.
type Context struct {
	span    exchange.Span
	parent  exchange.SpanID // the client's
	sampled decision
	flags   byte   // of traceparent
	state   string // the sampling of B3: 0, 1, d, or empty while it is deferred
	client  *clientContext
	written contextField
}

// Tell returns the context that announces the exchange's span to the upstream, and
// books that the upstream knows the span. Where the client left open whether its trace
// is sampled, the function sampled decides, which may be nil and must not wait. Without
// it B3 leaves that open, and W3C, which cannot, says no.
func (x *Exchange) Tell(sampled func(exchange.TraceID) bool) Context {
	c := Context{parent: x.client.identity().span, sampled: x.client.sampled(), client: &x.client}
	x.mu.Lock()
	x.record.Span.Told = true
	c.span = x.record.Span
	x.mu.Unlock()
	if c.sampled == deferred && sampled != nil {
		c.sampled = denied
		if sampled(c.span.Trace) {
			c.sampled = accepted
		}
	}
	c.spellSampling()
	return c
}

// spellSampling sets the flags and the state that stand for the decision. The random
// flag is the client's as long as the trace is the client's (Trace Context level 2,
// section 3.2.2.5.2).
func (c *Context) spellSampling() {
	switch {
	case c.parent == (exchange.SpanID{}):
		c.flags = 2
	case c.client.hasW3C():
		c.flags = c.client.flags & 2
	}
	switch {
	case c.client.hasB3() && c.client.decision == debug:
		c.state = "d"
	case c.sampled >= accepted:
		c.state = "1"
	case c.sampled == denied:
		c.state = "0"
	}
	if c.sampled >= accepted {
		c.flags |= 1
	}
}

// Replace appends the field that takes the place of a client's field, with the name as
// the client spelled it. It is not ok when the relay is to forward the client's field
// as it came. It may append nothing: a tracestate without a valid traceparent is none
// (Trace Context, section 3.3).
func (c *Context) Replace(dst, name []byte) ([]byte, bool) {
	f := contextFieldOf(name)
	switch {
	case f == 0, f&b3Any != 0 && !c.client.hasB3(), f == tracestate && !c.restarts():
		return dst, false
	case f == tracestate, c.written&f != 0, f == b3Parent && c.parent == (exchange.SpanID{}):
		return dst, true
	}
	return c.appendField(dst, name, f), true
}

// restarts reports whether the head gets a traceparent although the client sent none,
// or none that is valid.
func (c *Context) restarts() bool {
	return !c.client.hasW3C() && (c.client.seen&traceparent != 0 || !c.client.hasB3())
}

// AppendRest appends the fields that the context needs and Replace has not written.
func (c *Context) AppendRest(dst []byte) []byte {
	if c.client.hasW3C() || c.restarts() {
		dst = c.appendMissing(dst, "traceparent", traceparent)
	}
	switch {
	case !c.client.hasB3():
	case c.client.seen&b3Single != 0:
		dst = c.appendMissing(dst, "b3", b3Single)
	default:
		dst = c.appendMissing(dst, "X-B3-TraceId", b3Trace)
		dst = c.appendMissing(dst, "X-B3-SpanId", b3Span)
		if c.state == "0" || c.state == "1" { // debug is said by its flag
			dst = c.appendMissing(dst, "X-B3-Sampled", b3Sampled)
		}
	}
	return dst
}

func (c *Context) appendMissing(dst []byte, name string, f contextField) []byte {
	if c.written&f != 0 {
		return dst
	}
	return c.appendField(dst, []byte(name), f)
}

func (c *Context) appendField(dst, name []byte, f contextField) []byte {
	c.written |= f
	dst = append(append(dst, name...), ": "...)
	switch f {
	case traceparent:
		dst = append(dst, "00-"...)
		dst = append(hex.AppendEncode(dst, c.span.Trace[:]), '-')
		dst = append(hex.AppendEncode(dst, c.span.ID[:]), '-', '0', '0'+c.flags)
	case b3Single:
		dst = c.appendB3(dst)
	case b3Trace:
		dst = c.appendTrace(dst)
	case b3Span:
		dst = hex.AppendEncode(dst, c.span.ID[:])
	case b3Parent:
		dst = hex.AppendEncode(dst, c.parent[:])
	case b3Sampled:
		dst = append(dst, bit(c.state != "0"))
	case b3Flags:
		dst = append(dst, bit(c.state == "d"))
	}
	return append(dst, "\r\n"...)
}

// appendB3 appends the value of the single field.
func (c *Context) appendB3(dst []byte) []byte {
	dst = append(c.appendTrace(dst), '-')
	dst = hex.AppendEncode(dst, c.span.ID[:])
	if c.state != "" {
		dst = append(append(dst, '-'), c.state...)
	}
	if c.client.parented {
		dst = hex.AppendEncode(append(dst, '-'), c.parent[:])
	}
	return dst
}

// appendTrace appends the trace id as B3 has it: in 64 bits if the client's has 64.
func (c *Context) appendTrace(dst []byte) []byte {
	id := c.span.Trace[:]
	if c.client.short && binary.BigEndian.Uint64(id) == 0 {
		id = id[8:]
	}
	return hex.AppendEncode(dst, id)
}

func bit(set bool) byte {
	if set {
		return '1'
	}
	return '0'
}
