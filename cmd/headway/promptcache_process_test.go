package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// agent is a client that sends its whole history with every request.
type agent struct {
	system  string
	history []string // texts of the user and of the model, in turns
	ask     func(a *agent) (path, body string)
}

// chatAsk is a request of OpenAI's chat, messagesAsk one of Anthropic's Messages whose last
// message is marked.
func chatAsk(a *agent) (path, body string) {
	messages := []string{fmt.Sprintf(`{"role":"system","content":%q}`, a.system)}
	for i, text := range a.history {
		messages = append(messages, fmt.Sprintf(`{"role":%q,"content":%q}`, [2]string{"user", "assistant"}[i%2], text))
	}
	return "/v1/chat/completions", `{"model":"sim-medium","max_tokens":20,"messages":[` + strings.Join(messages, ",") + `]}`
}

func messagesAsk(a *agent) (path, body string) {
	var messages []string
	for i, text := range a.history {
		content := fmt.Sprintf("%q", text)
		if i == len(a.history)-1 {
			content = fmt.Sprintf(`[{"type":"text","text":%q,"cache_control":{"type":"ephemeral"}}]`, text)
		}
		messages = append(messages, fmt.Sprintf(`{"role":%q,"content":%s}`, [2]string{"user", "assistant"}[i%2], content))
	}
	return "/v1/messages", fmt.Sprintf(`{"model":"sim-medium","max_tokens":20,"system":%q,"messages":[%s]}`, a.system, strings.Join(messages, ","))
}

// turn sends the history, with a fault of the model server, and appends the answer.
func (a *agent) turn(t *testing.T, base, user, fault string) {
	t.Helper()
	a.history = append(a.history, user)
	path, body := a.ask(a)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Sim-Fault", fault)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", response.StatusCode, err, text)
	}
	var answer struct {
		Choices []struct{ Message struct{ Content string } }
		Content []struct{ Text string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	switch {
	case len(answer.Choices) > 0:
		a.history = append(a.history, answer.Choices[0].Message.Content)
	case len(answer.Content) > 0:
		a.history = append(a.history, answer.Content[0].Text)
	default:
		t.Fatalf("no answer in %s", text)
	}
}

// TestWhoseDoingAMissIs: an agent talks to a model server with a prefix cache, by two APIs.
// The server loses the cache for one turn, then the agent changes its system prompt, then a
// message.
func TestWhoseDoingAMissIs(t *testing.T) {
	headway := self(t)
	sim := headway.StartSimulator(t, "--step", "1ms", "--prefill", "1ms")
	sidecar := headway.StartSidecar(t, sim.URL)
	for _, ask := range []func(*agent) (string, string){chatAsk, messagesAsk} {
		path, _ := ask(new(agent)) // so that no API finds the prompts of the other in the cache
		a := &agent{system: "Answer by " + path + strings.Repeat(" Be careful with files.", 300), ask: ask}
		word := func(i int) string { return fmt.Sprintf("Step %d:%s", i, strings.Repeat(" look", 100)) }
		for i := range 3 {
			a.turn(t, sidecar.URL, word(i), "")
		}
		a.turn(t, sidecar.URL, word(3), "uncached")
		a.turn(t, sidecar.URL, word(4), "")
		a.system = "It is ten o'clock. " + a.system
		a.turn(t, sidecar.URL, word(5), "")
		a.turn(t, sidecar.URL, word(6), "")
		a.history[2] += " Or not."
		a.turn(t, sidecar.URL, word(7), "")
	}
	metrics, err := interop.Get("http://" + sidecar.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{`cause="same_prefix",changed="none"`, `cause="prefix_changed",changed="system"`} {
		if !strings.Contains(string(metrics), "headway_prompt_cache_misses_total{"+series) {
			t.Errorf("no series of %s", series)
		}
	}
	sidecar.Process.Stop(t)
	for _, dialect := range []string{"openai-chat", "anthropic-messages"} {
		got, at := missesOf(t, sidecar.Capture, dialect), 3
		if dialect == "openai-chat" {
			at = 4 // as the request counts, whose first message is the system prompt
		}
		want := []string{"", "", "", "same_prefix", "", "prefix_changed system", "", fmt.Sprintf("prefix_changed message %d", at)}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", dialect, got, want)
		}
	}
	var sum report.Summary
	if err := json.Unmarshal(output(t, headway, "report", sidecar.Capture, "--output", "json"), &sum); err != nil {
		t.Fatal(err)
	}
	if p := sum.All.PromptCache; p == nil || p.Requests != 16 || p.SamePrefix != 2 || p.PrefixChanged["system"] != 2 || p.PrefixChanged["message"] != 2 {
		t.Errorf("the report has %+v", sum.All.PromptCache)
	}
}

// missesOf is what each capture line of a dialect says of its miss.
func missesOf(t *testing.T, file, dialect string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range interop.DecodeLines[capture.Line](t, text) {
		if l.Dialect != dialect {
			continue
		}
		said := ""
		if p := l.PromptCache; p != nil {
			said = strings.TrimSpace(p.Cause + " " + p.Changed)
			if p.Message > 0 {
				said += fmt.Sprintf(" %d", p.Message)
			}
		}
		all = append(all, said)
	}
	return all
}
