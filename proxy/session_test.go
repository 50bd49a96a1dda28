package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// sessionFixture is a simulated server behind a proxy.
func sessionFixture(t *testing.T, faults string) (*modelsim.Server, *fixture) {
	t.Helper()
	config := modelsim.FastConfig()
	var err error
	if config.Faults, err = modelsim.ParseFaultRules(faults); err != nil {
		t.Fatal(err)
	}
	sim, err := modelsim.New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	return sim, newFixture(t, server.URL)
}

// openSession opens a WebSocket through the proxy.
func (f *fixture) openSession(path string, compression websocket.CompressionMode) *websocket.Conn {
	f.Helper()
	conn, response, err := websocket.Dial(f.Context(), "ws://"+f.addr+path, &websocket.DialOptions{CompressionMode: compression, CompressionThreshold: 1}) //nolint:bodyclose // the library closes it
	if err != nil {
		f.Fatal(err)
	}
	if asked := compression != websocket.CompressionDisabled; asked != strings.Contains(response.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate") {
		f.Fatalf("extensions: %q", response.Header.Get("Sec-Websocket-Extensions"))
	}
	conn.SetReadLimit(1 << 20)
	f.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// say sends a message in fragments of up to 20 bytes.
func (f *fixture) say(conn *websocket.Conn, text string) {
	f.Helper()
	w, err := conn.Writer(f.Context(), websocket.MessageText)
	for len(text) > 0 && err == nil {
		n := min(20, len(text))
		_, err = w.Write([]byte(text[:n]))
		text = text[n:]
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		f.Fatal(err)
	}
}

// hear reads events until so many answers have ended.
func (f *fixture) hear(conn *websocket.Conn, answers int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	for answers > 0 {
		_, message, err := conn.Read(ctx)
		if err != nil {
			f.Fatal(err)
		}
		var e struct{ Type string }
		if err := json.Unmarshal(message, &e); err != nil {
			f.Fatal(err)
		}
		switch e.Type {
		case "response.completed", "response.incomplete", "response.failed", "response.done", "error":
			answers--
		}
	}
}

// The exchanges of a session are those that the server knows, for a client that masks,
// compresses and fragments.
func TestTheExchangesOfASessionAreThoseOfTheServer(t *testing.T) {
	for _, c := range []struct {
		name, path, dialect string
		compression         websocket.CompressionMode
		messages            []string
		asks                string
	}{
		{"Responses", "/v1/responses", "openai-responses-websocket", websocket.CompressionDisabled, nil,
			`{"type":"response.create","model":"gpt-x","input":"Hi there","max_output_tokens":%d}`},
		{"Responses, compressed", "/v1/responses", "openai-responses-websocket", websocket.CompressionContextTakeover, nil,
			`{"type":"response.create","model":"gpt-x","input":"Hi there","max_output_tokens":%d}`},
		{"Realtime", "/v1/realtime?model=gpt-x", "openai-realtime", websocket.CompressionNoContextTakeover,
			[]string{`{"type":"conversation.item.create","item":{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}}`},
			`{"type":"response.create","response":{"max_output_tokens":%d}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, f := sessionFixture(t, "")
			conn := f.openSession(c.path, c.compression)
			for _, m := range c.messages {
				f.say(conn, m)
			}
			for i := range 3 {
				f.say(conn, fmt.Sprintf(c.asks, 10+i))
				f.hear(conn, 1)
				compareSession(t, f.record(), sim, i, c.dialect)
			}
			_ = conn.Close(websocket.StatusNormalClosure, "")
			if r := f.record(); r.Mode != exchange.Upgraded || r.Dialect != "" || len(r.Notes) > 0 {
				t.Errorf("the session itself: %+v", r)
			}
		})
	}
}

// The turns of Gemini Live are exchanges, which the server knows alike.
func TestTheTurnsOfGeminiLiveAreThoseOfTheServer(t *testing.T) {
	sim, f := sessionFixture(t, "")
	conn := f.openSession("//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k", websocket.CompressionDisabled)
	f.say(conn, `{"setup":{"model":"models/gemini-live"}}`)
	for i := range 3 {
		f.say(conn, `{"clientContent":{"turns":[{"role":"user","parts":[{"text":"Tell me about the sea"}]}],"turnComplete":true}}`)
		for {
			kind, message, err := conn.Read(f.Context())
			if err != nil || kind != websocket.MessageBinary {
				t.Fatal(kind, err)
			}
			if strings.Contains(string(message), "turnComplete") {
				break
			}
		}
		compareSession(t, f.record(), sim, i, "gemini-live")
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
	if r := f.record(); r.Mode != exchange.Upgraded || r.Dialect != "" || len(r.Notes) > 0 {
		t.Errorf("the session itself: %+v", r)
	}
}

// compareSession compares the Record of the i-th exchange of a session with the ground truth.
func compareSession(t *testing.T, r exchange.Record, sim *modelsim.Server, i int, dialect string) {
	t.Helper()
	eventually(t, "the server to end the exchange", func() bool { return sim.Exchanges(0)[i].EndAt != 0 })
	truth := sim.Exchanges(0)[i]
	notes := slices.DeleteFunc(slices.Clone(r.Notes), func(note string) bool { return note == "upstream_buffering" && heldUp(truth) })
	if r.Dialect != dialect || truth.Dialect != dialect || r.Model.Request != truth.Model || r.Outcome != exchange.OK || r.Status != 200 ||
		r.Mode != exchange.Explicit || len(notes) > 0 || r.FinishReasons[0] != truth.FinishReasons[0] {
		t.Errorf("recorded %+v\nthe truth is %+v", r, truth)
	}
	if int(r.Usage.Input.N) != truth.PromptTokens || int(r.Usage.Output.N) != truth.OutputTokens || r.Usage.Source != exchange.Reported {
		t.Errorf("recorded %+v, the truth is %d and %d", r.Usage, truth.PromptTokens, truth.OutputTokens)
	}
	if r.Chunks.Count != len(truth.Chunks) || r.Events != truth.Events {
		t.Errorf("recorded %d events, %d of them content; the truth is %d and %d", r.Events, r.Chunks.Count, truth.Events, len(truth.Chunks))
	}
	// What the server does before it writes, and what headway reads after, has one order only.
	const clocks = time.Millisecond // between the wall clock and the monotonic one
	at := func(offset time.Duration) time.Time { return r.Start.Add(offset).Add(clocks) }
	if first := time.Unix(0, truth.Chunks[0].At); at(r.Timing.FirstToken).Before(first) {
		t.Errorf("first token at %v, which the server wrote at %v", at(r.Timing.FirstToken), first)
	}
	if last := time.Unix(0, truth.Chunks[len(truth.Chunks)-1].At); at(r.Timing.LastToken).Before(last) || r.Timing.End < r.Timing.LastToken {
		t.Errorf("last token at %v, end at %v; the server wrote it at %v", at(r.Timing.LastToken), at(r.Timing.End), last)
	}
	if asked := time.Unix(0, truth.ReceivedAt); r.Start.Add(-clocks).After(asked) {
		t.Errorf("began at %v, but the server had the question at %v", r.Start, asked)
	}
}

// heldUp tells whether the server wrote its tokens in less than half of the time that it
// generated them in, because the machine had other work: then they did come in a burst.
func heldUp(x modelsim.Exchange) bool {
	first, last := x.Chunks[0].At, x.Chunks[len(x.Chunks)-1].At
	return 2*(last-first) < x.LastTokenAt-x.FirstTokenAt
}

// Answers in lanes of one session.
func TestLanesOfASession(t *testing.T) {
	_, f := sessionFixture(t, "")
	conn := f.openSession("/v1/responses", websocket.CompressionDisabled)
	for i := range 5 {
		f.say(conn, fmt.Sprintf(`{"type":"response.create","stream_id":"lane-%d","model":"model-%d","input":"Hi","max_output_tokens":%d}`, i, i, 5+i))
	}
	f.hear(conn, 5)
	for range 5 {
		r := f.want(exchange.OK, "", 200)
		var lane int
		if _, err := fmt.Sscanf(r.Model.Request, "model-%d", &lane); err != nil || r.Usage.Output.N != int64(5+lane) || r.Model.Response != r.Model.Request {
			t.Errorf("%+v", r)
		}
	}
}

// Whoever ends a session in the middle of an answer.
func TestWhoEndsASession(t *testing.T) {
	const ask = `{"type":"response.create","model":"m","input":"Hi","max_output_tokens":500}`
	for _, c := range []struct {
		name, faults string
		end          func(f *fixture, conn *websocket.Conn)
		want         exchange.Outcome
	}{
		{"the server", "cut@3:1", func(*fixture, *websocket.Conn) {}, exchange.UpstreamCut},
		{"the client, by its connection", "stall=10s@3:1", func(_ *fixture, conn *websocket.Conn) { _ = conn.CloseNow() }, exchange.ClientGone},
		{"the client, in order", "stall=10s@3:1", func(_ *fixture, conn *websocket.Conn) {
			go func() { _ = conn.Close(websocket.StatusNormalClosure, "") }()
		}, exchange.ClientGone},
		{"headway", "stall=10s@3:1", func(f *fixture, _ *websocket.Conn) { f.stopNow() }, exchange.Drained},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, f := sessionFixture(t, c.faults)
			conn := f.openSession("/v1/responses", websocket.CompressionDisabled)
			f.say(conn, ask)
			for {
				_, message, err := conn.Read(t.Context())
				if err != nil || strings.Contains(string(message), "output_text.delta") {
					break
				}
			}
			c.end(f, conn)
			r := f.record()
			if r.Outcome != c.want || r.Mode != exchange.Explicit || r.Timing.FirstToken == 0 {
				t.Errorf("%+v", r)
			}
			_ = conn.CloseNow()
			if r := f.record(); r.Mode != exchange.Upgraded {
				t.Errorf("%+v", r)
			}
		})
	}
}
