package anthropic_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	messagesSuite().CheckChunking(t)
	bedrockSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) { messagesSuite().CheckLineEnds(t) }

// header is the head of a request that has one field.
func header(name, value string) exchange.Header {
	return func(yield func(name, value []byte) bool) { yield([]byte(name), []byte(value)) }
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name string
		head dialect.Head
		want bool
	}{
		{"Anthropic", dialect.Head{Method: "POST", Path: "/v1/messages", Header: header("anthropic-version", "2023-06-01")}, true},
		{"the beta", dialect.Head{Method: "POST", Path: "/v1/messages", Query: "beta=true"}, true},
		{"a copy behind a prefix", dialect.Head{Method: "POST", Path: "/anthropic/v1/messages/"}, true},
		{"a copy at a path of its own", dialect.Head{Method: "POST", Path: "/api/messages", Header: header("Anthropic-Version", "2023-06-01")}, true},
		{"messages of an OpenAI thread", dialect.Head{Method: "POST", Path: "/v1/threads/thread_1/messages", Header: header("openai-beta", "assistants=v2")}, false},
		{"messages of a thread, without any field", dialect.Head{Method: "POST", Path: "/v1/threads/thread_1/messages"}, false},
		{"the count of tokens", dialect.Head{Method: "POST", Path: "/v1/messages/count_tokens"}, false},
		{"a batch", dialect.Head{Method: "POST", Path: "/v1/messages/batches"}, false},
		{"a list", dialect.Head{Method: "GET", Path: "/v1/messages"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := anthropic.Dialects().Match(&c.head) != nil; got != c.want {
				t.Errorf("matched %v, want %v", got, c.want)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	h := &dialect.Head{Method: "POST", Path: "/v1/messages"}
	decoder := anthropic.Messages().NewDecoder(h)
	decoder.Request([]byte(`{"max_tokens":1,"messages":[{"role":"user","content":"\"stream\":false"}],"model":"claude-x","stream":true}`))
	want := dialect.Ask{Dialect: "anthropic-messages", Operation: exchange.Chat, Provider: "anthropic", Model: "claude-x", Stream: true}
	if got := decoder.Ask(); got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
