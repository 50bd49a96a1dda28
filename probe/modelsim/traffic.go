package modelsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Mix has a weight for each kind of request.
type Mix struct {
	ChatStream, Chat, Completions, Responses, Messages, Embeddings float64
}

// DefaultMix is mostly streamed chat, all of it with OpenAI's API.
func DefaultMix() Mix {
	return Mix{ChatStream: 70, Chat: 8, Completions: 5, Responses: 10, Embeddings: 7}
}

// Traffic is an application that calls a model server. Its requests arrive as a Poisson process that
// does not wait for answers. Prompts vary in length and share system prompts, some clients leave
// early, and failed attempts come again as they do from the OpenAI and Anthropic SDKs. The requests
// derive from Seed, the answers do not.
type Traffic struct {
	BaseURL string  // with /v1
	RPS     float64 // mean arrivals a second
	Seed    uint64
	Model   string
	APIKey  string
	// UserAgent of every request; headway-traffic when empty.
	UserAgent string
	// Header has more fields of every request; it may be nil.
	Header http.Header
	// Mix is DefaultMix when zero.
	Mix Mix
	// LeaveShare of the streaming clients leave somewhere within their answer.
	LeaveShare float64
	// MaxRetries after the first attempt; the SDKs' default is 2.
	MaxRetries int
	// MaxInFlight bounds the open requests, 0 is 512; arrivals beyond it are dropped.
	MaxInFlight int
	// Traced makes every attempt carry a W3C trace context, not sampled, with the trace of its
	// logical request and a span of its own.
	Traced bool
	// Transport carries the requests; nil makes one.
	Transport http.RoundTripper
	// Log gets failed requests at debug level; nil discards them.
	Log *slog.Logger
}

// TrafficCounts counts requests by how they ended.
type TrafficCounts struct {
	Requests, OK, Failed int64 // logical requests; Failed after all retries
	Left                 int64 // given up by the client on purpose
	Retries              int64
	Dropped              int64 // arrivals beyond MaxInFlight
	Events, Bytes        int64 // received
}

// errLeft says that the client left on purpose.
var errLeft = errors.New("left")

// run is one Run of a Traffic.
type run struct {
	Traffic
	client *http.Client
	wait   sync.WaitGroup

	requests, ok, failed, left, retries, dropped, events, bytes atomic.Int64
}

// Run sends requests until ctx ends. Then it cancels those under way, waits for them and returns the
// counts, in which they are neither OK nor Failed.
func (t Traffic) Run(ctx context.Context) TrafficCounts {
	r := &run{Traffic: t}
	if r.Mix == (Mix{}) {
		r.Mix = DefaultMix()
	}
	if r.MaxInFlight == 0 {
		r.MaxInFlight = 512
	}
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if r.Transport == nil {
		own := &http.Transport{MaxIdleConnsPerHost: r.MaxInFlight}
		defer own.CloseIdleConnections()
		r.Transport = own
	}
	r.client = &http.Client{Transport: r.Transport}
	r.arrive(ctx)
	r.wait.Wait()
	return r.counts()
}

func (r *run) counts() TrafficCounts {
	return TrafficCounts{
		Requests: r.requests.Load(), OK: r.ok.Load(), Failed: r.failed.Load(), Left: r.left.Load(),
		Retries: r.retries.Load(), Dropped: r.dropped.Load(), Events: r.events.Load(), Bytes: r.bytes.Load(),
	}
}

// arrive starts requests at the instants of a Poisson process until ctx ends.
func (r *run) arrive(ctx context.Context) {
	if !(r.RPS > 0) {
		<-ctx.Done()
		return
	}
	gaps := rand.New(rand.NewPCG(r.Seed, 0))
	slots := make(chan struct{}, r.MaxInFlight)
	next := time.Now()
	for ordinal := uint64(1); ; ordinal++ {
		next = next.Add(time.Duration(gaps.ExpFloat64() / r.RPS * float64(time.Second)))
		if !sleepUntil(ctx, next) {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			r.dropped.Add(1)
			continue
		}
		r.wait.Go(func() {
			defer func() { <-slots }()
			r.perform(ctx, newPlan(&r.Traffic, ordinal))
		})
	}
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// perform sends one logical request and its retries, and counts how it ended.
func (r *run) perform(ctx context.Context, p *plan) {
	r.requests.Add(1)
	for attempt := 0; ; attempt++ {
		wait, err := r.attempt(ctx, p, attempt)
		switch {
		case err == nil:
			r.ok.Add(1)
			return
		case errors.Is(err, errLeft):
			r.left.Add(1)
			return
		case ctx.Err() != nil:
			return
		case wait < 0 || attempt == r.MaxRetries:
			r.failed.Add(1)
			r.Log.Debug("request failed", "path", p.path, "attempts", attempt+1, "error", err)
			return
		}
		if !sleepUntil(ctx, time.Now().Add(wait)) {
			return
		}
		r.retries.Add(1)
	}
}

// plan is one logical request.
type plan struct {
	path   string
	body   map[string]any
	stream bool
	trace  string     // id, for attempts that carry a trace context
	leave  int        // the event after which the client leaves; 0: it stays
	random *rand.Rand // of this request alone
	traces *rand.Rand // likewise, for the ids of traces
}

// newPlan draws the request with this ordinal. Most name a maximum length.
func newPlan(t *Traffic, ordinal uint64) *plan {
	p := &plan{random: rand.New(rand.NewPCG(t.Seed, ordinal)), traces: rand.New(rand.NewPCG(mix(t.Seed, saltID), ordinal))}
	p.trace = fmt.Sprintf("%016x%016x", p.traces.Uint64(), 1+p.traces.Uint64N(math.MaxUint64))
	p.body = map[string]any{"model": t.Model}
	m := t.Mix
	pick := p.random.Float64() * (m.ChatStream + m.Chat + m.Completions + m.Responses + m.Messages + m.Embeddings)
	limit := ""
	switch {
	case pick < m.ChatStream+m.Chat:
		p.path, p.stream, limit = "/chat/completions", pick < m.ChatStream, "max_completion_tokens"
		p.body["messages"] = p.conversation()
		if p.stream {
			p.body["stream_options"] = map[string]any{"include_usage": true}
		}
	case pick < m.ChatStream+m.Chat+m.Completions:
		p.path, p.stream, limit = "/completions", true, "max_tokens"
		p.body["prompt"] = p.prose(p.promptWords())
	case pick < m.ChatStream+m.Chat+m.Completions+m.Responses:
		p.path, p.stream, limit = "/responses", p.random.IntN(4) > 0, "max_output_tokens"
		p.body["input"] = p.prose(p.promptWords())
	case pick < m.ChatStream+m.Chat+m.Completions+m.Responses+m.Messages:
		p.path, p.stream, limit = "/messages", p.random.IntN(4) > 0, "max_tokens"
		p.body["messages"], p.body["max_tokens"] = p.conversation(), 512
	default:
		p.path = "/embeddings"
		p.body["input"] = []string{p.prose(p.promptWords() / 4), p.prose(p.promptWords() / 4)}
	}
	if limit != "" && p.random.IntN(3) > 0 {
		p.body[limit] = 16 + p.random.IntN(240)
	}
	if p.stream {
		p.body["stream"] = true
		if p.random.Float64() < t.LeaveShare {
			p.leave = 2 + p.random.IntN(60)
		}
	}
	return p
}

// promptWords is a prompt's length: most are short, a few are long.
func (p *plan) promptWords() int {
	return min(4000, 20+int(p.random.ExpFloat64()*p.random.ExpFloat64()*300))
}

func (p *plan) prose(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(words[p.random.IntN(len(words))])
	}
	return strings.TrimSpace(b.String())
}

// conversation opens with one of a few system prompts, so that a prefix cache is of use.
func (p *plan) conversation() []map[string]string {
	shared := &plan{random: rand.New(rand.NewPCG(p.random.Uint64N(4), 0))}
	return []map[string]string{
		{"role": "system", "content": shared.prose(200)},
		{"role": "user", "content": p.prose(p.promptWords())},
	}
}
