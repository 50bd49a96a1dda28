package tap

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// limitKinds are the kinds of limits that a Record may have.
var limitKinds = []string{"requests", "tokens", "input_tokens", "output_tokens"}

// limits gathers the rate-limit fields of a response head.
type limits []exchange.RateLimit

// field reads a field of a response that arrived at the given time, if it is a rate
// limit as OpenAI and its followers send it, x-ratelimit-remaining-tokens, or as
// Anthropic does, anthropic-ratelimit-input-tokens-remaining. Negative numbers are
// unknown.
func (l *limits) field(name, value []byte, at time.Time) {
	if rest, ok := cutPrefixFold(name, "x-ratelimit-"); ok {
		what, kind, _ := strings.Cut(rest, "-")
		if kind == "requests" || kind == "tokens" {
			l.set(kind, what, value, at)
		}
		return
	}
	if rest, ok := cutPrefixFold(name, "anthropic-ratelimit-"); ok {
		end := max(0, strings.LastIndexByte(rest, '-'))
		if kind := strings.ReplaceAll(rest[:end], "-", "_"); slices.Contains(limitKinds, kind) {
			l.set(kind, rest[end+1:], value, at)
		}
	}
}

// cutPrefixFold returns the rest of a name behind a prefix, in lower case.
func cutPrefixFold(name []byte, prefix string) (rest string, ok bool) {
	if len(name) <= len(prefix) || !exchange.EqualFold(name[:len(prefix)], prefix) {
		return "", false
	}
	return strings.ToLower(string(name[len(prefix):])), true
}

// set sets one number of a limit.
func (l *limits) set(kind, what string, value []byte, at time.Time) {
	switch what {
	case "limit":
		l.kind(kind).Limit = exchange.ParseCount(value)
	case "remaining":
		l.kind(kind).Remaining = exchange.ParseCount(value)
	case "reset":
		l.kind(kind).Reset = resetAfter(string(value), at)
	}
}

// kind returns the limit of that kind, a new one if need be.
func (l *limits) kind(kind string) *exchange.RateLimit {
	for i := range *l {
		if (*l)[i].Kind == kind {
			return &(*l)[i]
		}
	}
	*l = append(*l, exchange.RateLimit{Kind: kind})
	return &(*l)[len(*l)-1]
}

// resetAfter reads a duration as OpenAI writes it ("6m0s", "120ms"), bare seconds as
// Azure does, or a time as Anthropic does (RFC 3339), counted from the given time; 0
// when it is none of them.
func resetAfter(v string, from time.Time) time.Duration {
	if d, err := time.ParseDuration(v); err == nil {
		return max(0, d)
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return max(0, at.Sub(from))
	}
	s, err := strconv.ParseFloat(v, 64)
	if err != nil || s < 0 || s > 1e9 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}
