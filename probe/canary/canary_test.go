package canary_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
)

func chat() *probe.Probe {
	return &probe.Probe{
		Name: "chat-short", URL: "https://llm.example.com", Dialect: "openai-chat", Model: "m-1",
		Shape: probe.Shape{Input: 200, Output: 50}, Cache: probe.Cold, Every: 30 * time.Second, Seed: 3,
	}
}

func writer(t *testing.T, p *probe.Probe) *canary.Writer {
	t.Helper()
	w, err := canary.NewWriter(p)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func next(t *testing.T, w *canary.Writer, key string) (canary.Request, map[string]any) {
	t.Helper()
	r, err := w.Next(key)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	return r, body
}

// prompt is the one prompt of a request of openai-chat.
func prompt(body map[string]any) string {
	return body["messages"].([]any)[0].(map[string]any)["content"].(string)
}

func TestEveryDialectWordsARequest(t *testing.T) {
	for _, name := range canary.Dialects() {
		t.Run(name, func(t *testing.T) {
			p := chat()
			p.Dialect, p.Model = name, "org/m 1"
			r, _ := next(t, writer(t, p), "k-1")
			if strings.Contains(r.Path, "org/") || strings.Contains(r.Path, " ") {
				t.Errorf("the path %q has the model as it is", r.Path)
			}
			var keyed int
			for _, values := range r.Header {
				if strings.HasSuffix(values[0], "k-1") {
					keyed++
				}
			}
			if keyed != 1 {
				t.Errorf("%d fields have the key: %v", keyed, r.Header)
			}
			if !strings.Contains(string(r.Body), r.Word) || r.Word == "" {
				t.Errorf("the body does not ask for the word %q", r.Word)
			}
		})
	}
	if _, err := canary.NewWriter(&probe.Probe{Name: "p", Dialect: "openai-cat"}); err == nil {
		t.Error("a dialect that nobody knows is no error")
	}
}

func TestColdPromptsDifferAndWarmOnesDoNot(t *testing.T) {
	for _, cache := range []probe.Cache{probe.Cold, probe.Warm} {
		p := chat()
		p.Cache = cache
		w := writer(t, p)
		_, a := next(t, w, "")
		_, b := next(t, w, "")
		if (prompt(a) == prompt(b)) != (cache == probe.Warm) {
			t.Errorf("%s: %q and %q", cache, prompt(a), prompt(b))
		}
		if first := strings.Fields(prompt(a))[0]; cache == probe.Cold && first == strings.Fields(prompt(b))[0] && strings.Fields(prompt(a))[1] == strings.Fields(prompt(b))[1] {
			t.Errorf("both cold prompts begin with %q", first)
		}
	}
}

func TestTheBodyOfTheFileWins(t *testing.T) {
	p := chat()
	p.Body = map[string]any{"temperature": nil, "stream_options": map[string]any{"extra": true}, "reasoning_effort": "low"}
	p.IgnoreEOS = true
	p.Headers = map[string]string{"X-Team": "search"}
	r, body := next(t, writer(t, p), "")
	options := body["stream_options"].(map[string]any)
	if _, has := body["temperature"]; has || body["reasoning_effort"] != "low" || options["extra"] != true || options["include_usage"] != true || body["ignore_eos"] != true {
		t.Errorf("%v", body)
	}
	if r.Header.Get("X-Team") != "search" || r.Header.Get("Authorization") != "" {
		t.Errorf("%v", r.Header)
	}
}

// tokenizers count a prompt in ways that headway does not know.
func TestPromptsFindTheirLength(t *testing.T) {
	for name, count := range map[string]func(string) int{
		"a token a word":           func(s string) int { return len(strings.Fields(s)) + 30 },
		"two tokens a word":        func(s string) int { return 2*len(strings.Fields(s)) + 3 },
		"a token for four letters": func(s string) int { return len(s) / 4 },
		"a long template":          func(s string) int { return len(strings.Fields(s)) + 90 },
	} {
		for _, target := range []int{200, 4000} {
			p := chat()
			p.Shape.Input = target
			w := writer(t, p)
			runs := 0
			for ; runs < 10 && !w.Calibrated(); runs++ {
				_, body := next(t, w, "")
				w.Counted(int64(count(prompt(body))))
			}
			_, body := next(t, w, "")
			got := count(prompt(body))
			if off := max(got-target, target-got); off > max(2, target/50) || runs > 6 {
				t.Errorf("%s: %d tokens after %d runs, want %d", name, got, runs, target)
			}
		}
	}
}

func event(text string) string {
	quoted, _ := json.Marshal(text)
	return `data: {"system_fingerprint":"fp_1","choices":[{"delta":{"content":` + string(quoted) + `}}]}` + "\n\n"
}

func TestAnswersAreToldApart(t *testing.T) {
	story := "River was the name of the boat, and nobody on the quay remembered why it had been called so."
	for _, tt := range []struct {
		name  string
		text  string
		facts canary.Facts
		want  probe.Outcome
	}{
		{"a story that begins as asked", story, canary.Facts{Output: 50, Asked: 50}, probe.OK},
		{"the word behind a heading", "**The River**\n\nRiver was", canary.Facts{Output: 50, Asked: 50}, probe.OK},
		{"one token less than asked", story, canary.Facts{Output: 49, Asked: 50}, probe.OK},
		{"an unknown number of tokens", story, canary.Facts{Output: -1, Asked: 50}, probe.OK},
		{"a story that ends early", story, canary.Facts{Output: 20, Asked: 50}, probe.Short},
		{"no text", "", canary.Facts{Output: 50, Asked: 50}, probe.Nonsense},
		{"no text, but reasoning", "", canary.Facts{Output: 50, Asked: 50, Reasoning: 50}, probe.OK},
		{"a refusal", "I'm sorry, but I can't help with that. " + story, canary.Facts{Output: 20, Asked: 50}, probe.Refused},
		{"a refusal with a typographic apostrophe", "I’m sorry, but I can't help with that.", canary.Facts{Output: 20, Asked: 50}, probe.Refused},
		{"a filtered answer", story, canary.Facts{Output: 9, Asked: 50, Filtered: true}, probe.Refused},
		{"another answer", "As the sun went down over the old town and its many harbours, the lights came on one after the other", canary.Facts{Output: 50, Asked: 50}, probe.Nonsense},
		{"one character over and over", "River" + strings.Repeat("!", 200), canary.Facts{Output: 50, Asked: 50}, probe.Nonsense},
		{"an answer too short to show its word", "Ri", canary.Facts{Output: 1, Asked: 1}, probe.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := chat()
			p.Seed = 0 // of which the word is River
			w := writer(t, p)
			r, _ := next(t, w, "")
			a := w.Answer(&r)
			half := len(tt.text) / 2
			body := event(tt.text[:half]) + event(tt.text[half:]) + "data: [DONE]\n\n"
			if tt.text == "" {
				body = "data: [DONE]\n\n"
			}
			for i := range len(body) { // in any pieces
				a.Feed([]byte(body[i : i+1]))
			}
			a.End()
			if got := a.Judge(tt.facts); got != tt.want {
				t.Errorf("judged %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnswersNameTheirSystem(t *testing.T) {
	w := writer(t, chat())
	r, _ := next(t, w, "")
	a := w.Answer(&r)
	for range 100 {
		a.Feed([]byte(event("Größe") + event("東京")))
	}
	if got := a.End(); got != "fp_1" {
		t.Errorf("%q", got)
	}
}
