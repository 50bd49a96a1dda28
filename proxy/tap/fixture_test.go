package tap_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/cohere"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
	"github.com/headway-sidecar/headway/proxy/dialect/llamacpp"
	"github.com/headway-sidecar/headway/proxy/dialect/ollama"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
	"github.com/headway-sidecar/headway/proxy/dialect/sagemaker"
	"github.com/headway-sidecar/headway/proxy/dialect/sglang"
	"github.com/headway-sidecar/headway/proxy/dialect/tgi"
	"github.com/headway-sidecar/headway/proxy/dialect/triton"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

var model = exchange.Upstream{Host: "model", Port: 8000}

// ledger is an Observer that keeps all Records.
type ledger struct {
	mu      sync.Mutex
	records []exchange.Record
}

func (l *ledger) Observe(r exchange.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
}

// only returns the only record, and fails the test unless there is one.
func (l *ledger) only(t *testing.T) exchange.Record {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.records) != 1 {
		t.Fatalf("%d exchanges, want 1", len(l.records))
	}
	return l.records[0]
}

// allDialects are made once, because that takes longer than to read an exchange.
var allDialects = slices.Concat(
	openai.Dialects(), responses.Dialects(), realtime.Dialects(), anthropic.Dialects(), gemini.Dialects(), live.Dialects(),
	bedrock.Dialects(), sagemaker.Dialects(), cohere.Dialects(), ollama.Dialects(), triton.Dialects(), tgi.Dialects(), sglang.Dialects(), llamacpp.Dialects(),
)

// newTap returns a tap with the given dialects, or all, and its ledger.
func newTap(dialects ...dialect.Dialect) (*tap.Tap, *ledger) {
	if dialects == nil {
		dialects = allDialects
	}
	l := new(ledger)
	return tap.New(tap.Config{
		Dialects: dialects, Observer: l,
		Role: exchange.Client, Mode: exchange.Explicit,
	}), l
}

// chat is the head of a chat request that was read now.
func chat(fields ...string) tap.Request {
	return tap.Request{Method: "POST", Path: "/v1/chat/completions", Upstream: model, Header: header(fields...), Read: tap.Now()}
}

// header returns fields with the given names and values.
func header(fields ...string) exchange.Header {
	return func(yield func(name, value []byte) bool) {
		for i := 0; i < len(fields); i += 2 {
			if !yield([]byte(fields[i]), []byte(fields[i+1])) {
				return
			}
		}
	}
}

// script is a dialect and its decoder, whose methods a test may replace.
type script struct {
	request func(p []byte)
	ask     func() dialect.Ask
	feed    func(p []byte, at time.Duration)
	close   func() dialect.Reply
}

func (s *script) Match(*dialect.Head) bool                 { return true }
func (s *script) NewDecoder(*dialect.Head) dialect.Decoder { return s }

func (s *script) Request(p []byte) {
	if s.request != nil {
		s.request(p)
	}
}

func (s *script) Ask() dialect.Ask {
	if s.ask != nil {
		return s.ask()
	}
	return dialect.Ask{Dialect: "script", Operation: "chat"}
}

func (s *script) Feed(p []byte, at time.Duration) {
	if s.feed != nil {
		s.feed(p, at)
	}
}

func (s *script) Progress() dialect.Progress { return dialect.Progress{} }

func (s *script) Over() bool { return false }

func (s *script) Waited() dialect.Wait { return dialect.Wait{} }

func (s *script) Close() dialect.Reply {
	if s.close != nil {
		return s.close()
	}
	return dialect.Reply{Ask: s.Ask(), Complete: true}
}

// chunk reports p as read and written now.
func chunk(x *tap.Exchange, p string) {
	now := tap.Now()
	x.Chunk([][]byte{[]byte(p)}, now, now)
}

// end ends x as a response that was delivered whole.
func end(x *tap.Exchange) { x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK}) }
