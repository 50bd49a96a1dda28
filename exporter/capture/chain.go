package capture

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// KindChain is the Kind of the line of a chain.
const KindChain = "chain"

// Attempt is the place of an exchange in the chain of attempts at one logical call.
type Attempt struct {
	ID        string  `json:"id"`
	Attempt   int     `json:"attempt"`             // from 1
	JoinedBy  string  `json:"joined_by,omitempty"` // the evidence; not of the first
	Fallback  bool    `json:"fallback,omitempty"`
	Ambiguous bool    `json:"ambiguous,omitempty"`
	Elapsed   float64 `json:"elapsed_s,omitempty"` // since the start of the first attempt
	Outcome   string  `json:"outcome,omitempty"`   // the chain's, when this attempt ended it
}

// ChainLine is the line of a chain that was not answered at the first try. All its facts
// are within Call, so that a reader that knows only exchanges does not mistake the line
// for one.
type ChainLine struct {
	V      int       `json:"v"`
	Kind   string    `json:"kind"`
	Start  time.Time `json:"start"` // of the first attempt
	Origin string    `json:"origin"`
	Role   string    `json:"role"`
	Call   Call      `json:"call"`
}

// Call is a logical call as its user felt it, all its attempts together. Facts that
// attempts do not add up to are those of the last attempt.
type Call struct {
	ID        string   `json:"id"`
	Outcome   string   `json:"outcome"`
	Attempts  int      `json:"attempts"`
	JoinedBy  []string `json:"joined_by,omitempty"`
	Fallback  bool     `json:"fallback,omitempty"`
	Ambiguous bool     `json:"ambiguous,omitempty"`
	Late      bool     `json:"late,omitempty"` // closed by silence
	Operation string   `json:"operation,omitempty"`
	Model     Model    `json:"model,omitzero"`
	Upstream  string   `json:"upstream"`
	Stream    bool     `json:"stream"`
	ErrorType string   `json:"error_type"`

	ContentChunks *int `json:"content_chunks,omitempty"` // of a stream's last attempt; unknown of a late chain

	TTFT  float64 `json:"ttft_s,omitempty"` // from the start of the first attempt
	TTFA  float64 `json:"ttfa_s,omitempty"` // likewise
	E2E   float64 `json:"e2e_s"`            // likewise
	TPOT  float64 `json:"tpot_s,omitempty"`
	ITL   *ITL    `json:"itl_s,omitempty"`
	Stall float64 `json:"stall_s,omitempty"` // of a stream's last attempt; unknown of a late chain
	Slept float64 `json:"slept_s,omitempty"`

	Tokens            Tokens             `json:"tokens,omitzero"` // of the last attempt
	Waste             []Waste            `json:"waste,omitempty"` // by cause
	RetryAfterIgnored int                `json:"retry_after_ignored,omitempty"`
	Labels            map[string]string  `json:"labels,omitempty"` // of the last attempt
	SLO               map[string]Verdict `json:"slo,omitempty"`    // of a late chain; any other has them at the attempt that ended it
	TraceID           string             `json:"trace_id,omitempty"`
}

// Waste is the cost of the attempts that failed for one cause.
type Waste struct {
	Cause    string  `json:"cause"`
	Attempts int     `json:"attempts"`
	Time     float64 `json:"time_s"`
	Tokens   Tokens  `json:"tokens,omitzero"` // input and output
	Cost     float64 `json:"cost,omitempty"`  // of the attempts that have a price, in Currency
	Currency string  `json:"currency,omitempty"`
}

func attempt(a exchange.Attempt) *Attempt {
	if a.Chain == 0 {
		return nil
	}
	return &Attempt{
		ID: a.Chain.String(), Attempt: a.Number, JoinedBy: a.JoinedBy, Fallback: a.Fallback, Ambiguous: a.Ambiguous,
		Elapsed: seconds(a.Elapsed), Outcome: string(a.Outcome),
	}
}

// NewChainLine is c as a line, without Labels.
func NewChainLine(c exchange.Chain) ChainLine {
	last := &c.Last
	call := Call{
		ID: c.ID.String(), Outcome: string(c.Outcome), Attempts: c.Attempts, JoinedBy: c.JoinedBy,
		Fallback: c.Fallback, Ambiguous: c.Ambiguous, Late: c.Late,
		Operation: string(last.Operation), Model: Model(last.Model), Upstream: last.Upstream.Address(),
		Stream: last.Stream, ErrorType: string(last.ErrorType),
		TTFT: seconds(c.TTFT), TTFA: seconds(c.TTFA()), E2E: seconds(c.E2E), Slept: seconds(c.Slept),
		Tokens:            tokens(&last.Usage),
		RetryAfterIgnored: c.RetryAfterIgnored, SLO: verdicts(c.Verdicts), TraceID: last.Trace.TraceID,
	}
	if !c.Late {
		call.Stall = stall(last)
	}
	if last.Stream {
		call.TPOT, call.ITL = seconds(last.TPOT()), itl(last)
		if last.Events > 0 && !c.Late {
			call.ContentChunks = &last.Chunks.Count
		}
	}
	for _, w := range c.Waste {
		call.Waste = append(call.Waste, Waste{
			Cause: w.Cause, Attempts: w.Attempts, Time: seconds(w.Time), Tokens: Tokens{Input: count(w.Input), Output: count(w.Output)},
			Cost: w.Cost, Currency: w.Currency,
		})
	}
	return ChainLine{
		V: Version, Kind: KindChain, Start: c.Start.UTC(), Origin: string(last.Origin), Role: string(last.Role), Call: call,
	}
}
