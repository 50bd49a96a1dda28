package capture

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// KindTurn is the Kind of the line of a turn.
const KindTurn = "turn"

// Turn is the place of an exchange in the turn of a session.
type Turn struct {
	ID        string `json:"id"`
	Session   string `json:"session"`
	Call      int    `json:"call"`                // from 1; attempts of one call have the same
	JoinedBy  string `json:"joined_by,omitempty"` // the evidence; not of the first of a session
	Ambiguous bool   `json:"ambiguous,omitempty"`
	Outcome   string `json:"outcome,omitempty"` // the turn's, when this exchange ended it
	// Alone says that the exchange is all of the turn, and was answered.
	Alone bool `json:"alone,omitempty"`
}

// TurnLine is the line of a turn of several calls. All its facts are within Whole, so that a
// reader that knows only exchanges does not mistake the line for one.
type TurnLine struct {
	V      int       `json:"v"`
	Kind   string    `json:"kind"`
	Start  time.Time `json:"start"` // of the first exchange
	Origin string    `json:"origin"`
	Role   string    `json:"role"`
	Whole  Whole     `json:"whole"`
}

// Whole is a turn as its user felt it. Facts that exchanges do not add up to are those of
// the last exchange.
type Whole struct {
	ID        string   `json:"id"`
	Session   string   `json:"session"`
	Number    int      `json:"number"` // of the session, from 1
	Outcome   string   `json:"outcome"`
	Calls     int      `json:"calls"`
	Attempts  int      `json:"attempts"`
	ToolCalls int      `json:"tool_calls"`
	Overlap   int      `json:"overlap"` // the most exchanges under way at once
	JoinedBy  []string `json:"joined_by,omitempty"`
	Ambiguous bool     `json:"ambiguous,omitempty"`
	Late      bool     `json:"late,omitempty"`
	Operation string   `json:"operation,omitempty"`
	Model     Model    `json:"model,omitzero"`
	Upstream  string   `json:"upstream"`
	ErrorType string   `json:"error_type"`

	All         float64 `json:"all_s"`
	ModelTime   float64 `json:"model_s"`
	ToolTime    float64 `json:"tool_s,omitempty"`
	Slept       float64 `json:"slept_s,omitempty"`
	Human       float64 `json:"human_s,omitempty"` // before the turn
	FirstAnswer float64 `json:"first_answer_s,omitempty"`

	SLO     map[string]Verdict `json:"slo,omitempty"`
	TraceID string             `json:"trace_id,omitempty"`
}

func turn(t exchange.Turn) *Turn {
	if t.ID == 0 {
		return nil
	}
	return &Turn{
		ID: t.ID.String(), Session: t.Session.String(), Call: t.Call, JoinedBy: t.JoinedBy, Ambiguous: t.Ambiguous,
		Outcome: string(t.Outcome), Alone: t.Alone,
	}
}

// NewTurnLine is t as a line.
func NewTurnLine(t exchange.WholeTurn) TurnLine {
	last := &t.Last
	return TurnLine{
		V: Version, Kind: KindTurn, Start: t.Start.UTC(), Origin: string(last.Origin), Role: string(last.Role),
		Whole: Whole{
			ID: t.ID.String(), Session: t.Session.String(), Number: t.Number, Outcome: string(t.Outcome),
			Calls: t.Calls, Attempts: t.Attempts, ToolCalls: t.ToolCalls, Overlap: t.Overlap,
			JoinedBy: t.JoinedBy, Ambiguous: t.Ambiguous, Late: t.Late,
			Operation: string(last.Operation), Model: Model(last.Model), Upstream: last.Upstream.Address(), ErrorType: string(last.ErrorType),
			All: seconds(t.All), ModelTime: seconds(t.Model), ToolTime: seconds(t.Tool), Slept: seconds(t.Slept()), Human: seconds(t.Human),
			FirstAnswer: seconds(t.FirstAnswer), SLO: verdicts(t.Verdicts), TraceID: t.Trace.TraceID,
		},
	}
}
