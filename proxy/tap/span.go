package tap

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// NewSpan names the span of an exchange that is in no client's trace. Of the id of its
// trace the low 7 bytes are uniformly random (Trace Context level 2, section 3.2.2.3);
// the others keep it from being all zeros.
func NewSpan() exchange.Span {
	s := newSpan(exchange.TraceID{})
	binary.BigEndian.PutUint64(s.Trace[:8], max(1, rand.Uint64()))
	binary.BigEndian.PutUint64(s.Trace[8:], rand.Uint64())
	return s
}

// newSpan names a span in the trace.
func newSpan(trace exchange.TraceID) exchange.Span {
	s := exchange.Span{Trace: trace}
	binary.BigEndian.PutUint64(s.ID[:], max(1, rand.Uint64()))
	return s
}

// newSpan names the exchange's own span, in the client's trace or in a new one.
func (c *clientContext) newSpan() exchange.Span {
	if id := c.identity(); id.trace != (exchange.TraceID{}) {
		return newSpan(id.trace)
	}
	return NewSpan()
}
