package transparent

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// sealedCall is one exchange as its records show it. A burst is a run of the server's
// records, after the head, without silence between them.
type sealedCall struct {
	start   tap.Instant // first record of the request
	asked   tap.Instant // end of its last record
	written tap.Instant // the server took that
	head    tap.Instant // first record of the response; 0 before it
	last    tap.Instant // the end of the last record of the response

	opening    tap.Instant // first record right behind the head; 0 without one
	bursts     int
	firstBurst tap.Instant
	lastBurst  tap.Instant
	size       int // of the running burst
	chunks     exchange.Chunks

	in, out   int64
	concluded bool // the last record was short enough to end a body
}

// answer handles a record of the response, which begins at the given moment.
func (c *sealedCall) answer(length int, at tap.Instant) {
	short := length <= controlBound
	if c.head == 0 {
		if short {
			return // 100 Continue, or HTTP/2's own
		}
		c.head = at
	}
	c.out += int64(length)
	c.concluded = length <= endBound
	switch {
	case short:
	case at.Sub(c.head) < headBurst:
		if c.opening == 0 && c.out > int64(length) {
			c.opening = at
		}
	case c.bursts > 0 && at.Sub(c.last) < burstGap:
		c.size += length
	default:
		c.addBurst()
		if c.bursts == 0 {
			c.firstBurst = at
		}
		c.bursts++
		c.lastBurst, c.size = at, length
	}
	c.last = at
}

// complete handles the end of a record.
func (c *sealedCall) complete(w way, at tap.Instant) {
	switch {
	case w == up && c.head == 0:
		c.asked = at
	case w == down && c.head > 0:
		c.last = at
	}
}

func (c *sealedCall) addBurst() {
	if c.size > 0 {
		c.chunks.Add(exchange.Chunk{At: c.offset(c.lastBurst), Bytes: c.size})
		c.size = 0
	}
}

// fill copies the exchange into r.
func (c *sealedCall) fill(r *exchange.Record) {
	c.addBurst()
	r.Start = c.start.Time()
	r.Stream = c.bursts > 1
	r.Bytes = exchange.Bytes{In: c.in, Out: c.out}
	r.Timing = exchange.Timing{
		RequestRead:    c.offset(c.asked),
		RequestWritten: c.offset(c.written),
		ResponseHead:   c.offset(c.head),
		FirstChunk:     c.offset(c.firstBurst),
		End:            c.offset(max(c.last, c.asked)),
	}
	if r.Stream {
		r.Timing.FirstToken, r.Timing.LastToken = c.offset(c.firstToken()), c.offset(c.lastBurst)
		r.Chunks = c.chunks
	}
}

// firstToken is the moment of the burst that shows generation first. When a server
// answers at once, the records right behind the head precede the first token, and the
// wait after them is longer than the waits between bursts. When that wait is not longer,
// the server has held its head back until it had a token.
func (c *sealedCall) firstToken() tap.Instant {
	gap := c.lastBurst.Sub(c.firstBurst) / time.Duration(max(1, c.bursts-1))
	if c.opening > 0 && c.firstBurst.Sub(c.opening) <= 2*gap {
		return c.opening
	}
	return c.firstBurst
}

// offset is the time from the start to at. It is 0 for a moment that did not come, and
// for no other.
func (c *sealedCall) offset(at tap.Instant) time.Duration {
	if at == 0 {
		return 0
	}
	return max(1, at.Sub(c.start))
}
