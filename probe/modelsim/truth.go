package modelsim

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Outcome is how an exchange ended.
type Outcome string

// The outcomes of an exchange.
const (
	OutcomeRunning    Outcome = "running"     // not ended yet
	OutcomeOK         Outcome = "ok"          // answered to its end
	OutcomeRefused    Outcome = "refused"     // HTTP error: bad request, rate limit, overload, unauthorized
	OutcomeFault      Outcome = "fault"       // ended by a fault, not merely slowed or soiled by one
	OutcomeClientGone Outcome = "client_gone" // the client left first; GoneAt says when that was noticed
	OutcomeClosed     Outcome = "closed"      // the server was closed first
)

// Chunk is one emission of tokens: one event of a stream, or the whole body of an
// answer that is not streamed.
type Chunk struct {
	// At is the moment right before the write of the event, in Unix nanoseconds.
	At     int64 `json:"at_unix_ns"`
	Tokens int   `json:"tokens"`
	Choice int   `json:"choice,omitempty"`
}

// Exchange is the ground truth of one request. Times are Unix nanoseconds, zero for events that did
// not happen.
type Exchange struct {
	ID         string `json:"id"`          // the X-Request-Id of the response, or the field that its provider has for it
	ResponseID string `json:"response_id"` // the id in the body, if the API has one
	Ordinal    uint64 `json:"ordinal"`     // 1 for the server's first request
	// Dialect and Operation name the API as headway's records do: openai-chat and chat, say. The
	// dialect is empty for a count of tokens, which headway reads as no dialect.
	Dialect    string `json:"dialect"`
	Operation  string `json:"operation"`
	Model      string `json:"model"`
	Stream     bool   `json:"stream"`
	RetryCount string `json:"retry_count,omitempty"` // the client's X-Stainless-Retry-Count
	// ClientRequestID is the X-Request-Id that the client sent.
	ClientRequestID string `json:"client_request_id,omitempty"`
	// Traceparent is the W3C trace context of the request, as it arrived.
	Traceparent string `json:"traceparent,omitempty"`

	ReceivedAt   int64 `json:"received_unix_ns"`    // the request's head had been read
	QueuedAt     int64 `json:"queued_unix_ns"`      // the front end was through with it, and the engine could schedule it
	ScheduledAt  int64 `json:"scheduled_unix_ns"`   // its first prefill step began
	FirstTokenAt int64 `json:"first_token_unix_ns"` // the step ended that generated the first token, shown or not
	LastTokenAt  int64 `json:"last_token_unix_ns"`  // likewise, of its first choice
	HeadAt       int64 `json:"head_unix_ns"`        // just before the response head
	FirstEventAt int64 `json:"first_event_unix_ns"` // just before the first event, tokens or not
	EndAt        int64 `json:"end_unix_ns"`         // after the last write
	GoneAt       int64 `json:"gone_unix_ns,omitempty"`

	Chunks []Chunk `json:"chunks"` // the token-bearing events
	Events int     `json:"events"` // all events written, [DONE] included

	PromptTokens int `json:"prompt_tokens"`
	CachedTokens int `json:"cached_tokens"`
	// CacheWriteTokens are those that the request marked for the cache and the cache did not hold.
	CacheWriteTokens int `json:"cache_write_tokens,omitempty"`
	// OutputTokens were generated until the end, shown or not. ReasoningTokens of them preceded the
	// answer proper: thinking, which the client sees if its request asks for that.
	OutputTokens    int `json:"output_tokens"`
	ReasoningTokens int `json:"reasoning_tokens"`

	FinishReasons []string `json:"finish_reasons,omitempty"` // by choice, empty until it finished
	Fault         string   `json:"fault,omitempty"`          // all that were staged, as ParseFaults reads them
	Status        int      `json:"status"`                   // 0 when no head was written
	Encoding      string   `json:"encoding,omitempty"`
	Outcome       Outcome  `json:"outcome"`
}

// TTFT is the time from the received request to the first token, 0 without one.
func (e Exchange) TTFT() time.Duration {
	if len(e.Chunks) == 0 {
		return 0
	}
	return time.Duration(e.Chunks[0].At - e.ReceivedAt)
}

// Engine is how long the exchange waited for the engine, how long its prefill took and how long its
// decode, each 0 when it did not get there. Of several choices these are the times of the first.
func (e Exchange) Engine() (queue, prefill, decode time.Duration) {
	if e.ScheduledAt > 0 {
		queue = time.Duration(e.ScheduledAt - e.QueuedAt)
	}
	if e.FirstTokenAt > 0 {
		prefill = time.Duration(e.FirstTokenAt - e.ScheduledAt)
		decode = time.Duration(e.LastTokenAt - e.FirstTokenAt)
	}
	return queue, prefill, decode
}

// TPOT is the time per shown token after the first, 0 for fewer than two.
func (e Exchange) TPOT() time.Duration {
	shown := e.ShownTokens()
	if shown < 2 {
		return 0
	}
	return time.Duration(e.Chunks[len(e.Chunks)-1].At-e.Chunks[0].At) / time.Duration(shown-1)
}

// Gaps are the times between consecutive token-bearing events of all choices.
func (e Exchange) Gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(e.Chunks); i++ {
		gaps = append(gaps, time.Duration(e.Chunks[i].At-e.Chunks[i-1].At))
	}
	return gaps
}

// ShownTokens is the sum over Chunks.
func (e Exchange) ShownTokens() int {
	n := 0
	for _, c := range e.Chunks {
		n += c.Tokens
	}
	return n
}

// record is an exchange while it happens. It is safe for concurrent use.
type record struct {
	mu sync.Mutex
	ex Exchange
}

func (r *record) update(f func(*Exchange)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.ex)
}

func (r *record) snapshot() Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	ex := r.ex
	ex.Chunks = slices.Clone(ex.Chunks)
	ex.FinishReasons = slices.Clone(ex.FinishReasons)
	return ex
}

// truth is a ring of the newest records, in order of arrival.
type truth struct {
	mu   sync.Mutex
	ring []*record
	next int // where the next record goes once the ring is full
	size int
	byID map[string]*record
	// bySpan has the records whose request named a span, by its id.
	bySpan map[string]*record
}

func newTruth(size int) *truth {
	return &truth{size: size, byID: make(map[string]*record), bySpan: make(map[string]*record)}
}

func (t *truth) add(r *record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID[r.ex.ID] = r
	if span := r.ex.span(); span != "" {
		t.bySpan[span] = r
	}
	if len(t.ring) < t.size {
		t.ring = append(t.ring, r)
		return
	}
	old := &t.ring[t.next].ex
	delete(t.byID, old.ID)
	if t.bySpan[old.span()] == t.ring[t.next] {
		delete(t.bySpan, old.span())
	}
	t.ring[t.next] = r
	t.next = (t.next + 1) % t.size
}

// span is the id of the span in Traceparent, empty without one.
func (e *Exchange) span() string {
	parts := strings.Split(e.Traceparent, "-")
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

func (t *truth) find(in map[string]*record, key string) (Exchange, bool) {
	t.mu.Lock()
	r := in[key]
	t.mu.Unlock()
	if r == nil {
		return Exchange{}, false
	}
	return r.snapshot(), true
}

// newest returns up to limit exchanges, newest last; all of them for limit ≤ 0.
func (t *truth) newest(limit int) []Exchange {
	t.mu.Lock()
	records := slices.Concat(t.ring[t.next:], t.ring[:t.next])
	t.mu.Unlock()
	if limit > 0 && len(records) > limit {
		records = records[len(records)-limit:]
	}
	list := make([]Exchange, len(records))
	for i, r := range records {
		list[i] = r.snapshot()
	}
	return list
}
