package exchange

import "time"

// Timing holds the moments of an exchange as offsets from Record.Start, on the
// monotonic clock. Zero means that it did not happen.
type Timing struct {
	RequestRead    time.Duration // last byte of the request read from the client
	RequestWritten time.Duration // last byte of the request written to the upstream
	ResponseHead   time.Duration // head of the final response read
	FirstChunk     time.Duration // first body byte of the response
	FirstEvent     time.Duration // first complete message of the stream
	FirstToken     time.Duration // first chunk with generated content
	LastToken      time.Duration // last chunk with generated content
	End            time.Duration // last body byte, or the moment it broke off
}

// TTFT is the time to the first token; 0 when no token came.
func (r *Record) TTFT() time.Duration { return r.Timing.FirstToken }

// E2E is the time from the request's head to the last byte of the response.
func (r *Record) E2E() time.Duration { return r.Timing.End }

// TPOT is the time per output token after the first: (last token − first token)
// ÷ (streamed tokens − 1). It is 0 when fewer than two tokens are known to have
// been streamed, or when all of them came at once.
func (r *Record) TPOT() time.Duration {
	n := r.Usage.Streamed
	if !n.Known || n.N < 2 || r.Timing.FirstToken == 0 {
		return 0
	}
	return (r.Timing.LastToken - r.Timing.FirstToken) / time.Duration(n.N-1)
}

// Clocks split the life of an exchange, from the moment its request was written,
// between those who made it wait. The longest pieces are of waits inside the
// response's body: the wait for its first byte is TTFT, not a stall.
type Clocks struct {
	Upstream Clock // waiting for the upstream to send
	Proxy    Clock // inside headway
	Client   Clock // waiting for the client to take what was read
}

// Clock is time spent on one side: all of it, and the longest piece.
type Clock struct {
	Sum     time.Duration
	Longest time.Duration
}

// Add books d.
func (c *Clock) Add(d time.Duration) {
	c.Sum += d
	c.Longest = max(c.Longest, d)
}

// Overhead is what headway itself added at each step.
type Overhead struct {
	Request    time.Duration // request head read → first byte written upstream, less dialing
	FirstChunk time.Duration // first body chunk read → written to the client
	Chunk      time.Duration // chunk written → the tap is done with it, mean over all chunks
}

// Engine is where the time of an exchange went inside the model server, as that
// told in its response. 0 is not told.
type Engine struct {
	Queue   time.Duration // waiting to be scheduled
	Prefill time.Duration // from then to the first token
	Decode  time.Duration // from the first token to the last
}
