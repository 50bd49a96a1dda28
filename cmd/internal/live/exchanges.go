package live

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Exchange is an exchange that is over, as GET /api/v1/exchanges lists it. headway does not
// know what is absent.
type Exchange struct {
	ID        string    `json:"id"`     // of its span
	Number    int       `json:"number"` // from 1, in the order of their ends
	Start     time.Time `json:"start"`
	Operation string    `json:"operation,omitempty"`
	PathClass string    `json:"path_class,omitempty"` // of an exchange that no dialect reads
	Model     string    `json:"model,omitempty"`
	Upstream  string    `json:"upstream"`
	Origin    string    `json:"origin"`
	Probe     string    `json:"probe,omitempty"` // that sent it, of a canary
	Stream    bool      `json:"stream"`
	Status    int       `json:"status,omitempty"`
	Outcome   string    `json:"outcome"`
	ErrorType string    `json:"error_type,omitempty"`
	TTFT      Seconds   `json:"ttft_s,omitempty"`
	TTFA      Seconds   `json:"ttfa_s,omitempty"`
	TPOT      Seconds   `json:"tpot_s,omitempty"`
	E2E       Seconds   `json:"e2e_s"`
	Input     *int64    `json:"input_tokens,omitempty"`
	CacheRead *int64    `json:"cache_read_tokens,omitempty"` // of the input
	Output    *int64    `json:"output_tokens,omitempty"`
	Source    string    `json:"usage_source,omitempty"`
	// InputSource is who counted the input, if that is another one.
	InputSource string   `json:"input_source,omitempty"`
	Missed      []string `json:"missed,omitempty"` // limits of SLOs: chat-interactive ttft
	// Labels are by name. Limits says how the exchange went by those that its request set:
	// ttft kept.
	Labels  map[string]string `json:"labels,omitempty"`
	Limits  []string          `json:"request_limits,omitempty"`
	Chain   string            `json:"chain,omitempty"`
	Attempt int               `json:"attempt,omitempty"` // from 1
	Ends    string            `json:"chain_outcome,omitempty"`
	TraceID string            `json:"trace_id,omitempty"`
	Notes   []string          `json:"notes,omitempty"`
}

func (v *View) exchange(s *seen) Exchange {
	e := Exchange{
		ID: s.Span.ID.String(), Number: s.number, Start: s.Start.UTC(), Operation: string(s.Operation), PathClass: s.PathClass, Model: s.Model.Request,
		Upstream: s.Upstream.Address(), Origin: string(s.Origin), Probe: s.Probe, Stream: s.Stream, Status: s.Status,
		Outcome: string(s.Outcome), ErrorType: string(s.ErrorType), TTFT: Seconds(s.TTFT()), TTFA: Seconds(s.TTFA()), TPOT: Seconds(s.TPOT()), E2E: Seconds(s.E2E()),
		Input: known(s.Usage.Input), CacheRead: known(s.Usage.CacheRead), Output: known(s.Usage.Output), Source: string(s.Usage.Source), InputSource: string(s.Usage.InputSource),
		Chain: s.Attempt.Chain.String(), Attempt: s.Attempt.Number, Ends: string(s.Attempt.Outcome), Notes: s.Notes,
		Labels: exchange.LabelsByName(v.Labels, s.Labels),
	}
	if s.Sampling.Kept {
		e.TraceID = s.Span.Trace.String()
	}
	for _, verdict := range s.Verdicts {
		for _, indicator := range exchange.Indicators() {
			if verdict.Missed.Has(indicator) {
				e.Missed = append(e.Missed, verdict.SLO+" "+indicator.String())
			}
		}
	}
	for _, l := range s.Limits {
		e.Limits = append(e.Limits, l.Indicator.String()+" "+string(l.Verdict))
	}
	return e
}

// Exchanges lists the last exchanges that ended, the newest first: at most limit, and none
// up to the number after.
func (v *View) Exchanges(limit, after int) []Exchange {
	v.mu.Lock()
	var last []*seen
	for i := len(v.recent) - 1; i >= 0 && len(last) < limit && v.recent[i].number > after; i-- {
		last = append(last, v.recent[i])
	}
	v.mu.Unlock()
	out := make([]Exchange, len(last))
	for i, s := range last {
		out[i] = v.exchange(s)
	}
	return out
}

// Exchange returns the waterfall of the exchange with that id, if v still keeps it.
func (v *View) Exchange(id string) (Waterfall, bool) {
	v.mu.Lock()
	var found *seen
	for i := len(v.recent) - 1; i >= 0 && found == nil; i-- {
		if v.recent[i].Span.ID.String() == id {
			found = v.recent[i]
		}
	}
	v.mu.Unlock()
	if found == nil {
		return Waterfall{}, false
	}
	return v.waterfall(found), true
}
