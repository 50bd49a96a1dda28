package exchange

import "time"

// StallFrom is the shortest wait inside a stream that counts as a stall: a person who
// reads along notices a pause of a second.
const StallFrom = time.Second

// Pause is a wait inside a stream that had begun.
type Pause struct {
	At   time.Duration // its start; the earliest possible one when the exact start is unknown
	Wait time.Duration // its length
	By   string        // the side that caused it: upstream, engine, proxy, client
}

// Stall is the longest time inside the stream r in which the upstream brought no content:
// pings and empty chunks do not end it. It leaves out the time that the client or headway
// held the stream up. Of an exchange that no dialect reads it is the longest wait for any
// byte.
func (r *Record) Stall() time.Duration {
	gap, silence := r.pauses()
	return max(r.Silence(), max(gap, silence)-r.held())
}

// held is how long the client and headway may have held up a chunk that ended a gap. By the
// kernel's clock a chunk is not late when headway reads it late, but for what came behind
// it meanwhile: one read has one arrival, that of its last byte. So the longest piece counts.
func (r *Record) held() time.Duration {
	if r.ArrivalClock == KernelClock {
		return r.Clocks.Client.Sum + r.Clocks.Proxy.Longest
	}
	return r.Clocks.Client.Sum + r.Clocks.Proxy.Sum
}

// StallShared splits Stall. Engine is the longest wait for content that lay inside a pause of
// the engine, which most of its streams had; own is the longest one that did not.
func (r *Record) StallShared() (own, engine time.Duration) {
	own = r.Stall()
	if len(r.Pauses) == 0 {
		return own, 0
	}
	longest, previous := time.Duration(0), r.Timing.FirstToken
	add := func(from, to time.Duration) {
		shared := r.paused(from, to)
		engine, longest = max(engine, shared), max(longest, to-from-shared)
	}
	for k := range r.Chunks.All() {
		add(previous, k.At)
		previous = k.At
	}
	if _, silence := r.pauses(); silence > 0 {
		add(r.Timing.LastToken, r.Timing.End)
	}
	if r.Chunks.Kept() < r.Chunks.Count { // the longest wait may be one that no chunk tells
		longest = own
	}
	return min(own, longest), min(own, engine)
}

// paused is how long the engine paused between two moments of r.
func (r *Record) paused(from, to time.Duration) (sum time.Duration) {
	for _, p := range r.Pauses {
		sum += max(0, min(to, p.At+p.Wait)-max(from, p.At))
	}
	return sum
}

// Silence is the longest time inside the body of r in which the upstream sent no byte, and
// headway waited for one. A ping ends it, so that it is never longer than Stall: it tells
// whether a device between may have taken the connection for dead.
func (r *Record) Silence() time.Duration { return r.Clocks.Upstream.Longest }

// pauses returns the longest gap between two content chunks, and the time from the last
// one until the stream broke off.
func (r *Record) pauses() (gap, silence time.Duration) {
	if r.Timing.LastToken > 0 && r.Outcome != OK {
		silence = r.Timing.End - r.Timing.LastToken
	}
	return r.Chunks.Longest(), silence
}

// Stalled returns the longest pause of r, and reports whether it lasted StallFrom or
// longer. A pause lies between two content chunks, or between the last chunk and the
// point at which the stream broke off. The longest wait for the upstream counts, too: the
// clocks know it even where no chunk was kept or read.
func (r *Record) Stalled() (Pause, bool) {
	if !r.Stream {
		return Pause{}, false
	}
	p, is := r.stalled()
	if p.By == "upstream" && 2*r.paused(p.At, p.At+p.Wait) > p.Wait {
		p.By = "engine"
	}
	return p, is
}

// stalled is Stalled of a stream, without a look at other streams.
func (r *Record) stalled() (Pause, bool) {
	gap, silence := r.pauses()
	seen, upstream := max(gap, silence), r.Silence()
	switch {
	case max(seen, upstream) < StallFrom:
		return Pause{}, false
	case upstream-seen > sameWait:
		return Pause{At: r.earliest(upstream), Wait: upstream, By: "upstream"}, true
	case silence > gap:
		return Pause{At: r.Timing.LastToken, Wait: max(seen, upstream), By: r.Clocks.slowSide(seen)}, true
	}
	return Pause{At: r.Chunks.gapStart(gap), Wait: max(seen, upstream), By: r.Clocks.slowSide(seen)}, true
}

// sameWait is the largest difference between a gap and the wait that caused it: each is
// read from clocks of its own.
const sameWait = time.Millisecond

// earliest returns the earliest possible start of a wait inside the body that lies
// between no two kept chunks: before the first chunk, or after the last.
func (r *Record) earliest(wait time.Duration) time.Duration {
	t := &r.Timing
	if r.Chunks.kept == 0 || t.FirstToken-t.FirstChunk >= wait {
		return t.FirstChunk
	}
	return micros(r.Chunks.last)
}

// slowSide names the side whose longest wait is nearest to d. Clocks keep only the
// longest wait of each side, and a wait much longer than d happened somewhere else.
func (c *Clocks) slowSide(d time.Duration) string {
	by, off := "upstream", (c.Upstream.Longest - d).Abs()
	if o := (c.Proxy.Longest - d).Abs(); o < off {
		by, off = "proxy", o
	}
	if o := (c.Client.Longest - d).Abs(); o < off {
		by = "client"
	}
	return by
}

// gapStart returns the start of the first gap that lasted wait or longer.
func (c *Chunks) gapStart(wait time.Duration) time.Duration {
	previous, first := time.Duration(0), true
	for k := range c.All() {
		if !first && k.At-previous >= wait {
			break
		}
		previous, first = k.At, false
	}
	return previous
}
