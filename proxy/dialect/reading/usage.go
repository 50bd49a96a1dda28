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

	input     int64
	output    int64
	total     int64
	cached    int64
	written   int64
	reasoning int64
}

// counts is a set of the counts.
type counts uint8

const (
	hasInput counts = 1 << iota
	hasOutput
	hasTotal
	hasCached
	hasWritten
	hasReasoning
)

// setCount sets the count that v is.
func (u *usage) setCount(v frame.Value) {
	n, ok := v.Int()
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
	}
}

// set sets a count.
func (u *usage) set(to *int64, which counts, n int64) {
	*to = n
	u.known |= which
}

// merge replaces counts by those that came with a later message.
func (u *usage) merge(v *usage) {
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
	} {
		if v.known&c.which != 0 {
			u.set(c.to, c.which, *c.from)
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

// reasoningApart tells whether the output count leaves reasoning out, as that of xAI
// does: the total is then the sum of input, output and reasoning.
func (u *usage) reasoningApart() bool {
	const all = hasInput | hasOutput | hasTotal | hasReasoning
	if u.known&all != all || u.reasoning == 0 {
		return false
	}
	rest := u.total - u.input - u.output
	return abs(rest-u.reasoning) < abs(rest)
}

// visible is the output less its reasoning; negative where a provider counts more
// reasoning than output.
func (u *usage) visible() int64 {
	if u.reasoningApart() {
		return u.output
	}
	return u.output - u.reasoning
}

// exchange returns the counts in headway's terms.
func (u *usage) exchange() exchange.Usage {
	input, output := u.input, u.output
	if u.cacheApart {
		input += u.cached + u.written
	}
	if u.reasoningApart() {
		output += u.reasoning
	}
	return exchange.Usage{
		Input:      u.count(input, hasInput),
		Output:     u.count(output, hasOutput),
		CacheRead:  u.count(u.cached, hasCached),
		CacheWrite: u.count(u.written, hasWritten),
		Reasoning:  u.count(u.reasoning, hasReasoning),
	}
}

func abs(n int64) int64 { return max(n, -n) }
