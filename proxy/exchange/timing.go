package exchange

import "time"

// Timing holds the moments of an exchange as offsets from Record.Start, on the
// monotonic clock. 0 means that the step did not happen. What came, came when
// Record.ArrivalClock says.
type Timing struct {
	RequestRead    time.Duration // last byte of the request came from the client
	RequestWritten time.Duration // last byte of the request written to the upstream
	ResponseHead   time.Duration // head of the final response came from the upstream
	FirstChunk     time.Duration // first body byte of the response
	FirstEvent     time.Duration // first complete message of the stream
	FirstToken     time.Duration // first chunk with generated content
	FirstAnswer    time.Duration // first chunk with content that is no reasoning
	LastChunk      time.Duration // last body bytes that came, whether they were content or not
	LastToken      time.Duration // last chunk with generated content
	Failed         time.Duration // first error inside the response
	End            time.Duration // last body byte, or the moment at which the exchange broke off
}

// TTFT is the time to the first token; 0 when no token came.
func (r *Record) TTFT() time.Duration { return r.Timing.FirstToken }

// TTFA is the time to the first answer token: text, or a call of a tool, that a user or a
// program can use. Reasoning and its summaries are none. It is 0 when no such token came.
func (r *Record) TTFA() time.Duration { return r.Timing.FirstAnswer }

// Hidden is how long the model generated reasoning that it did not stream, if it
// generated all of its tokens at one pace: such tokens × TPOT. It is a part of the time
// to the first streamed token that comes behind it, and tells a model that thinks from a
// queue. It is 0 where the provider tells no count of such tokens, and never more than
// TTFA.
func (r *Record) Hidden() time.Duration {
	u := &r.Usage
	if !u.Output.Known || !u.Streamed.Known || !u.Reasoning.Known || u.Streamed.N >= u.Output.N {
		return 0
	}
	return min(time.Duration(min(u.Reasoning.N, u.Output.N-u.Streamed.N))*r.TPOT(), r.TTFA())
}

// E2E is the time from the request's head to the last byte of the response.
func (r *Record) E2E() time.Duration { return r.Timing.End }

// TPOT is the time per output token after the first: (last token − first token) ÷
// (streamed tokens − 1). It is 0 when the number of streamed tokens is unknown or below
// two, or when all tokens came at once.
func (r *Record) TPOT() time.Duration {
	n := r.Usage.Streamed
	if !n.Known || n.N < 2 || r.Timing.FirstToken == 0 {
		return 0
	}
	return (r.Timing.LastToken - r.Timing.FirstToken) / time.Duration(n.N-1)
}

// Clocks split the life of an exchange, from the moment at which its request was
// written, between the sides that caused the time. Longest covers only waits inside the
// body of the response: the wait for its first byte is TTFT, not a stall.
type Clocks struct {
	Upstream Clock // headway waited for the upstream to send
	Proxy    Clock // headway worked, or had not read yet what the kernel had got
	Client   Clock // headway waited for the client to read
}

// Clock is the time that one side took: all of it, and the longest piece.
type Clock struct {
	Sum     time.Duration
	Longest time.Duration
}

// Add books a piece of time.
func (c *Clock) Add(d time.Duration) {
	c.Sum += d
	c.Longest = max(c.Longest, d)
}

// Overhead is the delay that headway itself added at each step.
type Overhead struct {
	Request    time.Duration // request head came → first byte written upstream, less dialing
	FirstChunk time.Duration // first body chunk came → written to the client
	Chunk      time.Duration // chunk written → the tap has decoded it, mean over all chunks
}

// Engine splits the time that an exchange spent inside the model server, as the server
// reports it in its response.
type Engine struct {
	Queue   Phase // waiting for the scheduler
	Prefill Phase // from the scheduler to the first token
	Decode  Phase // from the first token to the last
}

// Phase is a duration that a server may report. A Phase that is not Known is missing; it
// is not zero, which a server reports whose queue is empty.
type Phase struct {
	Time  time.Duration
	Known bool
}

// Took returns a Phase of d that is known.
func Took(d time.Duration) Phase { return Phase{Time: d, Known: true} }
