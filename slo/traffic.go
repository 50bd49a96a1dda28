package slo

import (
	"slices"
	"strconv"
	"strings"

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
			continue
		}
		out = append(out, t.unserved(s)...)
	}
	return out
}

// unserved warns of an SLO about a model or an operation that none of its upstreams has.
func (t *Traffic) unserved(s *SLO) []Warning {
	var of []*vendor
	for _, u := range t.Upstreams {
		if !s.Match.leadsTo(u) {
			continue
		}
		v := vendorOf(u)
		if v == nil { // it may have anything
			return nil
		}
		of = append(of, v)
	}
	if len(of) == 0 {
		return nil
	}
	if by := maker(s.Match.Model); by != nil && !slices.Contains(of, by) {
		return []Warning{s.Problem("match.model", strconv.Quote(s.Match.Model)+" matches nothing: "+hosts(of)+" no such models",
			"add a route to "+by.host+" to HEADWAY_ROUTES, or name another model")}
	}
	has := func(v *vendor) bool {
		return len(v.operations) == 0 || slices.Contains(v.operations, s.Match.Operation)
	}
	if s.Match.Operation != "" && !slices.ContainsFunc(of, has) {
		return []Warning{s.Problem("match.operation", strconv.Quote(string(s.Match.Operation))+" matches nothing: "+hosts(of)+" no API for it",
			"name another operation, or leave it out")}
	}
	return nil
}

// hosts says that the hosts of vendors have something.
func hosts(of []*vendor) string {
	var names []string
	for _, v := range of {
		if !slices.Contains(names, v.host) {
			names = append(names, v.host)
		}
	}
	if len(names) == 1 {
		return names[0] + " has"
	}
	return strings.Join(names, " and ") + " have"
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
