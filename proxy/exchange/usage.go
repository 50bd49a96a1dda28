package exchange

import "strconv"

// Usage counts the tokens of an exchange. A Count that is not Known was never
// told; it is not zero.
type Usage struct {
	Input      Count // of the whole prompt, cached tokens included
	Output     Count // generated, reasoning included
	CacheRead  Count // of Input, read from the provider's prompt cache
	CacheWrite Count // of Input, written to it
	Reasoning  Count // of Output, spent on reasoning
	// Streamed counts the output tokens that arrived in content chunks: Output,
	// less reasoning that was billed but never sent. TPOT and ITL divide by it.
	Streamed Count
	Source   Source
}

// Count is a number that may be unknown.
type Count struct {
	N     int64
	Known bool
}

// Known makes a Count of n.
func Known(n int64) Count { return Count{N: n, Known: true} }

// ParseCount reads a number in decimal. Any other text is unknown, and so is a
// negative number.
func ParseCount(text []byte) Count {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return Count{}
	}
	return Known(n)
}

// Source says how sure a Usage is.
type Source string

// The sources, surest first.
const (
	Reported  Source = "reported"  // the final usage of the provider
	Running   Source = "running"   // a cumulative count seen before a cut
	Counted   Source = "counted"   // one token a chunk, or counts given chunk by chunk
	Estimated Source = "estimated" // calibrated from this model's reported exchanges
	Absent    Source = ""          // nothing is known
)
