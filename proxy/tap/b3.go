package tap

import "github.com/headway-sidecar/headway/proxy/exchange"

// readB3 reads the single field, {trace}-{span}-{sampling}-{parent}, without the last
// or the last two parts, or the sampling alone.
func (c *clientContext) readB3(v []byte) bool {
	c.b3, c.decision, c.short, c.parented = identity{}, deferred, false, false
	if len(v) == 1 {
		return c.readB3Sampling(v[0])
	}
	trace := 32
	if len(v) > 16 && v[16] == '-' {
		trace = 16
	}
	var ok bool
	if len(v) < trace+17 || v[trace] != '-' {
		return false
	}
	if c.b3.trace, c.short, ok = readB3Trace(v[:trace]); !ok || !readID(c.b3.span[:], v[trace+1:trace+17]) {
		return false
	}
	switch v = v[trace+17:]; {
	case len(v) == 0:
		return true
	case len(v) < 2 || v[0] != '-' || !c.readB3Sampling(v[1]):
		return false
	case len(v) == 2:
		return true
	}
	var parent exchange.SpanID
	c.parented = true
	return v[2] == '-' && readID(parent[:], v[3:])
}

// readB3Trace reads a trace id of 128 bits, or a short one, of the lower 64 bits.
func readB3Trace(v []byte) (id exchange.TraceID, short, ok bool) {
	if len(v) == 16 {
		return id, true, readID(id[8:], v)
	}
	return id, false, readID(id[:], v)
}

// readB3Sampling reads the sampling state of the single field.
func (c *clientContext) readB3Sampling(v byte) bool {
	switch v {
	case '0':
		c.decision = denied
	case '1':
		c.decision = accepted
	case 'd':
		c.decision = debug
	default:
		return false
	}
	return true
}

// readSampled reads X-B3-Sampled, also in words, as older tracers write it. It does
// not undo debug.
func (c *clientContext) readSampled(v []byte) bool {
	sampled := denied
	switch string(v) {
	case "1", "true":
		sampled = accepted
	case "0", "false":
	default:
		return false
	}
	c.decision = max(c.decision, sampled)
	return true
}
