package tap

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// NewSpan returns a span in a trace of its own, for an exchange whose client named
// none. The low 7 bytes of the trace's id are uniformly random (Trace Context level 2,
// section 3.2.2.3); the others keep it from being all zeros.
func NewSpan() exchange.Span {
	s := newSpan(exchange.TraceID{})
	binary.BigEndian.PutUint64(s.Trace[:8], max(1, rand.Uint64()))
	binary.BigEndian.PutUint64(s.Trace[8:], rand.Uint64())
	return s
}

// newSpan returns a span in the trace.
func newSpan(trace exchange.TraceID) exchange.Span {
	s := exchange.Span{Trace: trace}
	binary.BigEndian.PutUint64(s.ID[:], max(1, rand.Uint64()))
	return s
}

// newSpan returns the exchange's own span, in the client's trace or in a new one.
func (c *clientContext) newSpan() exchange.Span {
	if id := c.identity(); id.trace != (exchange.TraceID{}) {
		return newSpan(id.trace)
	}
	return NewSpan()
}
