package modelsim_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// heard is an event of a session.
type heard struct {
	Type     string `json:"type"`
	StreamID string `json:"stream_id"`
	Status   int    `json:"status"`
	Delta    string `json:"delta"`
	Response struct {
		Status string `json:"status"`
		Usage  struct {
			InputTokens  int `json:"input_tokens"`
			OutputTokens int `json:"output_tokens"`
		} `json:"usage"`
	} `json:"response"`
	Error struct {
		Code    string `json:"code"`
		EventID string `json:"event_id"`
	} `json:"error"`
}

// openSession opens a WebSocket at a simulator.
func openSession(t *testing.T, config modelsim.Config, path string) (*modelsim.Server, *websocket.Conn) {
	t.Helper()
	sim, err := modelsim.New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(server.URL, "http", "ws", 1)+path, nil) //nolint:bodyclose // the library closes it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	return sim, conn
}

// converse sends messages, and reads events until so many answers have ended.
func say(t *testing.T, conn *websocket.Conn, answers int, messages ...string) (events []heard) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, m := range messages {
		if err := conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	for answers > 0 {
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("after %d events: %v", len(events), err)
		}
		var e heard
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		events = append(events, e)
		switch e.Type {
		case "response.completed", "response.incomplete", "response.failed", "response.done", "error":
			answers--
		}
	}
	return events
}

// ended waits for the end of all exchanges, whose last event a client has earlier.
func ended(t *testing.T, sim *modelsim.Server) []modelsim.Exchange {
	t.Helper()
	for range 20_000 {
		told := sim.Exchanges(0)
		if !slices.ContainsFunc(told, func(x modelsim.Exchange) bool { return x.EndAt == 0 }) {
			return told
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("waited too long for the end of an exchange")
	return nil
}

func TestResponsesOverWebSocket(t *testing.T) {
	sim, conn := openSession(t, modelsim.FastConfig(), "/v1/responses")
	events := say(t, conn, 2,
		`{"type":"response.create","stream_id":"a","model":"m","input":"Hi","max_output_tokens":5}`,
		`{"type":"response.create","stream_id":"b","model":"m","input":"Hi there","max_output_tokens":9}`)
	output := map[string]int{}
	for _, e := range events {
		if e.StreamID == "" {
			t.Errorf("%s belongs to no lane", e.Type)
		}
		if e.Type == "response.incomplete" || e.Type == "response.completed" {
			output[e.StreamID] = e.Response.Usage.OutputTokens
		}
	}
	if output["a"] == 0 || output["b"] == 0 {
		t.Errorf("output tokens by lane: %v", output)
	}
	told := ended(t, sim)
	if len(told) != 2 || told[0].Dialect != "openai-responses-websocket" || told[0].Outcome == "" || told[0].Status != 200 || !told[0].Stream {
		t.Errorf("the ground truth is %+v", told)
	}
	if e := say(t, conn, 1, `{"type":"response.create","model":"m","previous_response_id":"resp_0","input":"Hi"}`)[0]; e.Type != "error" || e.Status != 400 || e.Error.Code != "previous_response_not_found" {
		t.Errorf("got %+v for a response that nobody has", e)
	}
	if e := say(t, conn, 1, `{"type":"response.unknown"}`)[0]; e.Type != "error" || e.Status != 400 {
		t.Errorf("got %+v for a message that nobody knows", e)
	}
}

func TestRealtime(t *testing.T) {
	sim, conn := openSession(t, modelsim.FastConfig(), "/openai/realtime?api-version=2025-04-01-preview&deployment=voice")
	events := say(t, conn, 1, `{"type":"session.update","session":{"type":"realtime"}}`,
		`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}}`,
		`{"type":"response.create","response":{"max_output_tokens":5}}`)
	var types []string
	for _, e := range events {
		if len(types) == 0 || types[len(types)-1] != e.Type {
			types = append(types, e.Type)
		}
	}
	const want = "session.created session.updated conversation.item.added response.created response.output_item.added response.content_part.added " +
		"response.output_text.delta response.output_text.done response.content_part.done response.output_item.done response.done"
	if got := strings.Join(types, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	last := events[len(events)-1].Response
	told := ended(t, sim)
	if len(told) != 1 || told[0].Dialect != "openai-realtime" || told[0].Model != "voice" || told[0].OutputTokens != last.Usage.OutputTokens || told[0].PromptTokens != last.Usage.InputTokens {
		t.Errorf("%+v, but the ground truth is %+v", last, told)
	}
	if e := say(t, conn, 1, `{"type":"response.create","event_id":"mine","response":{"input":[]}}`)[0]; e.Type != "error" || e.Error.EventID != "mine" {
		t.Errorf("got %+v for a question without input", e)
	}
}

// A question in the middle of an answer of Gemini Live ends it.
func TestAQuestionInterruptsAnAnswer(t *testing.T) {
	config := modelsim.FastConfig()
	var err error
	if config.Faults, err = modelsim.ParseFaultRules("stall=200ms@3:1"); err != nil {
		t.Fatal(err)
	}
	sim, conn := openSession(t, config, "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent")
	write := func(text string) {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	const ask = `{"clientContent":{"turns":[{"role":"user","parts":[{"text":"Tell me about the sea"}]}],"turnComplete":true}}`
	write(`{"setup":{"model":"models/m","generationConfig":{"maxOutputTokens":9}}}`)
	write(ask)
	var said []string
	for strings.Count(strings.Join(said, " "), "turnComplete") < 2 {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"interrupted", "turnComplete"} {
			if strings.Contains(string(text), word) {
				said = append(said, word)
			}
		}
		if strings.Contains(string(text), "modelTurn") && len(said) == 0 {
			said = append(said, "begins")
			write(ask)
		}
	}
	if got := strings.Join(said, " "); got != "begins interrupted turnComplete turnComplete" {
		t.Error(got)
	}
	if told := ended(t, sim); len(told) != 2 || told[0].Outcome != modelsim.OutcomeClientGone || told[1].Outcome != modelsim.OutcomeOK {
		t.Errorf("the ground truth is %+v", told)
	}
}

// A fault that breaks the connection of an HTTP exchange breaks the session.
func TestAFaultBreaksASession(t *testing.T) {
	config := modelsim.FastConfig()
	var err error
	if config.Faults, err = modelsim.ParseFaultRules("cut@3:1"); err != nil {
		t.Fatal(err)
	}
	sim, conn := openSession(t, config, "/v1/responses")
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"response.create","model":"m","input":"Hi","max_output_tokens":9}`)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, _, err = conn.Read(t.Context())
	}
	if websocket.CloseStatus(err) != -1 {
		t.Errorf("the server closed in order: %v", err)
	}
	if told := ended(t, sim); len(told) != 1 || told[0].Outcome != modelsim.OutcomeFault {
		t.Errorf("the ground truth is %+v", told)
	}
}
