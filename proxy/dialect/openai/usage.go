package openai

import "github.com/headway-sidecar/headway/proxy/exchange"

// usage is the counts of a usage object. It holds what was told last; none of the
// APIs has counts to be added up.
type usage struct {
	told      counts // which of them
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

// set takes a count that was told.
func (u *usage) set(to *int64, which counts, n int64) {
	*to = n
	u.told |= which
}

// merge takes the counts that a later message told.
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
		if v.told&c.which != 0 {
			u.set(c.to, c.which, *c.from)
		}
	}
}

func (u *usage) count(n int64, which counts) exchange.Count {
	if u.told&which == 0 {
		return exchange.Count{}
	}
	return exchange.Known(n)
}

// reasoningApart says that the output count excludes reasoning, as that of xAI
// does: the total is the input, the output and the reasoning.
func (u *usage) reasoningApart() bool {
	const all = hasInput | hasOutput | hasTotal | hasReasoning
	if u.told&all != all || u.reasoning == 0 {
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
	output := u.output
	if u.reasoningApart() {
		output += u.reasoning
	}
	return exchange.Usage{
		Input:      u.count(u.input, hasInput),
		Output:     u.count(output, hasOutput),
		CacheRead:  u.count(u.cached, hasCached),
		CacheWrite: u.count(u.written, hasWritten),
		Reasoning:  u.count(u.reasoning, hasReasoning),
	}
}

func abs(n int64) int64 { return max(n, -n) }
