package modelsim_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// pipeListener carries connections in memory, so that a server and its clients can
// live in a synctest bubble. Its connections have no buffers at all: a client that does not
// read blocks the server's write.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// harness is a simulated server and a client of it.
type harness struct {
	*testing.T
	sim    *modelsim.Server
	client *http.Client
}

// start serves cfg in memory until the test, or its bubble, ends.
func start(t *testing.T, cfg modelsim.Config) *harness {
	t.Helper()
	sim, err := modelsim.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := newPipeListener()
	server := &http.Server{Handler: sim.Handler()}
	go server.Serve(l) //nolint:errcheck // it ends in the cleanup
	transport := &http.Transport{DialContext: l.dial, DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		sim.Close()
	})
	return &harness{T: t, sim: sim, client: &http.Client{Transport: transport}}
}

// exact is a model whose times are round and whose answers are all 20 tokens long.
func exact() modelsim.Config {
	c := modelsim.DefaultConfig()
	c.PrefillBase = 40 * time.Millisecond
	c.PrefillPerToken = 100 * time.Microsecond
	c.StepBase = 10 * time.Millisecond
	c.StepPerSequence = time.Millisecond
	c.Jitter = 0
	c.OutputMedian, c.OutputSpread = 20, 0
	return c
}

const (
	chatPath        = "/v1/chat/completions"
	completionsPath = "/v1/completions"
	responsesPath   = "/v1/responses"
	embeddingsPath  = "/v1/embeddings"
	messagesPath    = "/v1/messages"
	countPath       = "/v1/messages/count_tokens"
)

// send posts body, with headers as pairs of name and value.
func (h *harness) send(ctx context.Context, path, body string, headers ...string) (*http.Response, error) {
	h.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sim"+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return h.client.Do(req)
}

// reply is an answer that was read to its end, or to where it broke off.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error // of the request or of reading the body
}

func (h *harness) post(path, body string, headers ...string) reply {
	h.Helper()
	resp, err := h.send(context.Background(), path, body, headers...)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, b, err}
}

// truth is the ground truth of the answer.
func (h *harness) truth(r reply) modelsim.Exchange {
	h.Helper()
	if r.err != nil {
		h.Fatal(r.err)
	}
	id := cmp.Or(r.header.Get("X-Request-Id"), r.header.Get("Request-Id"), r.header.Get("X-Amzn-Requestid"))
	ex, ok := h.sim.Exchange(id)
	if !ok {
		h.Fatalf("no exchange %q in the ground truth", id)
	}
	return ex
}

// last is the ground truth of the newest request.
func (h *harness) last() modelsim.Exchange {
	h.Helper()
	list := h.sim.Exchanges(1)
	if len(list) != 1 {
		h.Fatal("the ground truth is empty")
	}
	return list[0]
}

// chat is a streamed chat request with a prompt of n tokens, template included: words
// that differ from seed to seed.
func chat(n int, seed string, fields string) string {
	words := make([]string, n-3)
	for i := range words {
		words[i] = seed
	}
	return `{"model":"sim-medium","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"` +
		strings.Join(words, " ") + `"}]` + fields + `}`
}

// events cuts a body into the payloads of its data lines.
func events(body []byte) []string {
	var list []string
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			list = append(list, data)
		}
	}
	return list
}

// chatText is the text of a streamed chat's first choice and how many chunks carried it.
func chatText(t *testing.T, body []byte) (string, int) {
	t.Helper()
	var text strings.Builder
	chunks := 0
	for _, data := range events(body) {
		if data == "[DONE]" {
			continue
		}
		var chunk struct {
			Choices []struct {
				Index int
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if len(chunk.Choices) == 1 && chunk.Choices[0].Index == 0 && chunk.Choices[0].Delta.Content != "" {
			text.WriteString(chunk.Choices[0].Delta.Content)
			chunks++
		}
	}
	return text.String(), chunks
}
