package tap_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// prompted returns the Prompt of a request with that body.
func prompted(t *testing.T, body string, fields ...string) *exchange.Prompt {
	t.Helper()
	return recorded(t, nil, body, 64<<10, fields...).Prefix.Prompt
}

func TestAPromptIsWhatComesBeforeTheAnswer(t *testing.T) {
	p := prompted(t, `{"model":"m","tools":[{"name":"t"}],"messages":[{"role":"system","content":"a"},{"content":"b","role":"developer"},{"role":"user","content":"a"},{"role":"system","content":"late"}]}`, "Authorization", "Bearer k")
	switch {
	case p == nil:
		t.Fatal("no prompt")
	case len(p.Messages) != 4 || p.SystemMessages != 2 || p.Tools == 0 || p.System != 0 || p.Sender == 0 || p.Breakpoints:
		t.Errorf("%+v", p)
	case p.Messages[0] == p.Messages[1] || p.Messages[0] == p.Messages[2] || p.Messages[0] == p.Messages[3]:
		t.Errorf("messages that differ have one hash: %x", p.Messages)
	}
	q := prompted(t, `{"system":[{"type":"text","text":"a"}],"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`)
	if q == nil || len(q.Messages) != 1 || q.SystemMessages != 0 || q.Tools != 0 || q.System == 0 || q.Sender != 0 || !q.Breakpoints {
		t.Errorf("%+v", q)
	}
}

// TestNoPromptIsMadeUp where headway does not know the messages, or not all of them.
func TestNoPromptIsMadeUp(t *testing.T) {
	const body = `{"messages":[{"role":"user","content":"hi"}]}`
	if prompted(t, body) == nil {
		t.Fatal("no prompt")
	}
	for name, tt := range map[string]struct {
		body   string
		fields []string
	}{
		"compressed":             {body, []string{"Content-Encoding", "gzip"}},
		"no JSON":                {body, []string{"Content-Type", "text/plain"}},
		"not whole":              {strings.TrimSuffix(body, "}"), nil},
		"no messages":            {`{"messages":[],"system":"s"}`, nil},
		"inputs of an embedding": {`{"input":["a","b"]}`, nil},
		"tokens":                 {`{"prompt":[[1,2],[3]]}`, nil},
		"a text to go on with":   {`{"prompt":"once upon a time"}`, nil},
		"the provider has them":  {`{"previous_response_id":"r","input":[{"role":"user","content":"hi"}]}`, nil},
		"the provider's cache":   {`{"cachedContent":"cachedContents/1","contents":[{"parts":[{"text":"hi"}]}]}`, nil},
		"too many":               {`{"messages":[{}` + strings.Repeat(`,{"content":"a"}`, 1_000_000) + `]}`, nil},
	} {
		if p := prompted(t, tt.body, tt.fields...); p != nil {
			t.Errorf("%s: %d messages", name, len(p.Messages))
		}
	}
}

// TestALongMessageIsOneMessage, of 16 MiB.
func TestALongMessageIsOneMessage(t *testing.T) {
	body := func(end string) string {
		return `{"messages":[{"role":"user","content":"` + strings.Repeat(`line \"of\" code\n`, 1<<20) + end + `"},{"role":"user","content":"go"}]}`
	}
	a, b, again := prompted(t, body("a")), prompted(t, body("b")), prompted(t, body("a"))
	if len(a.Messages) != 2 || a.Messages[0] == b.Messages[0] || a.Messages[1] != b.Messages[1] || a.Messages[0] != again.Messages[0] {
		t.Errorf("%x, %x, %x", a.Messages, b.Messages, again.Messages)
	}
}

// TestQuestionsOfASessionHavePrompts, unless the server has the messages before.
func TestQuestionsOfASessionHavePrompts(t *testing.T) {
	const input = `"input":[{"role":"user","content":"Hi"}]`
	synctest.Test(t, func(t *testing.T) {
		records := speak(t, "/v1/responses", []said{
			client(0, `{"type":"response.create","model":"gpt-x",`+input+`}`), server(100, opened("r1")), server(10, delta("Hi")), server(1, completed("r1", 1)),
			client(10, `{"type":"response.create","model":"gpt-x",`+input+`,"previous_response_id":"r1"}`), server(100, opened("r2")), server(10, delta("Hi")), server(1, completed("r2", 1)),
		}, spelling{})
		if len(records) != 3 {
			t.Fatalf("%d records", len(records))
		}
		whole := recorded(t, nil, `{"model":"gpt-x",`+input+`}`, 0).Prefix.Prompt
		if p := records[0].Prefix.Prompt; p == nil || !slices.Equal(p.Messages, whole.Messages) || p.Sender == 0 {
			t.Errorf("the first question: %+v, want the messages of %+v", p, whole)
		}
		if p := records[1].Prefix.Prompt; p != nil {
			t.Errorf("the second question: %+v", p)
		}
	})
}
