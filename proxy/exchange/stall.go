package exchange

import "time"

// StallFrom is the wait inside a stream from which on it is a stall: whoever reads
// along notices one of a second.
const StallFrom = time.Second

// Pause is a wait inside a stream that had begun.
type Pause struct {
	At   time.Duration // when it began; the earliest that it can have begun when that is not known exactly
	Wait time.Duration // how long it was
	By   string        // who made it: upstream, proxy, client
}

// Stalled is the longest pause of r, and whether that was StallFrom or longer: between
// two content chunks, after the last one until a stream broke off, or for the upstream,
// whose waits are known beyond the chunks that are kept and where none were read.
func (r *Record) Stalled() (Pause, bool) {
	if !r.Stream {
		return Pause{}, false
	}
	gap, silence := r.Chunks.Longest(), time.Duration(0)
	if r.Timing.LastToken > 0 && r.Outcome != OK {
		silence = r.Timing.End - r.Timing.LastToken
	}
	seen, upstream := max(gap, silence), r.Clocks.Upstream.Longest
	switch {
	case max(seen, upstream) < StallFrom:
		return Pause{}, false
	case upstream-seen > sameWait:
		return Pause{At: r.unseen(upstream), Wait: upstream, By: "upstream"}, true
	case silence > gap:
		return Pause{At: r.Timing.LastToken, Wait: max(seen, upstream), By: r.Clocks.waiting(seen)}, true
	}
	return Pause{At: r.Chunks.gapStart(gap), Wait: max(seen, upstream), By: r.Clocks.waiting(seen)}, true
}

// sameWait is how much longer than the gap around it a wait can be for the clocks
// that it was read from.
const sameWait = time.Millisecond

// unseen is the earliest that a wait can have begun that was inside the body and
// between no two kept chunks: before the first one, or after the last.
func (r *Record) unseen(wait time.Duration) time.Duration {
	t := &r.Timing
	if r.Chunks.kept == 0 || t.FirstToken-t.FirstChunk >= wait {
		return t.FirstChunk
	}
	return micros(r.Chunks.last)
}

// waiting is the side whose longest wait is nearest to d: only the longest of each is
// known, and one that is longer was elsewhere.
func (c *Clocks) waiting(d time.Duration) string {
	by, off := "upstream", (c.Upstream.Longest - d).Abs()
	if o := (c.Proxy.Longest - d).Abs(); o < off {
		by, off = "proxy", o
	}
	if o := (c.Client.Longest - d).Abs(); o < off {
		by = "client"
	}
	return by
}

// gapStart is when the first gap of that length began.
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
