package modelsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// messages is the framing of a session: each event is a message of its own.
type messages struct{}

func (messages) contentType() string { return "application/json" }

func (messages) frame(dst []byte, _ int, e event) []byte { return append(dst, e.data...) }

func (messages) end(int) string { return "" }

// webSocketEndpoints lists the APIs that are spoken over WebSocket.
func webSocketEndpoints() []endpoint {
	return []endpoint{
		{"/responses", "openai-responses-websocket", "chat", openAI{}, messages{}, generate[responsesBody]},
		{"/realtime", "openai-realtime", "chat", openAI{}, messages{}, generate[realtimeBody]},
		{"/*BidiGenerateContent", "gemini-live", "generate_content", gemini{}, messages{}, generate[liveBody]},
		{"/BidiGenerateContent", "gemini-live", "generate_content", gemini{}, messages{}, generate[liveBody]},
	}
}

func asksForWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// session is a WebSocket on which a client asks for answers. Those of one lane come one after the
// other, and lanes side by side.
type session struct {
	s     *Server
	api   endpoint
	conn  *websocket.Conn
	r     *http.Request // that opened it
	lanes map[string]chan struct{}
	work  sync.WaitGroup
	talk  *conversation     // in Realtime; else nil
	live  *liveConversation // in Gemini Live; else nil
}

// serveWebSocket serves a session until one side leaves.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	e, _, found := find(webSocketEndpoints(), r)
	if !found {
		notFound(w, r)
		return
	}
	if key := s.cfg.APIKey; key != "" && !e.provider.accepts(r, key) {
		bad := invalidRequest("", "Incorrect API key provided.")
		bad.status, bad.Code = http.StatusUnauthorized, "invalid_api_key"
		bad.write(w, e.provider)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, Subprotocols: []string{"realtime"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(maxBodyBytes)
	session := &session{s: s, api: e, conn: conn, r: r, lanes: map[string]chan struct{}{}}
	switch e.dialect {
	case "openai-realtime":
		session.talk = newConversation(r)
	case "gemini-live":
		session.live = &liveConversation{}
	}
	session.run()
}

// run reads what the client says until it leaves.
func (n *session) run() {
	ctx, cancel := context.WithCancel(n.r.Context())
	defer n.work.Wait()
	defer cancel()
	defer func() { _ = n.conn.CloseNow() }()
	if n.talk != nil {
		n.send(ctx, n.talk.greeting())
	}
	for {
		kind, text, err := n.conn.Read(ctx)
		if err != nil {
			return
		}
		switch {
		case kind != websocket.MessageText:
		case n.live != nil:
			n.hearTurn(ctx, text)
		default:
			n.hear(ctx, text)
		}
	}
}

// asked is what all messages of a client have.
type asked struct {
	Type     string `json:"type"`
	EventID  string `json:"event_id,omitempty"`
	StreamID string `json:"stream_id,omitempty"`
}

// hear handles a message of the client.
func (n *session) hear(ctx context.Context, text []byte) {
	var m asked
	if err := json.Unmarshal(text, &m); err != nil {
		n.refuse(ctx, m, invalidRequest("", "The message is not valid JSON: %v.", err))
		return
	}
	switch {
	case m.Type == "response.create":
		n.ask(ctx, m, text)
	case n.talk != nil:
		for _, reply := range n.talk.hear(m, text) {
			n.send(ctx, reply)
		}
	default:
		n.refuse(ctx, m, invalidRequest("type", "Unknown event type %q.", m.Type))
	}
}

// hearTurn handles a message of the client of Gemini Live.
func (n *session) hearTurn(ctx context.Context, text []byte) {
	replies, asks, err := n.live.hear(text)
	var wrong *apiError
	if errors.As(err, &wrong) {
		n.refuse(ctx, asked{}, wrong)
		return
	}
	for _, reply := range replies {
		n.send(ctx, reply)
	}
	if asks {
		n.ask(ctx, asked{}, text)
	}
}

// ask answers a question once those before it in its lane are answered.
func (n *session) ask(ctx context.Context, m asked, text []byte) {
	body, err := n.body(text)
	if err != nil {
		n.refuse(ctx, m, invalidRequest("", "The message is not valid: %v.", err))
		return
	}
	before, done := n.lanes[m.StreamID], make(chan struct{})
	n.lanes[m.StreamID] = done
	turn, stop := context.WithCancel(ctx)
	if n.live != nil {
		n.live.interrupt(stop)
	}
	n.work.Go(func() {
		defer close(done)
		defer stop()
		if before != nil {
			<-before
		}
		n.answer(ctx, turn, m, body)
	})
}

// body is the body of the HTTP request that the question stands for.
func (n *session) body(text []byte) ([]byte, error) {
	switch {
	case n.talk != nil:
		return n.talk.body(text)
	case n.live != nil:
		return n.live.body()
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	delete(fields, "type")
	delete(fields, "stream_id")
	fields["stream"] = json.RawMessage("true")
	return json.Marshal(fields)
}

// answer runs the call that a question stands for, until turn ends. A fault that breaks its
// connection breaks the session.
func (n *session) answer(ctx, turn context.Context, m asked, body []byte) {
	defer func() {
		if v := recover(); v != nil {
			_ = n.conn.CloseNow()
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
		}
	}()
	r := n.r.Clone(turn)
	r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader(string(body)))
	w := &messageWriter{session: n, ctx: ctx, asked: m, header: http.Header{}}
	c := n.s.newCall(n.api, w, r)
	c.out.compress = false
	if n.live != nil {
		c.pathName = n.live.model
	}
	defer c.end()
	c.run(n.api.serve)
	if n.live != nil && turn.Err() != nil && c.gone() {
		for _, told := range n.live.interrupted() {
			n.send(ctx, told)
		}
	}
}

// refuse tells the client that its message is wrong.
func (n *session) refuse(ctx context.Context, m asked, e *apiError) {
	if n.live != nil {
		n.live.fail(n.conn, mustJSON(gemini{}.errorBody(e, "")))
		return
	}
	n.send(ctx, n.failure(m, e.status, mustJSON(errorBody{e})))
}

// failure is the event for an error that HTTP would have as a body.
func (n *session) failure(m asked, status int, body []byte) []byte {
	if n.talk != nil {
		return n.talk.failure(m, body)
	}
	fields := map[string]any{"type": "error", "status": status}
	var e struct {
		Error json.RawMessage `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // the simulator's own
	fields["error"] = e.Error
	return mustJSON(fields)
}

func (n *session) send(ctx context.Context, text []byte) {
	_ = n.conn.Write(ctx, n.kind(), text) // the reader finds out that the client left
}

// kind is that of the messages of the server. Google's are binary.
func (n *session) kind() websocket.MessageType {
	if n.live != nil {
		return websocket.MessageBinary
	}
	return websocket.MessageText
}

// messageWriter is the http.ResponseWriter of an answer in a session.
type messageWriter struct {
	session *session
	ctx     context.Context
	asked   asked
	header  http.Header
	status  int
}

func (w *messageWriter) Header() http.Header { return w.header }

func (w *messageWriter) WriteHeader(status int) { w.status = status }

// Write sends an event, or the error that HTTP would have as a body.
func (w *messageWriter) Write(p []byte) (int, error) {
	text := p
	switch live := w.session.live; {
	case live != nil && (w.status >= http.StatusBadRequest || isLiveFailure(p)):
		live.fail(w.session.conn, p)
		return len(p), nil
	case w.status >= http.StatusBadRequest:
		text = w.session.failure(w.asked, w.status, p)
	}
	if lane := w.asked.StreamID; lane != "" {
		text = fmt.Appendf(nil, `%s,"stream_id":%s}`, text[:len(text)-1], mustJSON(lane))
	}
	if err := w.session.conn.Write(w.ctx, w.session.kind(), text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush implements http.Flusher: a message is sent at once.
func (w *messageWriter) Flush() {}
