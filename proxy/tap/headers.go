package tap

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// mediaType is v without parameters, in lower case.
func mediaType(v []byte) string {
	if i := bytes.IndexByte(v, ';'); i >= 0 {
		v = v[:i]
	}
	return strings.ToLower(string(bytes.TrimSpace(v)))
}

// join adds the value of another field of the same name to a list.
func join(list string, value []byte) string {
	if list == "" {
		return string(value)
	}
	return list + "," + string(value)
}

// limits gathers the rate-limit fields of a response head.
type limits []exchange.RateLimit

// note reads one field if it is x-ratelimit-{limit,remaining,reset}-{requests,tokens},
// as OpenAI and those who follow it send them. Negative numbers are unknown.
func (l *limits) note(name, value []byte) {
	const prefix = "x-ratelimit-"
	if len(name) < len(prefix) || !exchange.EqualFold(name[:len(prefix)], prefix) {
		return
	}
	what, kind, ok := strings.Cut(strings.ToLower(string(name[len(prefix):])), "-")
	if !ok || (kind != "requests" && kind != "tokens") {
		return
	}
	switch what {
	case "limit":
		l.kind(kind).Limit = count(value)
	case "remaining":
		l.kind(kind).Remaining = count(value)
	case "reset":
		l.kind(kind).Reset = resetAfter(string(value))
	}
}

func (l *limits) kind(kind string) *exchange.RateLimit {
	for i := range *l {
		if (*l)[i].Kind == kind {
			return &(*l)[i]
		}
	}
	*l = append(*l, exchange.RateLimit{Kind: kind})
	return &(*l)[len(*l)-1]
}

func count(v []byte) exchange.Count {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil || n < 0 {
		return exchange.Count{}
	}
	return exchange.Known(n)
}

// resetAfter reads a duration as OpenAI writes it ("6m0s", "120ms") or bare
// seconds as Azure does; 0 when it is neither.
func resetAfter(v string) time.Duration {
	if d, err := time.ParseDuration(v); err == nil {
		return max(0, d)
	}
	s, err := strconv.ParseFloat(v, 64)
	if err != nil || s < 0 || s > 1e9 {
		return 0
	}
	return time.Duration(s * float64(time.Second))
}
