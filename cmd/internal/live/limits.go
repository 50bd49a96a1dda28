package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxLimits bounds the rate limits that a view keeps: upstreams and models come from the
// traffic.
const maxLimits = 64

// Limit is a rate limit as an upstream told it last.
type Limit struct {
	Upstream  string    `json:"upstream"`
	Model     string    `json:"model,omitempty"`
	Kind      string    `json:"kind"` // requests, tokens, input_tokens, output_tokens
	Limit     *int64    `json:"limit,omitempty"`
	Remaining *int64    `json:"remaining,omitempty"`
	Told      time.Time `json:"told"`
	Reset     Seconds   `json:"reset_s,omitempty"` // from now, until the limit is full again
}

type limitKey struct{ upstream, model, kind string }

// limit is one limit, and when the upstream told it.
type limit struct {
	exchange.RateLimit
	at time.Time
}

// limits holds the rate limits that upstreams told last.
type limits map[limitKey]limit

// see keeps the limits that s told.
func (l limits) see(s *seen) {
	for _, r := range s.RateLimits {
		key := limitKey{s.Upstream.Address(), s.Model.Request, r.Kind}
		if _, known := l[key]; !known && len(l) >= maxLimits {
			l.forget()
		}
		l[key] = limit{r, s.at}
	}
}

// forget drops the limit whose last report is the oldest.
func (l limits) forget() {
	var oldest limitKey
	for key, one := range l {
		if first, ok := l[oldest]; !ok || one.at.Before(first.at) {
			oldest = key
		}
	}
	delete(l, oldest)
}

// list returns the limits, the one first of which the least is left.
func (l limits) list(now time.Time) []Limit {
	var out []Limit
	for key, one := range l {
		out = append(out, Limit{
			Upstream: key.upstream, Model: key.model, Kind: key.kind, Limit: known(one.Limit), Remaining: known(one.Remaining),
			Told: one.at.UTC(), Reset: Seconds(max(0, one.Reset-now.Sub(one.at))),
		})
	}
	slices.SortFunc(out, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(a.left(), b.left()), cmp.Compare(a.Upstream, b.Upstream), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// left is the share of the limit that remains; 1 if that is unknown.
func (l *Limit) left() float64 {
	if l.Limit == nil || l.Remaining == nil || *l.Limit <= 0 {
		return 1
	}
	return float64(*l.Remaining) / float64(*l.Limit)
}

// known returns the number of c; nil if that is unknown.
func known(c exchange.Count) *int64 {
	if !c.Known {
		return nil
	}
	return &c.N
}
