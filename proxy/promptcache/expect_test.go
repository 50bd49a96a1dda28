package promptcache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// apiNamed returns one of the apis.
func apiNamed(t *testing.T, name string) *api {
	t.Helper()
	for _, a := range apis() {
		if a.name == name {
			return &a
		}
	}
	t.Fatalf("no API %q", name)
	return nil
}

// TestWhatTheCacheMayBeExpectedToHold differs by what the provider tells.
func TestWhatTheCacheMayBeExpectedToHold(t *testing.T) {
	unmarked := func(n int) ask { return with(of(talk(n)), func(a *ask) { a.unmarked = true }) }
	for _, tt := range []struct {
		name, api string
		steps     []step
	}{
		{"a model that has no cache", "OpenAI chat", []step{{ask: of(talk(3)), input: 5000}, {at: 9 * time.Second, ask: of(talk(5)), input: 6000}}},
		{"prompts below the least that is cached", "OpenAI chat", []step{{ask: of(talk(3)), input: 900}, {at: 9 * time.Second, ask: with(of(talk(5)), func(a *ask) { a.system = "x" }), input: 1000}}},
		{"a short question about the end of a conversation", "OpenAI chat", []step{{ask: of(talk(3)), input: 5000, cached: 3968},
			{at: 9 * time.Second, ask: ask{system: "Is this a new topic?", messages: append(talk(3)[1:], "a:?", "u:?")}, input: 900}}},
		{"a block less than all", "OpenAI chat", []step{{ask: of(talk(3)), input: 5000, cached: 3968}, {at: 9 * time.Second, ask: of(talk(5)), input: 6000, cached: 4736}}},
		{"no breakpoints", "Anthropic", []step{{ask: unmarked(3), input: 5000}, {at: 9 * time.Second, ask: unmarked(5), input: 6000}}},
		{"the breakpoints are gone", "Anthropic", []step{{ask: of(talk(3)), input: 5000}, {at: 9 * time.Second, ask: unmarked(5), input: 6000, want: "prefix_changed breakpoints lost 5000"}}},
		{"the points are gone", "Bedrock Converse", []step{{ask: of(talk(3)), input: 5000}, {at: 9 * time.Second, ask: unmarked(5), input: 6000, want: "prefix_changed breakpoints lost 5000"}}},
		{"a provider that never tells", "Gemini", []step{{ask: of(talk(3)), input: 5000}, {at: 9 * time.Second, ask: of(talk(5)), input: 6000}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, a := newWire(), apiNamed(t, tt.api)
			for i, s := range tt.steps {
				if got := told(w.play(a, &s), a.shift); got != s.want {
					t.Errorf("step %d: %q, want %q", i+1, got, s.want)
				}
			}
		})
	}
}

// TestPromptsThatTheProviderKeepsAreNotCompared: the request names them, and has only what is new.
func TestPromptsThatTheProviderKeepsAreNotCompared(t *testing.T) {
	a := apiNamed(t, "OpenAI Responses")
	for _, far := range []string{`"previous_response_id":"resp_1"`, `"conversation":{"id":"conv_1"}`, `"conversation":"conv_1"`} {
		w := newWire()
		for i, cached := range []int{4992, 0} {
			request := strings.Replace(a.request(of(talk(3))), `"previous_response_id":null`, far, 1)
			if got := told(w.send(time.Duration(i)*time.Minute, time.Second, a.path, "", request, a.response(5000, cached, 0)), 0); got != "" {
				t.Errorf("%s: %q", far, got)
			}
		}
	}
}

func TestAnHourInTheCacheIsExpectedForAnHour(t *testing.T) {
	a := apiNamed(t, "Anthropic")
	for _, tt := range []struct {
		name string
		hour bool
		want string
	}{
		{"bought for an hour", true, "same_prefix lost 6000"},
		{"for five minutes", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire()
			response := a.response(5000, 0, 5000)
			if tt.hour {
				response = strings.Replace(response, `"cache_creation_input_tokens":5000`, `"cache_creation_input_tokens":5000,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":5000}`, 1)
			}
			w.send(0, time.Second, a.path, "", a.request(of(talk(3))), response)
			w.send(4*time.Minute, time.Second, a.path, "", a.request(of(talk(5))), a.response(6000, 5000, 1000)) // goes on with it
			r := w.send(50*time.Minute, time.Second, a.path, "", a.request(of(talk(7))), a.response(7000, 0, 7000))
			if got := told(r, 0); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestParallelToolsStandBetween the last message of a prompt and the end of the next.
func TestParallelToolsStandBetween(t *testing.T) {
	w, a := newWire(), apiNamed(t, "OpenAI chat")
	body := func(system string, results int) string {
		all := []string{fmt.Sprintf(`{"role":"system","content":%q}`, system), `{"role":"user","content":"what is in here?"}`, `{"role":"assistant","content":"I look."}`, `{"role":"user","content":"do"}`}
		if results > 0 {
			var calls []string
			for i := range results {
				calls = append(calls, fmt.Sprintf(`{"id":"call_%d","type":"function","function":{"name":"read","arguments":"{}"}}`, i))
			}
			all = append(all, `{"role":"assistant","content":null,"tool_calls":[`+strings.Join(calls, ",")+`]}`)
			for i := range results {
				all = append(all, fmt.Sprintf(`{"role":"tool","tool_call_id":"call_%d","content":"text"}`, i))
			}
		}
		return `{"messages":[` + strings.Join(all, ",") + `],"model":"m"}`
	}
	w.send(0, time.Second, a.path, "", body("s", 0), a.response(5000, 0, 0))
	r := w.send(5*time.Second, time.Second, a.path, "", body("t", 20), a.response(9000, 0, 0))
	if got := told(r, 1); got != "prefix_changed system lost 5000" {
		t.Errorf("%q", got)
	}
}

// TestSpellingIsNoChange: clients and SDKs write the same prompt in other ways.
func TestSpellingIsNoChange(t *testing.T) {
	a := apiNamed(t, "Anthropic")
	const first = `{"system":"s","tools":[{"name":"t","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"one"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"t","input":{"n":12,"all":true}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"a b"}]},{"role":"assistant","content":"done"},{"role":"user","content":[{"type":"text","text":"two","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}`
	const more = `,{"role":"assistant","content":"three"},{"role":"user","content":[{"cache_control":{"type":"ephemeral"},"type":"text","text":"four"}]}]}`
	for name, tt := range map[string]struct {
		old, new string
		want     string
	}{
		"the same":                    {"", "", "same_prefix lost 5000"},
		"spaces":                      {`"role":"user","content":"one"`, "\"role\" : \"user\",\n \"content\":\t\"one\"", "same_prefix lost 5000"},
		"a mark moved to the system":  {`"system":"s"`, `"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]`, "same_prefix lost 5000"},
		"a mark moved off the tools":  {`,"cache_control":{"type":"ephemeral"}}],"m`, `}],"m`, "same_prefix lost 5000"},
		"a mark inside another":       {`"cache_control":{"type":"ephemeral","ttl":"1h"}`, `"cache_control":{"a":["b",{"c":null}],"d":"e"}`, "same_prefix lost 5000"},
		"a mark that is null":         {`,"cache_control":{"type":"ephemeral","ttl":"1h"}`, `,"cache_control":null`, "same_prefix lost 5000"},
		"the mark of another message": {`"content":"one"`, `"content":[{"type":"text","text":"one","cache_control":{"type":"ephemeral"}}]`, "same_prefix lost 5000"},
		"another number":              {`"n":12`, `"n":13`, "prefix_changed message 2 lost 5000"},
		"numbers cut elsewhere":       {`"n":12,"all":true`, `"n":1,"all":2`, "prefix_changed message 2 lost 5000"},
		"another word":                {`"content":"one"`, `"content":"text"`, "prefix_changed message 1 lost 5000"},
		"another role":                {`"role":"user","content":"one"`, `"role":"assistant","content":"one"`, "prefix_changed message 1 lost 5000"},
		"a text that speaks of marks": {`"content":"one"`, `"content":"cache_control"`, "prefix_changed message 1 lost 5000"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire()
			w.send(0, time.Second, a.path, "", first, a.response(5000, 0, 5000))
			next := strings.TrimSuffix(first, "]}") + more
			if tt.old != "" && !strings.Contains(next, tt.old) {
				t.Fatalf("no %s", tt.old)
			}
			next = strings.Replace(next, tt.old, tt.new, 1)
			if got := told(w.send(5*time.Second, time.Second, a.path, "", next, a.response(6000, 0, 6000)), 0); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnknownPromptsAreNotCompared(t *testing.T) {
	w := newWire()
	a := apiNamed(t, "OpenAI chat")
	w.send(0, time.Second, a.path, "", a.request(of(talk(3))), a.response(5000, 4992, 0))
	for name, body := range map[string]string{
		"not whole": strings.TrimSuffix(a.request(of(talk(5))), "}"), "no messages": `{"model":"m","messages":[]}`, "a question in one piece": `{"input":"hi"}`,
	} {
		if r := w.send(5*time.Second, time.Second, a.path, "", body, a.response(6000, 0, 0)); r.Prefix != (exchange.Prefix{}) {
			t.Errorf("%s: %+v", name, r.Prefix)
		}
	}
}
