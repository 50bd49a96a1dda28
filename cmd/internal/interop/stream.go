package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Reading has the times at which a client sent a request and read each content chunk.
type Reading struct {
	Sent   time.Time
	Chunks []time.Time
}

// Stream requests one streamed chat completion of so many tokens from base, and reads
// it to its end. Any goroutine may call it.
func Stream(t *testing.T, base, model string, tokens int, header http.Header) Reading {
	t.Helper()
	body, _ := json.Marshal(map[string]any{
		"model": model, "max_tokens": tokens, "stream": true,
		"stream_options": map[string]any{"include_usage": true},
		"messages":       []map[string]string{{"role": "user", "content": "Go on."}},
	})
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(patience, http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return Reading{}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	r := Reading{Sent: time.Now()}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return r
	}
	defer response.Body.Close()
	last, lines := "", bufio.NewScanner(response.Body)
	for lines.Scan() {
		at := time.Now()
		if text := lines.Text(); text != "" {
			last = text
		}
		if strings.Contains(last, `"delta":{"content":"`) && lines.Text() != "" {
			r.Chunks = append(r.Chunks, at)
		}
	}
	if lines.Err() != nil || response.StatusCode != http.StatusOK || last != "data: [DONE]" || len(r.Chunks) == 0 || len(r.Chunks) > tokens {
		t.Errorf("%s: %v, %s, %d chunks, ends with %q", model, lines.Err(), response.Status, len(r.Chunks), last)
	}
	return r
}
