// Package slo judges exchanges and chains against service level objectives and
// counts goodput: the requests, and the tokens, that met every objective.
package slo

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Set is the content of an SLO file, valid as a whole. Nobody changes a Set: a new one
// replaces it.
type Set struct {
	SLOs []SLO
	// First says that only the first matching SLO judges an exchange; otherwise all
	// matching ones do.
	First bool
}

// SLO is a promise about the exchanges that it matches: so many percent of them are good,
// which means that they met every objective.
type SLO struct {
	Name      string
	Match     Match
	Objective float64 // percent good, above 0 and below 100
	Window    time.Duration
	Good      Objectives // besides, a failed exchange is never good
	// Exchanges with an outcome of Exclude or a type of ExcludeTypes count neither way.
	Exclude      []exchange.Outcome
	ExcludeTypes []exchange.ErrorType // HTTP statuses
	Judge        Event
	Alerting     Alerting

	at place // where it was read
}

// Equal says whether s and o promise the same and alert the same people, wherever they
// were read.
func (s *SLO) Equal(o *SLO) bool {
	a, b := &s.Alerting, &o.Alerting
	return s.same(o) && s.Objective == o.Objective && s.Window == o.Window &&
		a.Page == b.Page && a.Ticket == b.Ticket && a.MinRequests == b.MinRequests && slices.Equal(a.By, b.By) &&
		a.Runbook == b.Runbook && a.Dashboard == b.Dashboard &&
		maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// same says whether s and o have one name and judge every exchange the same, so that the
// counts of one can go on for the other.
func (s *SLO) same(o *SLO) bool {
	return s.Name == o.Name && s.Match.equal(&o.Match) && s.Judge == o.Judge && slices.Equal(s.Good, o.Good) &&
		slices.Equal(s.Exclude, o.Exclude) && slices.Equal(s.ExcludeTypes, o.ExcludeTypes)
}

// Limit is the limit of the objective for i, 0 if there is none.
func (s *SLO) Limit(i exchange.Indicator) time.Duration {
	for _, o := range s.Good {
		if o.Indicator == i {
			return o.Limit
		}
	}
	return 0
}

// Event is the thing that an SLO judges and counts.
type Event string

// The events. Empty is Chain beside an application and Attempt beside a
// model server.
const (
	Chain   Event = "chain"   // the call that the user felt, all its attempts together
	Attempt Event = "attempt" // every exchange for itself
	Turn    Event = "turn"    // all that an agent did for one message of its human
)

// Match says which exchanges an SLO judges. An empty field matches all.
type Match struct {
	Operation   exchange.Operation
	Model       string // pattern with *, of the requested model
	Upstream    string // pattern with *, of host:port, or of the host when it has no colon
	Stream      *bool
	Header      map[string]string // pattern with *, by field of the request in lower case
	InputTokens Range             // class of the prompt's size
}

func (m *Match) equal(o *Match) bool {
	stream := m.Stream == nil && o.Stream == nil || m.Stream != nil && o.Stream != nil && *m.Stream == *o.Stream
	return stream && m.Operation == o.Operation && m.Model == o.Model && m.Upstream == o.Upstream &&
		m.InputTokens == o.InputTokens && maps.Equal(m.Header, o.Header)
}

// covers says whether m matches whatever o matches, as far as the two patterns show it.
func (m *Match) covers(o *Match) bool {
	for field, pattern := range m.Header {
		if narrower, ok := o.Header[field]; !ok || !coversPattern(pattern, narrower) {
			return false
		}
	}
	return (m.Operation == "" || m.Operation == o.Operation) &&
		(m.Stream == nil || o.Stream != nil && *m.Stream == *o.Stream) &&
		coversPattern(m.Model, o.Model) && coversUpstream(m.Upstream, o.Upstream) && m.InputTokens.covers(o.InputTokens)
}

// coversPattern says whether the pattern wide matches all texts that narrow matches: a *
// of narrow may be any text, and only a * of wide matches any. An empty one is no limit.
func coversPattern(wide, narrow string) bool {
	return wide == "" || wide == "*" || narrow != "" && exchange.Match(wide, narrow)
}

// coversUpstream is coversPattern for upstreams: a pattern without a colon is one of hosts.
func coversUpstream(wide, narrow string) bool {
	if host, _, ok := strings.Cut(narrow, ":"); ok && !strings.Contains(wide, ":") {
		narrow = host
	}
	return coversPattern(wide, narrow)
}

// Range is a size class that includes both ends. Max 0 is no upper end.
type Range struct{ Min, Max int64 }

// covers says whether r has all sizes of o. A Range that is zero has unknown sizes, too.
func (r Range) covers(o Range) bool {
	return r == Range{} || o != Range{} && r.Min <= o.Min && (r.Max == 0 || o.Max != 0 && o.Max <= r.Max)
}

// Holds says whether n is in the class.
func (r Range) Holds(n int64) bool { return n >= r.Min && (r.Max == 0 || n <= r.Max) }

// Alerting says how alerts go out when the budget burns.
type Alerting struct {
	Page, Ticket bool
	MinRequests  int64             // below so many in the short window alerts stay silent
	By           []string          // labels that keep parts of the fleet apart; none aggregates all
	Runbook      string            // URL
	Dashboard    string            // URL
	Labels       map[string]string // added to every alert
	Annotations  map[string]string
}
