package modelsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// said is an answer, whatever API it came from.
type said struct {
	thinking, text, tool string
	input                map[string]string
	reason               string
	in, out, reasoning   int // tokens that the answer tells, the thinking among those that are out
	failure              string
}

// family is an API that is not OpenAI's, with an answer of thinking, text and a call.
type family struct {
	name          string
	stream, whole string // paths
	// ask is the request for so many tokens; where the path does not say whether it streams, the field
	// does.
	ask      func(n int, streamed bool) string
	messages func(t *testing.T, body []byte) [][]byte // of a stream
	read     func(t *testing.T, message []byte, s *said)
	failure  string // of error=503
	// tells says that the answer tells how many tokens of it are thinking.
	tells bool
}

func families() []family {
	gemini := func(n int, _ bool) string {
		return geminiAsk(n, `,"thinkingConfig":{"includeThoughts":true}`, fmt.Sprintf(geminiPaints, "AUTO"))
	}
	claude := func(n int, streamed bool) string {
		return fmt.Sprintf(`{"model":"claude-x","stream":%t,"max_tokens":%d,"messages":[{"role":"user","content":"Name a color."}],"thinking":{"type":"adaptive"},"tool_choice":{"type":"auto"}%s}`, streamed, n, paintTool)
	}
	return []family{
		{"gemini as events", geminiStreamPath, geminiPath, gemini, lines("data: "), readGemini, "UNAVAILABLE", true},
		{"gemini as an array", geminiArrayPath, geminiPath, gemini, elements, readGemini, "UNAVAILABLE", true},
		{"gemini of vertex", vertexStreamPath, strings.Replace(strings.Split(vertexStreamPath, "?")[0], "streamGenerate", "generate", 1), gemini, lines("data: "), readGemini, "UNAVAILABLE", true},
		{"converse", converseStreamPath, conversePath, func(n int, _ bool) string {
			return converse(n, `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":100}}`+fmt.Sprintf(conversePaints, `"auto":{}`))
		}, payloads, readConverse, "serviceUnavailableException", false},
		{"claude through bedrock", claudeStreamPath, claudePath, claude, payloads, readClaude, "serviceUnavailableException", true},
		{"claude through vertex", rawStreamPath, rawPath, claude, lines("data: "), readClaude, "api_error", true},
		{"ollama", ollamaChatPath, ollamaChatPath, func(n int, streamed bool) string {
			return ollamaAsk(n, fmt.Sprintf(`,"stream":%t,"think":true`, streamed)+ollamaPaints)
		}, lines(""), readOllama, "The engine is currently overloaded, please try again later.", false},
	}
}

// lines are the lines with this prefix, without it.
func lines(prefix string) func(*testing.T, []byte) [][]byte {
	return func(_ *testing.T, body []byte) [][]byte {
		var list [][]byte
		for line := range bytes.Lines(body) {
			if data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte(prefix)); ok && len(data) > 0 {
				list = append(list, data)
			}
		}
		return list
	}
}

// elements are those of a JSON array, which may break off.
func elements(t *testing.T, body []byte) [][]byte {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		t.Fatalf("the array begins with %v, %v", start, err)
	}
	var list [][]byte
	for decoder.More() {
		var element json.RawMessage
		if decoder.Decode(&element) != nil {
			break
		}
		list = append(list, element)
	}
	return list
}

// payloads are those of an AWS event stream, with the names of their events.
func payloads(t *testing.T, body []byte) [][]byte {
	t.Helper()
	var list [][]byte
	for _, f := range frames(t, body) {
		var chunk struct{ Bytes []byte }
		switch {
		case f.headers[":message-type"] == "exception":
			list = append(list, []byte(`{"exception":"`+f.headers[":exception-type"]+`"}`))
		case json.Unmarshal(f.payload, &chunk) == nil && chunk.Bytes != nil:
			list = append(list, chunk.Bytes)
		default:
			list = append(list, f.payload)
		}
	}
	return list
}

func readGemini(t *testing.T, message []byte, s *said) {
	t.Helper()
	var m struct {
		Candidates []struct {
			Content struct {
				Parts []struct {
					Text         string
					Thought      bool
					FunctionCall struct {
						Name string
						Args map[string]string
					}
				}
			}
			FinishReason string
		}
		Usage struct{ PromptTokenCount, CandidatesTokenCount, ThoughtsTokenCount, TotalTokenCount int } `json:"usageMetadata"`
		Error struct{ Status string }
	}
	decode(t, message, &m)
	s.failure = m.Error.Status
	for _, c := range m.Candidates {
		s.reason = c.FinishReason
		for _, p := range c.Content.Parts {
			if p.Thought {
				s.thinking += p.Text
			} else {
				s.text += p.Text
			}
			if p.FunctionCall.Name != "" {
				s.tool, s.input = p.FunctionCall.Name, p.FunctionCall.Args
			}
		}
	}
	u := m.Usage
	s.in, s.out, s.reasoning = u.PromptTokenCount, u.TotalTokenCount-u.PromptTokenCount, u.ThoughtsTokenCount
	if s.reason != "" && s.out != u.CandidatesTokenCount+u.ThoughtsTokenCount {
		t.Errorf("the counts %+v do not add up", u)
	}
}

func readConverse(t *testing.T, message []byte, s *said) {
	t.Helper()
	type toolUse struct {
		Name  string
		Input json.RawMessage
	}
	type reasoning struct {
		Text          string
		ReasoningText struct{ Text string }
	}
	type block struct {
		Text             string
		ToolUse          toolUse
		ReasoningContent reasoning
	}
	var m struct {
		Start, Delta block
		Output       struct{ Message struct{ Content []block } }
		StopReason   string
		Usage        struct{ InputTokens, CacheReadInputTokens, OutputTokens int }
		Exception    string
	}
	decode(t, message, &m)
	s.failure = m.Exception
	for _, b := range append(m.Output.Message.Content, m.Start, m.Delta) {
		s.text += b.Text
		s.thinking += b.ReasoningContent.Text + b.ReasoningContent.ReasoningText.Text
		s.tool += b.ToolUse.Name
		addInput(t, s, b.ToolUse.Input)
	}
	if m.StopReason != "" {
		s.reason = m.StopReason
	}
	if u := m.Usage; u.OutputTokens > 0 {
		s.in, s.out = u.InputTokens+u.CacheReadInputTokens, u.OutputTokens
	}
}

// addInput adds the input of a call, whole or the next piece of it as a string.
func addInput(t *testing.T, s *said, input json.RawMessage) {
	t.Helper()
	var piece string
	if len(input) == 0 || json.Unmarshal(input, &piece) != nil {
		if len(input) > 0 {
			decode(t, input, &s.input)
		}
		return
	}
	const pieces = "pieces"
	if s.input == nil {
		s.input = map[string]string{}
	}
	s.input[pieces] += piece
	var whole map[string]string
	if json.Unmarshal([]byte(s.input[pieces]), &whole) == nil {
		s.input = whole
	}
}

func readClaude(t *testing.T, message []byte, s *said) {
	t.Helper()
	var m struct {
		Content []block
		Block   block `json:"content_block"`
		Delta   struct {
			Text, Thinking string
			Input          *string `json:"partial_json"`
			StopReason     string  `json:"stop_reason"`
		}
		StopReason string `json:"stop_reason"`
		Usage      usage
		Exception  string
		Error      struct{ Type string }
	}
	var call struct {
		Content []struct{ Input json.RawMessage }
	}
	decode(t, message, &m)
	decode(t, message, &call)
	s.failure = m.Exception + m.Error.Type
	for _, b := range append(m.Content, m.Block) {
		s.text, s.thinking, s.tool = s.text+b.Text, s.thinking+b.Thinking, s.tool+b.Name
	}
	for _, b := range call.Content {
		addInput(t, s, b.Input)
	}
	s.text, s.thinking = s.text+m.Delta.Text, s.thinking+m.Delta.Thinking
	if m.Delta.Input != nil && *m.Delta.Input != "" {
		addInput(t, s, json.RawMessage(quote(t, *m.Delta.Input)))
	}
	if reason := m.StopReason + m.Delta.StopReason; reason != "" {
		s.reason = reason
		s.in, s.out, s.reasoning = m.Usage.Input+m.Usage.Read, m.Usage.Output, m.Usage.Details.Thinking
	}
}

func readOllama(t *testing.T, message []byte, s *said) {
	t.Helper()
	var m struct {
		Message struct {
			Content, Thinking string
			Calls             []struct {
				Function struct {
					Name      string
					Arguments map[string]string
				}
			} `json:"tool_calls"`
		}
		Reason string `json:"done_reason"`
		In     int    `json:"prompt_eval_count"`
		Out    int    `json:"eval_count"`
		Error  string
	}
	decode(t, message, &m)
	s.text, s.thinking, s.failure = s.text+m.Message.Content, s.thinking+m.Message.Thinking, m.Error
	for _, call := range m.Message.Calls {
		s.tool, s.input = call.Function.Name, call.Function.Arguments
	}
	s.reason, s.in, s.out = m.Reason, m.In, m.Out
}

func (f family) readAll(t *testing.T, body []byte) said {
	t.Helper()
	var s said
	for _, message := range f.messages(t, body) {
		f.read(t, message, &s)
	}
	return s
}

func TestEveryFamilySaysTheSameStreamedAndWhole(t *testing.T) {
	for _, f := range families() {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := exact()
				cfg.CacheBlocks = 0
				h := start(t, cfg)
				r := h.post(f.stream, f.ask(60, true))
				streamed := f.readAll(t, r.body)
				var whole said
				f.read(t, h.post(f.whole, f.ask(60, false)).body, &whole)
				if !reflect.DeepEqual(streamed, whole) {
					t.Errorf("streamed %+v\nwhole    %+v", streamed, whole)
				}
				x := h.truth(r)
				if !x.Stream || x.FinishReasons[0] != "tool_calls" || x.OutputTokens != 60 || x.ReasoningTokens != 30 || x.ShownTokens() != 60 {
					t.Errorf("the ground truth is %+v", x)
				}
				thinking, text, input := modelsim.CountTokens(streamed.thinking), modelsim.CountTokens(streamed.text), modelsim.CountTokens(streamed.input["color"])
				if thinking != 30 || text != 15 || input != 14 || streamed.tool != "paint" {
					t.Errorf("%d tokens of thinking, %d of text, %d of input for %q; want 30, 15, 14 for paint", thinking, text, input, streamed.tool)
				}
				if streamed.in != x.PromptTokens || streamed.out != 60 || f.tells && streamed.reasoning != 30 {
					t.Errorf("the answer tells %+v, the ground truth %+v", streamed, x)
				}
			})
		})
	}
}

func TestFaultsInTheStreamsOfEveryFamily(t *testing.T) {
	tests := []struct {
		fault   string
		status  int // 0: no head
		tokens  int
		outcome modelsim.Outcome
		failure bool
		broken  bool // the body breaks off
	}{
		{"stall=2s@10", 200, 20, modelsim.OutcomeOK, false, false},
		{"slow-head=3s", 200, 20, modelsim.OutcomeOK, false, false},
		{"cut", 0, 0, modelsim.OutcomeFault, false, false},
		{"cut@0", 200, 0, modelsim.OutcomeFault, false, true},
		{"cut@7", 200, 7, modelsim.OutcomeFault, false, true},
		{"reset@7", 200, 7, modelsim.OutcomeFault, false, true},
		{"error=503@7", 200, 7, modelsim.OutcomeFault, true, false},
		{"http=503", 503, 0, modelsim.OutcomeFault, false, false},
	}
	for _, f := range families() {
		for _, tt := range tests {
			t.Run(f.name+"/"+tt.fault, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := start(t, exact())
					r := h.post(f.stream, f.ask(20, true), "X-Sim-Fault", tt.fault)
					synctest.Wait()
					x := h.last()
					if r.status != tt.status || x.Status != tt.status || x.Outcome != tt.outcome || x.ShownTokens() != tt.tokens {
						t.Errorf("status %d, outcome %s, %d tokens; want %d, %s, %d", r.status, x.Outcome, x.ShownTokens(), tt.status, tt.outcome, tt.tokens)
					}
					if (r.err != nil) != (tt.broken || tt.status == 0) {
						t.Errorf("the client's error is %v", r.err)
					}
					if !tt.failure {
						return
					}
					if got := f.readAll(t, r.body); got.failure != f.failure {
						t.Errorf("the stream fails with %q, want %q", got.failure, f.failure)
					}
				})
			})
		}
	}
}

// A call that is sent in one piece is not sent if the connection breaks within it.
func TestACutWithinACallThatIsHeldBackHidesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		h.post(geminiStreamPath, geminiAsk(20, "", fmt.Sprintf(geminiPaints, "ANY")), "X-Sim-Fault", "cut@7")
		synctest.Wait()
		if x := h.last(); x.ShownTokens() != 0 || x.OutputTokens != 7 || x.Outcome != modelsim.OutcomeFault {
			t.Errorf("%d tokens shown of %d, outcome %s; want none of 7, fault", x.ShownTokens(), x.OutputTokens, x.Outcome)
		}
	})
}
