// Package report sums captures up as a load-test tool prints its result: latencies, rates
// and goodput, of exchanges and of the calls behind them.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/slo"
)

// By is the field by which a Summary is divided into groups.
type By string

// The divisions.
const (
	ByNothing   By = ""
	ByModel     By = "model" // as requested
	ByUpstream  By = "upstream"
	ByOperation By = "operation"
)

// Summary is a capture in the terms of a load-test tool. A figure without data is null.
type Summary struct {
	Start    time.Time `json:"start,omitzero"` // of the first exchange
	End      time.Time `json:"end,omitzero"`   // of the last one
	Duration *float64  `json:"duration_s"`     // from Start to End
	LeftOut
	All    Group   `json:"all"`
	Groups []Group `json:"groups,omitempty"` // most exchanges first
}

// Group sums up some of the exchanges of a capture. Rates are over the duration of the
// whole capture, so that the rates of all groups add up. Latencies and tokens are of
// successful exchanges, but for those that say otherwise.
type Group struct {
	Name       string         `json:"name,omitempty"`
	Exchanges  int            `json:"exchanges"`
	Successful int            `json:"successful"`
	Failed     int            `json:"failed"`
	Left       int            `json:"client_gone"` // the client left before the response was whole
	Outcomes   map[string]int `json:"outcomes"`

	InputTokens  Tokens `json:"input_tokens"`
	OutputTokens Tokens `json:"output_tokens"`
	// TotalTokens are both together, of the exchanges of which both are known.
	TotalTokens Tokens `json:"total_tokens"`
	// Costs are by currency, of all exchanges that have a cost, however they ended.
	Costs []Cost `json:"costs,omitempty"`
	// PromptCache is nil where no provider reported its cache.
	PromptCache *PromptCache `json:"prompt_cache,omitempty"`

	// The rates are per second; nil for a capture without duration.
	RequestRate     *float64 `json:"request_throughput"`
	OutputRate      *float64 `json:"output_token_throughput"`
	TokenRate       *float64 `json:"total_token_throughput"` // of TotalTokens; nil unless all are known
	MeanConcurrency *float64 `json:"mean_concurrency"`       // of all exchanges, not only successful
	PeakConcurrency int      `json:"peak_concurrency"`

	TTFT *Latency `json:"ttft_s"`
	TTFA *Latency `json:"ttfa_s"`
	TPOT *Latency `json:"tpot_s"`
	E2E  *Latency `json:"e2e_s"`
	// FailedE2E and LeftE2E are the times until the other exchanges ended.
	FailedE2E *Latency `json:"failed_e2e_s"`
	LeftE2E   *Latency `json:"client_gone_e2e_s"`
	// The lines hold quantiles of each exchange's ITL, which nobody can pool. So these are
	// distributions over exchanges: of the exchange's own median, and of its own p99.
	ITLP50 *Latency `json:"itl_p50_s"`
	ITLP99 *Latency `json:"itl_p99_s"`
	ITLMax *float64 `json:"itl_max_s"`

	Goodput *Goodput `json:"goodput,omitempty"`
	// Limits is nil if no request set a limit.
	Limits *RequestLimits `json:"request_limits,omitempty"`
	Calls  *Calls         `json:"calls,omitempty"` // nil for a capture without chains
	Turns  *Turns         `json:"turns,omitempty"` // nil for a capture without turns of several calls
}

// Summarizer gathers lines into a Summary. It is not safe for concurrent use.
type Summarizer struct {
	by         By
	objectives slo.Objectives // without any there is no goodput
	first      time.Time
	last       time.Time
	leftOut    LeftOut
	all        *gathering
	groups     map[string]*gathering
	open       OpenCalls
}

// NewSummarizer returns a Summarizer. Without objectives it leaves goodput out.
func NewSummarizer(by By, o slo.Objectives) *Summarizer {
	return &Summarizer{by: by, objectives: o, all: newGathering(), groups: map[string]*gathering{}, open: OpenCalls{}}
}

// Add adds one line. It ignores lines of an unknown kind.
func (s *Summarizer) Add(l capture.Line) {
	switch {
	case l.Kind == capture.KindChain && l.Call != nil:
		s.addChain(&l)
		return
	case l.Kind == capture.KindTurn && l.Whole != nil:
		s.addTurn(l.Whole)
		return
	case l.Kind != "" || s.leftOut.Skip(&l):
		return
	}
	if s.first.IsZero() || l.Start.Before(s.first) {
		s.first = l.Start
	}
	if end := end(&l); end.After(s.last) {
		s.last = end
	}
	s.open.Add(&l, group(&l, s.by))
	s.all.add(&l, s.objectives)
	if s.by != ByNothing {
		s.named(group(&l, s.by)).add(&l, s.objectives)
	}
}

// addChain adds the line of a chain, to the group of its last attempt.
func (s *Summarizer) addChain(l *capture.Line) {
	s.open.End(l.Call.ID)
	if l.Call.Operation == "" {
		return
	}
	s.all.calls.addChain(l.Call, s.objectives)
	if s.by != ByNothing {
		last := capture.Line{Model: l.Call.Model, Upstream: l.Call.Upstream, Operation: l.Call.Operation}
		s.named(group(&last, s.by)).calls.addChain(l.Call, s.objectives)
	}
}

// addTurn adds the line of a turn, to the group of its last exchange.
func (s *Summarizer) addTurn(w *capture.Whole) {
	s.all.turns.add(w)
	if s.by != ByNothing {
		last := capture.Line{Model: w.Model, Upstream: w.Upstream, Operation: w.Operation}
		s.named(group(&last, s.by)).turns.add(w)
	}
}

func (s *Summarizer) named(name string) *gathering {
	if s.groups[name] == nil {
		s.groups[name] = newGathering()
	}
	return s.groups[name]
}

// Summary is the summary of all lines so far.
func (s *Summarizer) Summary() Summary {
	seconds := s.last.Sub(s.first).Seconds()
	open, openBy := s.open.Count()
	s.all.calls.sum.Open = open
	out := Summary{
		Start: s.first, End: s.last, LeftOut: s.leftOut,
		All: s.all.group("", seconds, s.objectives),
	}
	if !s.first.IsZero() {
		out.Duration = &seconds
	}
	for name, g := range s.groups {
		g.calls.sum.Open = openBy[name]
		out.Groups = append(out.Groups, g.group(name, seconds, s.objectives))
	}
	slices.SortFunc(out.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Exchanges, a.Exchanges), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func end(l *capture.Line) time.Time { return l.Start.Add(duration(l.E2E)) }

func group(l *capture.Line, by By) string {
	switch by {
	case ByModel:
		return l.Model.Request
	case ByUpstream:
		return l.Upstream
	case ByOperation:
		return l.Operation
	}
	return ""
}
