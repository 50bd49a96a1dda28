//go:build interop

package main_test

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

// reading is when a client sent a request and when it read each content chunk.
type reading struct {
	sent   time.Time
	chunks []time.Time
}

// stream has one chat completion of so many tokens streamed and reads it to its
// end. It may be called from any goroutine.
func stream(t *testing.T, base, model string, tokens int, header http.Header) reading {
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
		return reading{}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	r := reading{sent: time.Now()}
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
			r.chunks = append(r.chunks, at)
		}
	}
	if lines.Err() != nil || response.StatusCode != http.StatusOK || last != "data: [DONE]" || len(r.chunks) == 0 || len(r.chunks) > tokens {
		t.Errorf("%s: %v, %s, %d chunks, ends with %q", model, lines.Err(), response.Status, len(r.chunks), last)
	}
	return r
}
