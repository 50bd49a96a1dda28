package modelsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// liveConversation is what a client of Gemini Live has said in a session. Its messages have
// no type: the one field of each says what it is.
type liveConversation struct {
	model        string
	systemPrompt json.RawMessage
	limits       json.RawMessage // the generationConfig
	turns        []json.RawMessage
	stop         func() // ends the turn before
}

// liveMessage is a message of the client, in either spelling of the API.
type liveMessage struct {
	Setup *struct {
		Model      string          `json:"model"`
		System     json.RawMessage `json:"systemInstruction"`
		Generation json.RawMessage `json:"generationConfig"`
	} `json:"setup"`
	Content      *liveContent `json:"clientContent"`
	SnakeContent *liveContent `json:"client_content"`
	Input        *liveInput   `json:"realtimeInput"`
	SnakeInput   *liveInput   `json:"realtime_input"`
}

type liveContent struct {
	Turns         []json.RawMessage `json:"turns"`
	Complete      bool              `json:"turnComplete"`
	SnakeComplete bool              `json:"turn_complete"`
}

type liveInput struct {
	Text string `json:"text"`
}

// hear handles a message. Of sound the simulator understands nothing.
func (v *liveConversation) hear(text []byte) (replies [][]byte, asks bool, err error) {
	var m liveMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, false, invalidRequest("", "Invalid JSON payload received: %v.", err)
	}
	for _, c := range []*liveContent{m.Content, m.SnakeContent} {
		if c != nil {
			v.turns = append(v.turns, c.Turns...)
			asks = asks || c.Complete || c.SnakeComplete
		}
	}
	for _, in := range []*liveInput{m.Input, m.SnakeInput} {
		if in != nil && in.Text != "" {
			v.turns = append(v.turns, mustJSON(map[string]any{"role": "user", "parts": []map[string]string{{"text": in.Text}}}))
			asks = true
		}
	}
	if m.Setup != nil {
		v.model = m.Setup.Model[strings.LastIndexByte(m.Setup.Model, '/')+1:]
		v.systemPrompt, v.limits = m.Setup.System, m.Setup.Generation
		return [][]byte{[]byte(`{"setupComplete":{}}`)}, false, nil
	}
	if v.model == "" {
		return nil, false, invalidRequest("setup", "The first message must be a setup.")
	}
	return nil, asks, nil
}

// body is the body of the request to generateContent that the turn stands for.
func (v *liveConversation) body() ([]byte, error) {
	fields := map[string]any{"contents": v.turns}
	if v.systemPrompt != nil {
		fields["systemInstruction"] = v.systemPrompt
	}
	if v.limits != nil {
		fields["generationConfig"] = v.limits
	}
	return json.Marshal(fields)
}

// interrupt ends the turn before, if it still goes on, because the client asks again. stop ends
// the one that begins.
func (v *liveConversation) interrupt(stop func()) {
	if v.stop != nil {
		v.stop()
	}
	v.stop = stop
}

// interrupted is how the API tells that it broke an answer off.
func (*liveConversation) interrupted() [][]byte {
	return [][]byte{[]byte(`{"serverContent":{"interrupted":true}}`), []byte(`{"serverContent":{"turnComplete":true}}`)}
}

// fail closes the session, because the API has no message for an error.
func (*liveConversation) fail(conn *websocket.Conn, body []byte) {
	var e geminiErrorBody
	_ = json.Unmarshal(body, &e) // the simulator's own
	code := websocket.StatusInvalidFramePayloadData
	if e.Error.Code == http.StatusTooManyRequests || e.Error.Code >= http.StatusInternalServerError {
		code = websocket.StatusInternalError
	}
	_ = conn.Close(code, e.Error.Message[:min(len(e.Error.Message), 120)]) // as much as a frame may hold
}

// liveBody is the body of a turn.
type liveBody struct{ geminiBody }

func (body *liveBody) plan(c *call) (order, encoder, error) {
	o, _, err := body.geminiBody.plan(c)
	return o, &liveEncoder{vocab: c.s.vocab}, err
}

// liveEncoder words an answer as the messages of a turn.
type liveEncoder struct{ vocab *vocabulary }

type liveServerContent struct {
	Turn      *liveModelTurn `json:"modelTurn,omitempty"`
	Generated bool           `json:"generationComplete,omitempty"`
	Complete  bool           `json:"turnComplete,omitempty"`
}

type liveModelTurn struct {
	Parts []geminiOutput `json:"parts"`
}

type liveServerMessage struct {
	Content liveServerContent `json:"serverContent"`
	Usage   *liveUsage        `json:"usageMetadata,omitempty"`
}

// liveUsage has the counts of a turn. Thoughts are no part of the response.
type liveUsage struct {
	Prompt   int `json:"promptTokenCount,omitempty"`
	Cached   int `json:"cachedContentTokenCount,omitempty"`
	Response int `json:"responseTokenCount,omitempty"`
	Thoughts int `json:"thoughtsTokenCount,omitempty"`
	Total    int `json:"totalTokenCount,omitempty"`
}

func (e *liveEncoder) open(tally) []event { return nil }

func (e *liveEncoder) enter(section) []event { return nil }

func (e *liveEncoder) delta(em emission, tokens []token) event {
	part := geminiText(string(e.vocab.appendText(nil, tokens)))
	part.Thought = em.section == thinkingSection
	return event{data: mustJSON(liveServerMessage{Content: liveServerContent{Turn: &liveModelTurn{[]geminiOutput{part}}}})}
}

func (e *liveEncoder) finish(int, string) []event {
	return []event{{data: mustJSON(liveServerMessage{Content: liveServerContent{Generated: true}})}}
}

func (e *liveEncoder) close(t tally) []event {
	return []event{{data: mustJSON(liveServerMessage{
		Content: liveServerContent{Complete: true},
		Usage: &liveUsage{
			Prompt: t.prompt, Cached: t.cached, Response: t.output - t.reasoning, Thoughts: t.reasoning, Total: t.prompt + t.output,
		},
	})}}
}

// fail is the body that HTTP would have; the session closes with it.
func (e *liveEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(gemini{}.errorBody(err, ""))}}
}

// whole is not called: a session has nothing but streams.
func (e *liveEncoder) whole([]answer, tally) any { return nil }

// isLiveFailure tells whether an event is what fail returned.
func isLiveFailure(text []byte) bool { return bytes.HasPrefix(text, []byte(`{"error":`)) }
