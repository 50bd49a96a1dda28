package tap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// threadOf returns the Thread that a tap makes of a request with this body, in pieces of the
// given size; 0 is one piece.
func threadOf(t *testing.T, body string, size int, fields ...string) exchange.Thread {
	t.Helper()
	of, told := newTap()
	x := of.Begin(chat(append([]string{"Content-Type", "application/json"}, fields...)...))
	if size == 0 {
		size = max(1, len(body))
	}
	for rest := []byte(body); len(rest) > 0; {
		n := min(size, len(rest))
		x.RequestBody(rest[:n])
		rest = rest[n:]
	}
	x.RequestRead(tap.Now())
	end(x)
	return told.only(t).Thread
}

const (
	human  = `{"role":"user","content":"hi"}`
	calls  = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"call_2","type":"function","function":{"name":"f","arguments":"{}"}}]}`
	result = `{"role":"tool","tool_call_id":"call_1","content":"1"},{"role":"tool","tool_call_id":"call_2","content":"2"}`
)

// The requests of each client's dialect are a question and its tool's results. The second goes on with
// the first, and brings the result of the call with the id.
func TestMessagesGoOn(t *testing.T) {
	tests := []struct{ name, first, second, id string }{
		{"chat completions", `{"messages":[` + human + `]}`, `{"model":"m","messages":[` + human + `, ` + calls + `,` + result + `]}`, "call_2"},
		{"Messages, whose last message is marked to be cached",
			`{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`,
			`{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"role":"user","type":"tool_result"}}]},` +
				`{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result","content":"1","cache_control":{"type":"ephemeral"}},{"type":"text","text":"note"}]}]}`, "toolu_1"},
		{"Responses", `{"input":"hi"}`, `{"input":["hi",{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"1"}]}`, "c1"},
		{"Gemini", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"f1","name":"f","args":{"id":"x"}}}]},` +
				`{"role":"user","parts":[{"functionResponse":{"id":"f1","name":"f","response":{"id":"y"}}}]}]}`, "f1"},
		{"Gemini of Code Assist", `{"model":"m","request":{"contents":[{"parts":[{"text":"hi"}]}]}}`,
			`{"model":"m","request":{"session_id":"s","contents":[{"parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"functionResponse":{"name":"f"}}]}]}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second := threadOf(t, tt.first, 0), threadOf(t, tt.second, 0)
			if first.Speaker != exchange.Human || first.Whole == 0 || first.Before != 0 || first.Stem != 0 || first.Result != 0 {
				t.Errorf("the first is %+v", first)
			}
			if second.Speaker != exchange.Tool || second.Before != first.Whole || second.Stem == 0 || second.Result != exchange.FingerprintOf([]byte(tt.id)) {
				t.Errorf("the second is %+v behind %x", second, first.Whole)
			}
			for size := 1; size < 9; size++ {
				if cut := threadOf(t, tt.second, size); !sameThread(&cut, &second) {
					t.Fatalf("in pieces of %d: %+v, whole %+v", size, cut, second)
				}
			}
		})
	}
}

func sameThread(a, b *exchange.Thread) bool {
	return a.Marks == b.Marks && a.Follows == b.Follows && a.Result == b.Result && a.Speaker == b.Speaker &&
		a.Whole == b.Whole && a.Before == b.Before && a.Stem == b.Stem && a.Forced == b.Forced
}

func TestNamesOfSessions(t *testing.T) {
	const uuid = "0123abcd-1111-4222-8333-0123456789ab"
	id := func(by exchange.Marker, text string) exchange.Mark {
		return exchange.Mark{By: by, ID: exchange.FingerprintOf([]byte(text))}
	}
	tests := []struct {
		name, body string
		fields     []string
		want       []exchange.Mark
	}{
		{"Claude Code's field and body agree", `{"metadata":{"user_id":"user_1_account_2_session_` + uuid + `"}}`, []string{"X-Claude-Code-Session-Id", uuid},
			[]exchange.Mark{id(sdk.ClaudeCodeSession, uuid)}},
		{"Claude Code's body as JSON", `{"metadata":{"user_id":"{\"device_id\":\"d\",\"session_id\":\"` + uuid + `\"}"}}`, nil, []exchange.Mark{id(sdk.ClaudeCodeSession, uuid)}},
		{"a user of Anthropic's API", `{"metadata":{"user_id":"session of ours"}}`, nil, []exchange.Mark{id(sdk.EndUser, "session of ours")}},
		{"Codex", `{}`, []string{"session_id", "s"}, []exchange.Mark{id(sdk.Session, "s")}},
		{"a conversation", `{"conversation":"conv_1"}`, nil, []exchange.Mark{id(sdk.Conversation, "conv_1")}},
		{"a conversation as an object", `{"conversation":{"id":"conv_1"}}`, nil, []exchange.Mark{id(sdk.Conversation, "conv_1")}},
		{"the strongest three", `{"user":"u","prompt_cache_key":"k","thread_id":"t","conversation":"c"}`, nil,
			[]exchange.Mark{id(sdk.Conversation, "c"), id(sdk.ThreadName, "t"), id(sdk.CacheKey, "k")}},
		{"deeper down is no name", `{"x":{"user":"u"},"messages":[{"role":"user","user":"u","content":"{\"user\":\"u\"}"}],"metadata":{"a":{"user_id":"u"}}}`, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := range 8 {
				var got []exchange.Mark
				for _, m := range threadOf(t, tt.body, size, tt.fields...).Marks {
					if m.By != 0 {
						got = append(got, m)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Fatalf("in pieces of %d: %+v, want %+v", size, got, tt.want)
				}
			}
		})
	}
}

func TestThreadOfOddRequests(t *testing.T) {
	tests := []struct {
		name, body string
		want       func(exchange.Thread) bool
	}{
		{"an earlier response", `{"previous_response_id":"r","input":"hi"}`, func(h exchange.Thread) bool {
			return h.Follows == exchange.FingerprintOf([]byte("r")) && h.Speaker == exchange.Human
		}},
		{"a forced tool", `{"tool_choice":{"type":"tool","name":"f"},"messages":[` + human + `]}`, func(h exchange.Thread) bool { return h.Forced }},
		{"a free choice", `{"tool_choice":"auto","messages":[` + human + `]}`, func(h exchange.Thread) bool { return !h.Forced }},
		{"the human beside a result", `{"messages":[` + human + `,` + calls + `,` + result + `,` + human + `]}`, func(h exchange.Thread) bool { return h.Speaker == exchange.Tool }},
		{"words put into the model's mouth", `{"messages":[` + human + `,{"role":"assistant","content":"{"}]}`, func(h exchange.Thread) bool { return h.Speaker == exchange.Human }},
		{"no messages", `{"prompt":"hi"}`, func(h exchange.Thread) bool { return h.Speaker == exchange.Nobody && h.Whole == 0 }},
		{"a body that ends early", `{"user":"u","messages":[` + human, func(h exchange.Thread) bool {
			return h.Whole == 0 && h.Speaker == exchange.Nobody && h.Marks[0].By == sdk.EndUser
		}},
		{"no JSON", `hello "messages`, func(h exchange.Thread) bool { return h.Whole == 0 }},
		{"deep nesting", strings.Repeat(`{"a":[`, 500) + strings.Repeat(`]}`, 500), func(h exchange.Thread) bool { return h.Whole == 0 }},
		{"more ends than beginnings", `]]}}{"messages":[` + human + `]}`, func(h exchange.Thread) bool { return h.Whole == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := threadOf(t, tt.body, 0); !tt.want(got) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// FuzzTranscript holds that the cutting of a body changes nothing.
func FuzzTranscript(f *testing.F) {
	f.Add(`{"messages":[`+human+`,`+calls+`,`+result+`],"user":"u"}`, 3)
	f.Add(`{"request":{"contents":[{"parts":[{"text":"hi"}]}]}}`, 1)
	f.Add(`{"input":["hi",{"type":"function_call_output","call_id":"c"}],"metadata":{"user_id":"\"`, 2)
	f.Fuzz(func(t *testing.T, body string, size int) {
		whole, cut := threadOf(t, body, 0), threadOf(t, body, max(1, size%64))
		if !sameThread(&whole, &cut) {
			t.Errorf("%+v, and cut %+v", whole, cut)
		}
	})
}
