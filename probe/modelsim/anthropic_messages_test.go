package modelsim_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// ask is a request to the Messages API for an answer of n tokens.
func ask(n int, fields string) string {
	return fmt.Sprintf(`{"model":"claude-x","max_tokens":%d,"messages":[{"role":"user","content":"Once upon a time"}]%s}`, n, fields)
}

const paintTool = `,"tools":[{"name":"paint","input_schema":{"type":"object","required":["color"]}}]`

// block is a content block of a message.
type block struct {
	Type, Text, Thinking, Signature, Name string
	Input                                 map[string]string
}

// usage is the usage of a message.
type usage struct {
	Input   int `json:"input_tokens"`
	Read    int `json:"cache_read_input_tokens"`
	Written int `json:"cache_creation_input_tokens"`
	Output  int `json:"output_tokens"`
	Details struct {
		Thinking int `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

// answered is a message, whole or put together from a stream.
type answered struct {
	Content    []block
	StopReason string `json:"stop_reason"`
	Usage      usage
}

// streamed is a message put together from its events, and the usage that it began with.
func streamed(t *testing.T, body []byte) (m answered, began usage) {
	t.Helper()
	var input strings.Builder
	for _, data := range events(body) {
		var e struct {
			Type    string
			Message struct{ Usage usage }
			Block   block `json:"content_block"`
			Delta   struct {
				Text, Thinking, Signature string
				Input                     string `json:"partial_json"`
				StopReason                string `json:"stop_reason"`
			}
			Usage usage
		}
		decode(t, []byte(data), &e)
		switch e.Type {
		case "message_start":
			began = e.Message.Usage
		case "content_block_start":
			m.Content = append(m.Content, e.Block)
		case "content_block_delta":
			b := &m.Content[len(m.Content)-1]
			b.Text, b.Thinking, b.Signature = b.Text+e.Delta.Text, b.Thinking+e.Delta.Thinking, b.Signature+e.Delta.Signature
			input.WriteString(e.Delta.Input)
		case "message_delta":
			m.StopReason, m.Usage = e.Delta.StopReason, e.Usage
		}
	}
	if input.Len() > 0 {
		decode(t, []byte(input.String()), &m.Content[len(m.Content)-1].Input)
	}
	return m, began
}

// tokens counts the tokens of a block; a tool's name is one.
func (b block) tokens() int {
	n := modelsim.CountTokens(b.Text) + modelsim.CountTokens(b.Thinking)
	for _, text := range b.Input {
		n += modelsim.CountTokens(text)
	}
	if b.Name != "" {
		n++
	}
	return n
}

func TestStreamedAndWholeMessagesAreTheSame(t *testing.T) {
	const enabled, omitted = `,"thinking":{"type":"enabled","budget_tokens":50}`, `,"thinking":{"type":"adaptive","display":"omitted"}`
	tests := []struct {
		name, fields, stopReason string
		blocks                   []string
		thinking, shown          int
		finish                   string
	}{
		{"text that is cut", "", "max_tokens", []string{"text"}, 0, 200, "length"},
		{"text that ends", `,"ignore_eos":false`, "end_turn", []string{"text"}, 0, 20, "stop"},
		{"thinking within its budget", enabled, "max_tokens", []string{"thinking", "text"}, 50, 200, "length"},
		{"thinking without a budget", `,"thinking":{"type":"adaptive"}`, "max_tokens", []string{"thinking", "text"}, 100, 200, "length"},
		{"thinking that is omitted", omitted, "max_tokens", []string{"thinking", "text"}, 100, 100, "length"},
		{"no thinking", `,"thinking":{"type":"disabled"}`, "max_tokens", []string{"text"}, 0, 200, "length"},
		{"tools without a choice", paintTool, "max_tokens", []string{"text"}, 0, 200, "length"},
		{"no choice but a tool", paintTool + `,"tool_choice":{"type":"any"}`, "tool_use", []string{"tool_use"}, 0, 200, "tool_calls"},
		{"tools forbidden", paintTool + `,"tool_choice":{"type":"none"}`, "max_tokens", []string{"text"}, 0, 200, "length"},
		{"all of it", enabled + paintTool + `,"tool_choice":{"type":"auto"}`, "tool_use", []string{"thinking", "text", "tool_use"}, 50, 200, "tool_calls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := exact()
				cfg.CacheBlocks = 0
				h := start(t, cfg)
				stream := h.post(messagesPath, ask(200, tt.fields+`,"stream":true`))
				got, began := streamed(t, stream.body)
				var whole answered
				decode(t, h.post(messagesPath, ask(200, tt.fields)).body, &whole)
				// The signature names the message, of which there are two.
				for i := range whole.Content {
					got.Content[i].Signature, whole.Content[i].Signature = "", ""
				}
				if !reflect.DeepEqual(got, whole) {
					t.Errorf("streamed %+v\nwhole    %+v", got, whole)
				}
				var blocks []string
				tokens := 0
				for _, b := range got.Content {
					blocks = append(blocks, b.Type)
					tokens += b.tokens()
				}
				x := h.truth(stream)
				if !slices.Equal(blocks, tt.blocks) || got.StopReason != tt.stopReason || x.FinishReasons[0] != tt.finish {
					t.Errorf("blocks %v, stopped by %s, finished by %s; want %v, %s, %s", blocks, got.StopReason, x.FinishReasons, tt.blocks, tt.stopReason, tt.finish)
				}
				if tokens != tt.shown || x.ShownTokens() != tt.shown {
					t.Errorf("the content counts %d tokens, the ground truth %d, want %d", tokens, x.ShownTokens(), tt.shown)
				}
				if want := (usage{Input: x.PromptTokens, Output: 1}); began != want {
					t.Errorf("it began with %+v, want %+v", began, want)
				}
				u := got.Usage
				if u.Output != x.OutputTokens || u.Details.Thinking != tt.thinking || x.ReasoningTokens != tt.thinking {
					t.Errorf("usage %+v, ground truth %+v, want %d tokens of thinking", u, x, tt.thinking)
				}
			})
		})
	}
}

func TestToolResultsAreAnsweredInText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		body := `{"model":"m","max_tokens":9,"tool_choice":{"type":"auto"}` + paintTool + `,"messages":[
			{"role":"user","content":"Paint."},
			{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"paint","input":{"color":"red"}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"done"}]}]}`
		var m answered
		decode(t, h.post(messagesPath, body).body, &m)
		if len(m.Content) != 1 || m.Content[0].Type != "text" {
			t.Errorf("answered with %+v, want text", m.Content)
		}
	})
}

func TestMessagesTellTheCache(t *testing.T) {
	long := strings.Repeat("word ", 99)
	marked := func(system, question string) string {
		return `{"model":"m","max_tokens":2,"stream":true,"system":[{"type":"text","text":"` + system +
			`","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"` + question + `"}]}`
	}
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		check := func(name string, r reply, foreseen, read, written int) {
			t.Helper()
			m, began := streamed(t, r.body)
			x := h.truth(r)
			if began.Read != foreseen || m.Usage.Read != read || m.Usage.Written != written {
				t.Errorf("%s: read %d, as first told %d, written %d; want %d, %d, %d", name, m.Usage.Read, began.Read, m.Usage.Written, read, foreseen, written)
			}
			if x.CachedTokens != read || x.CacheWriteTokens != written {
				t.Errorf("%s: the ground truth has %d read, %d written", name, x.CachedTokens, x.CacheWriteTokens)
			}
			if m.Usage.Input+read+written != x.PromptTokens || began.Input+began.Read+began.Written != x.PromptTokens {
				t.Errorf("%s: %+v and at first %+v do not add up to %d", name, m.Usage, began, x.PromptTokens)
			}
		}
		// 101 tokens are marked, the role among them, of which 96 are full blocks.
		check("the first", h.post(messagesPath, marked(long, "One?")), 0, 0, 96)
		check("the second", h.post(messagesPath, marked(long, "Two?")), 96, 96, 0)
		check("unmarked", h.post(messagesPath, ask(2, `,"stream":true`)), 0, 0, 0)

		// Of two that come together, the second does not know yet what the first will leave.
		other := strings.Repeat("other ", 99)
		early := make(chan reply)
		go func() { early <- h.post(messagesPath, marked(other, "One?")) }()
		late := h.post(messagesPath, marked(other, "Two?"))
		replies := []reply{<-early, late}
		slices.SortFunc(replies, func(a, b reply) int { return h.truth(a).CachedTokens - h.truth(b).CachedTokens })
		check("the earlier", replies[0], 0, 0, 96)
		check("the later", replies[1], 0, 96, 0)
	})
}

func TestFaultsInAStreamOfMessages(t *testing.T) {
	tests := []struct {
		fault   string
		status  int // 0: no head
		tokens  int
		outcome modelsim.Outcome
		last    string // type of the last event
		broken  bool   // the body breaks off
	}{
		{"", 200, 20, modelsim.OutcomeOK, "message_stop", false},
		{"stall=2s@10", 200, 20, modelsim.OutcomeOK, "message_stop", false},
		{"slow-head=3s", 200, 20, modelsim.OutcomeOK, "message_stop", false},
		{"cut", 0, 0, modelsim.OutcomeFault, "", false},
		{"cut@0", 200, 0, modelsim.OutcomeFault, "ping", true},
		{"cut@7", 200, 7, modelsim.OutcomeFault, "content_block_delta", true},
		{"reset@7", 200, 7, modelsim.OutcomeFault, "content_block_delta", true},
		{"error@7", 200, 7, modelsim.OutcomeFault, "error: api_error", false},
		{"error=529@7", 200, 7, modelsim.OutcomeFault, "error: overloaded_error", false},
		{"http=529", 529, 0, modelsim.OutcomeFault, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, exact())
				r := h.post(messagesPath, ask(20, `,"stream":true`), "X-Sim-Fault", tt.fault)
				synctest.Wait()
				x := h.last()
				if r.status != tt.status || x.Status != tt.status || x.Outcome != tt.outcome || x.ShownTokens() != tt.tokens {
					t.Errorf("status %d, outcome %s, %d tokens; want %d, %s, %d", r.status, x.Outcome, x.ShownTokens(), tt.status, tt.outcome, tt.tokens)
				}
				if (r.err != nil) != (tt.broken || tt.status == 0) {
					t.Errorf("the client's error is %v", r.err)
				}
				last := ""
				if list := events(r.body); len(list) > 0 {
					var e struct {
						Type  string
						Error struct{ Type string }
					}
					decode(t, []byte(list[len(list)-1]), &e)
					if last = e.Type; last == "error" {
						last += ": " + e.Error.Type
					}
				}
				if last != tt.last {
					t.Errorf("the last event is %q, want %q", last, tt.last)
				}
			})
		})
	}
}

func TestGarbageAmongMessagesIsNoJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		list := events(h.post(messagesPath, ask(5, `,"stream":true`), "X-Sim-Fault", "garbage@2").body)
		// Before it are the start, a ping, the start of the text and two tokens.
		for i, data := range list {
			if json.Valid([]byte(data)) == (i == 5) {
				t.Errorf("event %d is %s", i, data)
			}
		}
	})
}

func TestMessagesThatAreRefused(t *testing.T) {
	tests := []struct{ name, body, message string }{
		{"no messages", `{"model":"m","max_tokens":9}`, "messages: at least one message is required"},
		{"no max_tokens", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, "max_tokens: Field required"},
		{"max_tokens of zero", ask(0, ""), "Invalid 'max_tokens': expected a value of at least 1, got 0."},
		{"a budget as large as the answer", ask(9, `,"thinking":{"type":"enabled","budget_tokens":9}`), "thinking: budget_tokens must be positive and less than max_tokens"},
		{"thinking without a budget", ask(9, `,"thinking":{"type":"enabled"}`), "thinking: budget_tokens must be positive and less than max_tokens"},
		{"another kind of thinking", ask(9, `,"thinking":{"type":"hard"}`), `thinking: "hard" is none of enabled, adaptive, disabled, between_tools`},
		{"thinking and a forced tool", ask(9, `,"thinking":{"type":"adaptive"},"tool_choice":{"type":"any"}`+paintTool), "Thinking may not be enabled when tool_choice forces tool use."},
		{"a choice without tools", ask(9, `,"tool_choice":{"type":"any"}`), "tool_choice: no tool is there to choose"},
		{"an unknown tool", ask(9, `,"tool_choice":{"type":"tool","name":"sing"}`+paintTool), "tool_choice: no tool is there to choose"},
		{"another kind of choice", ask(9, `,"tool_choice":{"type":"maybe"}`+paintTool), `tool_choice: "maybe" is none of auto, any, tool, none`},
		{"tools that are no list", ask(9, `,"tools":7`), "tools: json: cannot unmarshal number into Go value of type []modelsim.messageTool"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, exact()).post(messagesPath, tt.body)
				var got struct {
					Error struct{ Type, Message string }
				}
				decode(t, r.body, &got)
				if r.status != 400 || got.Error.Type != "invalid_request_error" || got.Error.Message != tt.message {
					t.Errorf("status %d, %+v, want 400 and %q", r.status, got.Error, tt.message)
				}
			})
		})
	}
}
