//go:generate go test -run Golden -update .

// Package capture writes one line of JSON for each exchange, with timings and counts and
// never content, and reads such files back.
package capture

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Version is the version of the line's format. It changes only when a reader of the
// former format would misunderstand the new one.
const Version = 1

// Line is one line of the file: an exchange, or a ChainLine or a TurnLine as Read returns it. An absent
// field is unknown, never zero. Times are in seconds.
type Line struct {
	V         int       `json:"v"`
	Kind      string    `json:"kind,omitempty"` // empty: an exchange
	Start     time.Time `json:"start"`
	Origin    string    `json:"origin"`
	Probe     string    `json:"probe,omitempty"` // of a canary
	Role      string    `json:"role"`
	Mode      string    `json:"mode"`
	Dialect   string    `json:"dialect,omitempty"`
	Operation string    `json:"operation,omitempty"`
	PathClass string    `json:"path_class,omitempty"` // of an exchange without Dialect
	Provider  string    `json:"provider,omitempty"`
	Model     Model     `json:"model,omitzero"`
	Upstream  string    `json:"upstream"` // host:port; empty: no route led to one
	Stream    bool      `json:"stream"`
	Status    int       `json:"status,omitempty"`
	Outcome   string    `json:"outcome"`
	ErrorType string    `json:"error_type"` // empty: it did not fail

	FinishReasons []string `json:"finish_reasons,omitempty"`

	// Clock is whose clock told when bytes came: kernel or process.
	Clock      string  `json:"clock,omitempty"`
	FirstByte  float64 `json:"first_byte_s,omitempty"`
	FirstEvent float64 `json:"first_event_s,omitempty"`
	TTFT       float64 `json:"ttft_s,omitempty"`             // of streams only
	TTFA       float64 `json:"ttfa_s,omitempty"`             // of streams only: to the first token that is no reasoning
	Hidden     float64 `json:"hidden_reasoning_s,omitempty"` // of streams only
	TPOT       float64 `json:"tpot_s,omitempty"`             // of streams only
	LastToken  float64 `json:"last_token_s,omitempty"`       // of streams only
	E2E        float64 `json:"e2e_s,omitempty"`
	ITL        *ITL    `json:"itl_s,omitempty"`
	Stall      float64 `json:"stall_s,omitempty"` // of streams only: the longest stall of the upstream
	Idle       *Idle   `json:"idle_s,omitempty"`
	// Silences are the times of 10 s or longer in which a stream brought no content.
	Silences []Silence `json:"silences,omitempty"`

	Chunks        *int `json:"chunks,omitempty"` // messages of the stream
	ContentChunks *int `json:"content_chunks,omitempty"`
	// BurstRatio is the share of the content chunks that came out of a buffer.
	BurstRatio *float64 `json:"burst_ratio,omitempty"`
	// PromptCache is absent where the prompt met the cache, and where headway could not compare.
	PromptCache *PromptCache `json:"prompt_cache,omitempty"`

	Tokens     Tokens             `json:"tokens,omitzero"`
	Wait       *Wait              `json:"wait_s,omitempty"`
	Engine     Engine             `json:"engine_s,omitzero"`
	Cost       *Cost              `json:"cost,omitempty"` // by the user's prices; absent without one
	Bytes      Bytes              `json:"bytes"`
	Chain      *Attempt           `json:"chain,omitempty"`
	Call       *Call              `json:"call,omitempty"` // the only facts in a line of KindChain
	Turn       *Turn              `json:"turn,omitempty"`
	Whole      *Whole             `json:"whole,omitempty"`     // the only facts in a line of KindTurn
	SLO        map[string]Verdict `json:"slo,omitempty"`       // by name of the SLOs that judged it
	RateLimits map[string]Limit   `json:"ratelimit,omitempty"` // by kind
	// Labels are by name, as the configuration of headway defines them. Limits are those that the
	// request set itself, by indicator.
	Labels  map[string]string       `json:"labels,omitempty"`
	Limits  map[string]RequestLimit `json:"limits,omitempty"`
	TraceID string                  `json:"trace_id,omitempty"` // of its span if that is kept, or else of the client's context
	SpanID  string                  `json:"span_id,omitempty"`  // of its span if that is kept
	Notes   []string                `json:"notes,omitempty"`
}

// Model holds the requested model and the one that answered.
type Model struct {
	Request  string `json:"request,omitempty"`
	Response string `json:"response,omitempty"`
}

// ITL holds quantiles of one exchange's inter-token latency.
type ITL struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Tokens counts the tokens of an exchange.
type Tokens struct {
	Input      *int64 `json:"input,omitempty"`
	Output     *int64 `json:"output,omitempty"`
	CacheRead  *int64 `json:"cache_read,omitempty"`
	CacheWrite *int64 `json:"cache_write,omitempty"`
	Reasoning  *int64 `json:"reasoning,omitempty"`
	Delivered  *int64 `json:"delivered,omitempty"` // of streams whose client left: those that it had got by then
	Source     string `json:"source,omitempty"`    // how sure the counts are
	// InputSource is that of Input where it is another one. The margins are of estimates.
	InputSource  string `json:"input_source,omitempty"`
	InputMargin  int64  `json:"input_margin,omitempty"`
	OutputMargin int64  `json:"output_margin,omitempty"`
}

// Wait is how long each side made the response wait, all its waits together.
type Wait struct {
	Upstream float64 `json:"upstream"`
	Proxy    float64 `json:"proxy"`
	Client   float64 `json:"client"`
}

// Idle is how long no byte came from the upstream, of content or of anything else: the
// waits that a client's own timeouts measure.
type Idle struct {
	Head float64 `json:"head,omitempty"` // from the start of the request to the head of the response
	Body float64 `json:"body"`           // the longest wait after the head, End included
	End  float64 `json:"end"`            // in which an exchange ended that did not end well
}

// Silence is a time in which a stream brought no content.
type Silence struct {
	Phase string  `json:"phase"` // before_first_token, mid_stream
	At    float64 `json:"at_s"`  // its start, from that of the exchange
	Wait  float64 `json:"wait_s"`
	Ended string  `json:"ended"` // resumed, client_gone, cut
}

// Engine is where the time went inside the model server, as the server told it. Nil is
// untold; 0 is no wait.
type Engine struct {
	Queue   *float64 `json:"queue,omitempty"`
	Prefill *float64 `json:"prefill,omitempty"`
	Decode  *float64 `json:"decode,omitempty"`
}

// Bytes counts the body bytes of request and response.
type Bytes struct {
	In  int64 `json:"in"`
	Out int64 `json:"out"`
}

// Limit is a rate limit as the upstream told it, with Reset in seconds.
type Limit struct {
	Limit     *int64  `json:"limit,omitempty"`
	Remaining *int64  `json:"remaining,omitempty"`
	Reset     float64 `json:"reset_s,omitempty"`
}

// NewLine is r as a line. It has no Labels: r does not know their names.
func NewLine(r exchange.Record) Line {
	l := Line{
		V: Version, Start: r.Start.UTC(), Origin: string(r.Origin), Probe: r.Probe, Role: string(r.Role), Mode: string(r.Mode),
		Dialect: r.Dialect, Operation: string(r.Operation), Provider: r.Provider, Model: Model(r.Model),
		Upstream: r.Upstream.Address(), PathClass: r.PathClass,
		Stream: r.Stream, Status: r.Status, Outcome: string(r.Told()), ErrorType: string(r.ErrorType),
		FinishReasons: r.FinishReasons, Clock: r.ArrivalClock.String(),
		FirstByte: seconds(r.Timing.FirstChunk), FirstEvent: seconds(r.Timing.FirstEvent), E2E: seconds(r.E2E()),
		Tokens: tokens(&r.Usage), PromptCache: promptCache(&r.Prefix), Bytes: Bytes(r.Bytes), RateLimits: limits(r.RateLimits),
		Chain:   attempt(r.Attempt),
		Turn:    turn(r.Turn),
		SLO:     verdicts(r.Verdicts),
		Limits:  requestLimits(r.Limits),
		Cost:    cost(&r.Cost),
		TraceID: r.Trace.TraceID, Notes: r.Notes,
		Engine: Engine{Queue: phase(r.Engine.Queue), Prefill: phase(r.Engine.Prefill), Decode: phase(r.Engine.Decode)},
	}
	if r.Sampling.Kept && r.Span.ID != (exchange.SpanID{}) {
		l.TraceID, l.SpanID = r.Span.Trace.String(), r.Span.ID.String()
	}
	if r.Stream {
		l.TTFT, l.TTFA, l.TPOT, l.ITL = seconds(r.TTFT()), seconds(r.TTFA()), seconds(r.TPOT()), itl(&r)
		l.Hidden, l.LastToken = seconds(r.Hidden()), seconds(r.Timing.LastToken)
		if r.Events > 0 {
			l.Chunks, l.ContentChunks = &r.Events, &r.Chunks.Count
		}
		if r.Bursts.Of > 0 {
			share := r.Bursts.Share()
			l.BurstRatio = &share
		}
	}
	l.Stall, l.Idle, l.Silences = stall(&r), idleness(&r), silences(&r)
	if r.Timing.ResponseHead > 0 {
		l.Wait = &Wait{seconds(r.Clocks.Upstream.Sum), seconds(r.Clocks.Proxy.Sum), seconds(r.Clocks.Client.Sum)}
	}
	return l
}

// seconds is the float nearest to d, so that it prints with the digits of d.
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// phase returns the seconds of p, nil if the server did not report it.
func phase(p exchange.Phase) *float64 {
	if !p.Known {
		return nil
	}
	s := seconds(p.Time)
	return &s
}

func tokens(u *exchange.Usage) Tokens {
	return Tokens{
		Input: count(u.Input), Output: count(u.Output),
		CacheRead: count(u.CacheRead), CacheWrite: count(u.CacheWrite), Reasoning: count(u.Reasoning), Delivered: count(u.Delivered),
		Source: string(u.Source), InputSource: string(u.InputSource), InputMargin: u.InputMargin, OutputMargin: u.OutputMargin,
	}
}

func count(c exchange.Count) *int64 {
	if !c.Known {
		return nil
	}
	return &c.N
}

func limits(of []exchange.RateLimit) map[string]Limit {
	if len(of) == 0 {
		return nil
	}
	out := make(map[string]Limit, len(of))
	for _, l := range of {
		out[l.Kind] = Limit{Limit: count(l.Limit), Remaining: count(l.Remaining), Reset: seconds(l.Reset)}
	}
	return out
}

// itl is nil for an exchange without gaps.
func itl(r *exchange.Record) *ITL {
	q, ok := r.ITL()
	if !ok {
		return nil
	}
	return &ITL{P50: seconds(q.P50), P90: seconds(q.P90), P99: seconds(q.P99), Max: seconds(q.Max)}
}

// stall is 0 for a response in one piece, and for a stream of which no byte came.
func stall(r *exchange.Record) float64 {
	if !r.Stream || r.Timing.FirstChunk == 0 {
		return 0
	}
	return seconds(r.Stall())
}

func silences(r *exchange.Record) (out []Silence) {
	for _, e := range r.Episodes() {
		out = append(out, Silence{Phase: string(e.Phase), At: seconds(e.From), Wait: seconds(e.Wait()), Ended: string(e.Ended)})
	}
	return out
}

// idleness is nil for a connection that headway did not read.
func idleness(r *exchange.Record) *Idle {
	switch r.Mode {
	case exchange.Sealed, exchange.Raw, exchange.Upgraded:
		return nil
	}
	t := &r.Timing
	body, end := time.Duration(0), time.Duration(0)
	if r.Outcome != exchange.OK {
		end = t.End - max(t.ResponseHead, t.LastChunk)
	}
	if t.ResponseHead > 0 {
		body = max(t.FirstChunk-t.ResponseHead, r.Clocks.Upstream.Longest, end)
	}
	return &Idle{Head: seconds(t.ResponseHead), Body: seconds(body), End: seconds(end)}
}
