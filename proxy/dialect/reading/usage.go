package reading

import (
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// usage is the counts of a usage object. Each is the last one that came: no API has
// counts to be added up.
type usage struct {
	known counts // those that came
	// cacheApart says that input leaves out cached and written.
	cacheApart bool
	// reasonsApart says that output leaves out reasoning.
	reasonsApart bool

	input     int64
	output    int64
	total     int64
	cached    int64
	written   int64
	reasoning int64
	rejected  int64
	audio     int64
	image     int64
	spoken    int64
	hour      int64
	outside   int64

	cachedAudio, cachedImage int64
}

// nothing tells whether no count came but zeros, which may only fill their places.
func (u *usage) nothing() bool {
	return u.input+u.output+u.total+u.cached+u.written+u.reasoning+u.rejected+u.audio+u.outside == 0
}

// counts is a set of the counts.
type counts uint16

const (
	hasInput counts = 1 << iota
	hasOutput
	hasTotal
	hasCached
	hasWritten
	hasReasoning
	hasRejected
	hasAudio
	hasImage
	hasSpoken
	hasHour
	hasOutside
	hasCachedAudio
	hasCachedImage
	hasStrange // one that this package does not know
	hasSeconds // a duration
)

// setCount sets the count that v is.
func (u *usage) setCount(v frame.Value) {
	if v.Field == BilledSeconds { // which may be a fraction
		if v.Kind == frame.Number {
			u.known |= hasSeconds
		}
		return
	}
	n, ok := countOf(v)
	if !ok {
		return
	}
	switch v.Field {
	case InputTokens, TimedInput:
		u.set(&u.input, hasInput, n)
	case OutputTokens, TimedOutput:
		u.set(&u.output, hasOutput, n)
	case TotalTokens:
		u.set(&u.total, hasTotal, n)
	case CachedTokens, TimedCached:
		u.set(&u.cached, hasCached, n)
	case WrittenTokens:
		u.set(&u.written, hasWritten, n)
	case ReasoningTokens:
		u.set(&u.reasoning, hasReasoning, n)
	case RejectedTokens:
		u.set(&u.rejected, hasRejected, n)
	case AudioTokens:
		u.set(&u.audio, hasAudio, n)
	case ImageTokens:
		u.set(&u.image, hasImage, n)
	case SpokenTokens:
		u.set(&u.spoken, hasSpoken, n)
	case HourTokens:
		u.set(&u.hour, hasHour, n)
	case CachedAudioTokens:
		u.set(&u.cachedAudio, hasCachedAudio, n)
	case CachedImageTokens:
		u.set(&u.cachedImage, hasCachedImage, n)
	case OutsideTokens:
		u.set(&u.outside, hasOutside, n)
	case StrangeTokens:
		if n > 0 {
			u.known |= hasStrange
		}
	}
}

// countOf is the count that v is. Some servers write their counts as strings.
func countOf(v frame.Value) (n int64, ok bool) {
	if v.Kind == frame.String && v.Len > 0 && v.Len <= len("9007199254740992") {
		v.Kind = frame.Number
		for _, c := range v.Text {
			if c < '0' || c > '9' {
				return 0, false
			}
		}
	}
	return v.Int()
}

// set sets a count. Where a message has it at two places, one of them is often a zero that
// only fills the place.
func (u *usage) set(to *int64, which counts, n int64) {
	if u.known&which == 0 || n != 0 {
		*to = n
	}
	u.known |= which
}

// inSeconds tells whether the provider bills by the duration of the sound alone.
func (u *usage) inSeconds() bool {
	return u.known&hasSeconds != 0 && u.known&(hasInput|hasOutput|hasTotal) == 0
}

// merge replaces counts by those that came with a later message. A prompt has a token: counts
// of the input that are all 0 only fill their places.
func (u *usage) merge(v *usage) {
	const prompt = hasInput | hasCached | hasWritten | hasHour
	u.known |= v.known & hasSeconds
	if v.known&prompt != 0 && v.input+v.cached+v.written == 0 && u.input+u.cached+u.written > 0 {
		later := *v
		later.known &^= prompt
		v = &later
	}
	for _, c := range [...]struct {
		which    counts
		to, from *int64
	}{
		{hasInput, &u.input, &v.input},
		{hasOutput, &u.output, &v.output},
		{hasTotal, &u.total, &v.total},
		{hasCached, &u.cached, &v.cached},
		{hasWritten, &u.written, &v.written},
		{hasReasoning, &u.reasoning, &v.reasoning},
		{hasRejected, &u.rejected, &v.rejected},
		{hasAudio, &u.audio, &v.audio},
		{hasImage, &u.image, &v.image},
		{hasSpoken, &u.spoken, &v.spoken},
		{hasHour, &u.hour, &v.hour},
		{hasOutside, &u.outside, &v.outside},
		{hasCachedAudio, &u.cachedAudio, &v.cachedAudio},
		{hasCachedImage, &u.cachedImage, &v.cachedImage},
	} {
		if v.known&c.which != 0 {
			*c.to = *c.from
			u.known |= c.which
		}
	}
}

// count is one of the counts in headway's terms.
func (u *usage) count(n int64, which counts) exchange.Count {
	if u.known&which == 0 {
		return exchange.Count{}
	}
	return exchange.Known(n)
}

// reasoningApart tells whether the output count leaves reasoning out: because the API
// says so, or because the total is the sum of input, output and reasoning (xAI).
func (u *usage) reasoningApart() bool {
	if u.reasonsApart {
		return true
	}
	const all = hasInput | hasOutput | hasTotal | hasReasoning
	if u.known&all != all || u.reasoning == 0 {
		return false
	}
	rest := u.rest()
	return abs(rest-u.reasoning) < abs(rest)
}

// inputApart is the tokens of the prompt that the count of input tokens leaves out:
// cached ones where the API says so, where there are more of them than input (Grok at
// Azure), or where only they explain the total; and those of audio where only they
// explain the total (Mistral).
func (u *usage) inputApart() int64 {
	rest := u.rest()
	switch cached := u.cached + u.written; {
	case u.cacheApart, u.known&hasInput != 0 && u.cached > u.input:
		return cached
	case rest <= 0:
		return 0
	case rest == cached, rest == u.audio:
		return rest
	case rest == u.cached:
		return u.cached
	}
	return 0
}

// hidden is the output that only the total counts: thoughts, at Gemini's compatible
// endpoint. 0 if something else explains the total.
func (u *usage) hidden() int64 {
	rest := u.rest()
	if rest <= 0 || u.reasoning != 0 || u.inputApart() != 0 {
		return 0
	}
	return rest
}

// rest is the part of the total that is neither input nor output; 0 if one of the three
// is not known.
func (u *usage) rest() int64 {
	const all = hasInput | hasOutput | hasTotal
	if u.known&all != all {
		return 0
	}
	return u.total - u.input - u.output - u.outside
}

// visible is the output without reasoning and without rejected predictions; negative
// where a provider counts more reasoning than output.
func (u *usage) visible() int64 {
	if u.reasoningApart() {
		return u.output - u.rejectedInside()
	}
	return u.output - u.reasoning - u.rejectedInside()
}

// rejectedInside is the rejected predictions that the count of output tokens has: all, unless
// only they explain the total.
func (u *usage) rejectedInside() int64 {
	if u.rejected > 0 && u.rest() == u.rejected {
		return 0
	}
	return u.rejected
}

// exchange returns the counts in headway's terms. odd says that the provider counts more
// reasoning than output.
func (u *usage) exchange() (x exchange.Usage, odd bool) {
	input, output := u.input+u.outside+u.inputApart(), u.output+u.hidden()
	if u.reasoningApart() {
		output += u.reasoning
	}
	has := hasOutput
	if u.reasonsApart {
		has |= hasReasoning
	}
	x = exchange.Usage{
		Input:      u.count(input, hasInput),
		Output:     u.count(output, has),
		CacheRead:  u.count(u.cached, hasCached),
		CacheWrite: u.count(u.written, hasWritten),
		Reasoning:  u.count(u.reasoning, hasReasoning),

		CacheWriteHour: u.count(u.hour, hasHour),
		InputAudio:     u.count(max(0, u.audio-u.cachedAudio), hasAudio),
		InputImage:     u.count(max(0, u.image-u.cachedImage), hasImage),
		OutputAudio:    u.count(u.spoken, hasSpoken),
	}
	if x.Reasoning.Known && x.Output.Known && x.Reasoning.N > x.Output.N {
		x.Reasoning.N, odd = x.Output.N, true
	}
	return x, odd
}

// split finds the one of input and output that is missing by the total.
func (u *usage) split(x *exchange.Usage) {
	switch {
	case u.known&hasTotal == 0, x.Input.Known == x.Output.Known:
	case x.Input.Known && u.total > x.Input.N:
		x.Output = exchange.Known(u.total - x.Input.N)
	case x.Output.Known && u.total > x.Output.N:
		x.Input = exchange.Known(u.total - x.Output.N)
	}
}

func abs(n int64) int64 { return max(n, -n) }
