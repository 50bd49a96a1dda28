package slo

import (
	"slices"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// Traffic is the traffic that a sidecar can see, as far as its configuration tells. The
// zero value is any traffic.
type Traffic struct {
	Operations []exchange.Operation // of the dialects that it reads; none is not known
	Upstreams  []exchange.Upstream  // to which it forwards; none is not known
}

// Unmatched warns of each SLO that can judge no exchange of the traffic.
func (t Traffic) Unmatched(set Set) []Warning {
	var out []Warning
	for i := range set.SLOs {
		s := &set.SLOs[i]
		if wanted := s.Match.Operation; wanted != "" && len(t.Operations) > 0 && !slices.Contains(t.Operations, wanted) {
			out = append(out, s.Problem("match.operation", strconv.Quote(string(wanted))+" matches nothing: headway reads no API for it",
				spelling.Hint(string(wanted), operations(t.Operations))))
		}
		if len(t.Upstreams) > 0 && !slices.ContainsFunc(t.Upstreams, s.Match.leadsTo) {
			out = append(out, s.Problem("match.upstream", strconv.Quote(s.Match.Upstream)+" matches nothing: no upstream is configured so", t.hint(s.Match.Upstream)))
		}
	}
	return out
}

// hint names the upstream that the author of pattern likely meant, or all upstreams.
func (t *Traffic) hint(pattern string) string {
	var hosts, addresses []string
	for _, u := range t.Upstreams {
		hosts, addresses = append(hosts, u.Host), append(addresses, u.Address())
	}
	if near := spelling.Nearest(pattern, hosts); len(near) > 0 {
		return spelling.Hint(pattern, hosts)
	}
	return spelling.Hint(pattern, addresses)
}
