package chain_test

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const ms = time.Millisecond

// stage is a Joiner and its next observer, which keeps all that it gets.
type stage struct {
	joiner *chain.Joiner
	mu     sync.Mutex
	told   []exchange.Record
	over   []exchange.Chain
	overAt []time.Duration
	began  time.Time
}

func (s *stage) Observe(r exchange.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, r)
}

func (s *stage) ObserveChain(c exchange.Chain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = append(s.over, c)
	s.overAt = append(s.overAt, time.Since(s.began))
}

// on runs test with a stage, in a bubble.
func on(t *testing.T, c chain.Config, test func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{began: time.Now()}
		c.Next = s
		s.joiner = chain.New(c)
		defer s.joiner.Close()
		test(t, s)
	})
}

func (s *stage) chains() []exchange.Chain {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.over)
}

// times returns when the chains were over, from the beginning.
func (s *stage) times() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.overAt)
}

type change func(*exchange.Record)

// begin begins an attempt of a streamed chat now, and returns a function that ends it.
func (s *stage) begin(changes ...change) func(...change) exchange.Record {
	r := exchange.Record{
		Start: time.Now(), Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: "chat", Stream: true, Model: exchange.Model{Request: "large"},
		Upstream: exchange.Upstream{Host: "model", Port: 443},
		Call:     exchange.Call{Request: 1, Conversation: 2},
		Timing:   exchange.Timing{RequestRead: ms, RequestWritten: ms},
	}
	for _, c := range changes {
		c(&r)
	}
	r.Attempt = s.joiner.Begin(r)
	return func(changes ...change) exchange.Record {
		r.Timing.End = time.Since(r.Start)
		for _, c := range changes {
			c(&r)
		}
		s.joiner.Observe(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.told[len(s.told)-1]
	}
}

// try makes a whole attempt, which takes so long.
func (s *stage) try(took time.Duration, changes ...change) exchange.Record {
	end := s.begin(changes...)
	time.Sleep(took)
	return end(changes...)
}

// good is an answer whose first token came after ttft.
func good(ttft time.Duration) change {
	return func(r *exchange.Record) {
		r.Status, r.Outcome = 200, exchange.OK
		r.Timing.FirstChunk, r.Timing.FirstToken, r.Chunks.Count = ttft, ttft, 3
		r.Usage = exchange.Usage{Input: exchange.Known(100), Output: exchange.Known(20), Source: exchange.Reported}
	}
}

func failed(status int) change {
	return func(r *exchange.Record) {
		r.Status, r.ErrorType, r.Outcome = status, exchange.ErrorType(strconv.Itoa(status)), exchange.HTTPError
		if status == 429 || status == 503 || status == 529 {
			r.Outcome = exchange.Refused
		}
	}
}

func gone(r *exchange.Record) { r.Outcome, r.ErrorType = exchange.ClientGone, exchange.ErrCanceled }

func cut(r *exchange.Record) {
	r.Status, r.Outcome, r.ErrorType = 200, exchange.UpstreamCut, exchange.ErrTruncated
	r.Timing.FirstChunk, r.Timing.FirstToken, r.Chunks.Count = 10*ms, 10*ms, 5
	r.Usage = exchange.Usage{Output: exchange.Known(7), Source: exchange.Running}
}

func asks(d time.Duration) change { return func(r *exchange.Record) { r.Advice.RetryAfter = d } }

func ruled(v exchange.Ruling) change { return func(r *exchange.Record) { r.Advice.Retry = v } }

func from(client exchange.SDK) change { return func(r *exchange.Record) { r.Call.Client = client } }

// agent is the User-Agent.
func agent(a exchange.Fingerprint) change { return func(r *exchange.Record) { r.Call.Agent = a } }

func retry(n int64) change {
	return func(r *exchange.Record) { r.Call.Retries = exchange.Known(n) }
}

func named(field exchange.Identifier, id exchange.Fingerprint) change {
	return func(r *exchange.Record) { r.Call.ID, r.Call.IDSource = id, field }
}

// traced has a context of the client, and the span is in the client's trace.
func traced(digit string) change {
	return func(r *exchange.Record) {
		r.Trace = exchange.Trace{TraceID: strings.Repeat(digit, 32), SpanID: strings.Repeat(digit, 16), Sampled: true}
		_, _ = hex.Decode(r.Span.Trace[:], []byte(r.Trace.TraceID))
	}
}

func asking(request, conversation exchange.Fingerprint) change {
	return func(r *exchange.Record) { r.Call.Request, r.Call.Conversation = request, conversation }
}

func of(model string) change { return func(r *exchange.Record) { r.Model.Request = model } }

func labelled(values ...string) change {
	return func(r *exchange.Record) { r.Labels = values }
}

func at(upstream string) change { return func(r *exchange.Record) { r.Upstream.Host = upstream } }
