package exchange

import "strconv"

// Usage counts the tokens of an exchange. A Count that is not Known is missing; it is
// not zero.
type Usage struct {
	Input      Count // the whole prompt, cached tokens included
	Output     Count // generated tokens, reasoning included
	CacheRead  Count // the part of Input that came from the provider's prompt cache
	CacheWrite Count // the part of Input that went into that cache
	Reasoning  Count // the part of Output that was reasoning

	// Providers price some parts of the counts above apart.
	CacheWriteHour Count // the part of CacheWrite that stays for an hour; the rest stays for five minutes
	InputAudio     Count // the part of Input that was sound, without the part that the cache gave
	InputImage     Count // the same of pictures
	OutputAudio    Count // the part of Output that was sound
	// Streamed counts the output tokens that arrived in content chunks: Output, less the
	// reasoning that the provider bills and does not send. TPOT and ITL divide by it.
	Streamed Count
	// Delivered counts the streamed tokens that the client's kernel had acknowledged when the
	// client left. Only an exchange whose client left has it.
	Delivered Count
	Source    Source
	// InputSource says how headway knows Input and the cached tokens in it where that is not
	// the Source of Output; else it is empty.
	InputSource Source
	// InputMargin and OutputMargin belong to estimates: the truth lies within so many tokens
	// of Input and of Output, 19 times of 20. They are 0 for counts.
	InputMargin  int64
	OutputMargin int64
}

// SourceOfInput says how headway knows Input.
func (u *Usage) SourceOfInput() Source {
	if u.InputSource != "" {
		return u.InputSource
	}
	return u.Source
}

// CountedInput is Input unless that is an estimate.
func (u *Usage) CountedInput() Count {
	if u.InputSource == Estimated {
		return Count{}
	}
	return u.Input
}

// Count is a number that may be unknown.
type Count struct {
	N     int64
	Known bool
}

// Known returns a Count of n that is known.
func Known(n int64) Count { return Count{N: n, Known: true} }

// ParseCount reads a decimal number. It returns an unknown Count for a negative number
// and for any other text.
func ParseCount(text []byte) Count {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return Count{}
	}
	return Known(n)
}

// Source says how headway knows a Usage, and so how reliable the Usage is.
type Source string

// The sources, the most reliable first.
const (
	Reported  Source = "reported"  // the final usage of the provider
	Running   Source = "running"   // a cumulative count that came before the stream broke off
	Counted   Source = "counted"   // one token a chunk, or counts given chunk by chunk
	Estimated Source = "estimated" // calibrated from this model's reported exchanges
	Absent    Source = ""          // nothing is known
)
