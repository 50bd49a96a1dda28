// Package hindsight answers from captures how other limits and other timeouts would have
// gone: the goodput of each limit, an SLO file that the captured time would have kept, and
// the streams that a client's timeout would have cut.
package hindsight

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Key names the exchanges and calls that have limits of their own. A field by which a
// Gatherer does not divide is empty.
type Key struct {
	Operation string `json:"operation,omitempty"`
	Model     string `json:"model,omitempty"` // as requested
	Upstream  string `json:"upstream,omitempty"`
	Stream    bool   `json:"stream"`
}

// maxGroups bounds the groups of a Gatherer. It counts the exchanges of further ones and
// forgets them.
const maxGroups = 1000

// Gatherer gathers the lines of captures. It keeps 4 bytes for each indicator that an
// exchange has, in place of the line. It is not safe for concurrent use.
type Gatherer struct {
	by       []report.By
	groups   map[Key]*events
	further  int // exchanges beyond maxGroups
	leftOut  report.LeftOut
	open     report.OpenCalls
	first    time.Time
	last     time.Time
	lines    int
	drained  int
	atServer int // lines of sidecars beside model servers
}

// NewGatherer returns a Gatherer that divides by these fields, and streams from answers in
// one piece.
func NewGatherer(by ...report.By) *Gatherer {
	return &Gatherer{by: by, groups: map[Key]*events{}, open: report.OpenCalls{}}
}

// Add adds one line. It ignores lines of an unknown kind.
func (g *Gatherer) Add(l capture.Line) {
	switch {
	case l.Kind == capture.KindChain && l.Call != nil:
		g.open.End(l.Call.ID)
		if l.Origin == string(exchange.Canary) || l.Call.Operation == "" {
			return
		}
		last := capture.Line{Operation: l.Call.Operation, Model: l.Call.Model, Upstream: l.Call.Upstream, Stream: l.Call.Stream}
		g.add(&last, report.OfCall(l.Call), 0, aCall)
	case l.Kind == "" && !g.leftOut.Skip(&l):
		g.addExchange(&l)
	}
}

func (g *Gatherer) addExchange(l *capture.Line) {
	g.lines++
	if g.first.IsZero() || l.Start.Before(g.first) {
		g.first = l.Start
	}
	facts := report.OfExchange(l)
	if end := l.Start.Add(facts.E2E); end.After(g.last) {
		g.last = end
	}
	if facts.Outcome == exchange.Drained {
		g.drained++
	}
	if l.Role == string(exchange.Server) {
		g.atServer++
	}
	g.open.Add(l, "")
	if l.Chain == nil || l.Chain.Outcome == string(exchange.FirstTry) {
		g.add(l, facts, anAttempt, aCall)
		return
	}
	g.add(l, facts, anAttempt)
}

// add adds the facts of an exchange, of a call or of both to the group of l.
func (g *Gatherer) add(l *capture.Line, facts slo.Request, of ...flags) {
	key := Key{Stream: l.Stream}
	for _, by := range g.by {
		switch by {
		case report.ByOperation:
			key.Operation = l.Operation
		case report.ByModel:
			key.Model = l.Model.Request
		case report.ByUpstream:
			key.Upstream = l.Upstream
		}
	}
	into := g.groups[key]
	if into == nil {
		if len(g.groups) == maxGroups {
			g.further++
			return
		}
		into = new(events)
		g.groups[key] = into
	}
	var all flags
	for _, f := range of {
		all |= f
	}
	into.add(&facts, all)
}

// keys lists the groups: those with most events first.
func (g *Gatherer) keys() []Key {
	keys := make([]Key, 0, len(g.groups))
	for k := range g.groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(g.groups[b].size, g.groups[a].size), compareKeys(a, b))
	})
	return keys
}

// compareKeys orders keys by their fields, streams first.
func compareKeys(a, b Key) int {
	order := cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Upstream, b.Upstream))
	switch {
	case order != 0 || a.Stream == b.Stream:
		return order
	case a.Stream:
		return -1
	}
	return 1
}

// event is the thing that an SLO beside this traffic would judge by default.
func (g *Gatherer) event() slo.Event {
	if g.atServer == g.lines && g.lines > 0 {
		return slo.Attempt
	}
	return slo.Chain
}
