package sidecar

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// TestCallsArePriced: a streamed call of 400,000 tokens of prompt, of which the cache gave
// 300,000. Its first attempt breaks off after 2,000 tokens, the second one brings 12,000. A
// million tokens of input cost $ 2.50, from the cache $ 1.20, and of output $ 10. By hand:
//
//	first attempt   100,000 × 2.50 = 0.25   300,000 × 1.20 = 0.36    2,000 × 10 = 0.02   0.63
//	second attempt  100,000 × 2.50 = 0.25   300,000 × 1.20 = 0.36   12,000 × 10 = 0.12   0.73
//	call                             0.50                     0.72                 0.14   1.36
//	of it wasted                                                                          0.63
func TestCallsArePriced(t *testing.T) {
	upstream := countedUpstream(t)
	directory := t.TempDir()
	file, lines := filepath.Join(directory, "prices.yaml"), filepath.Join(directory, "capture.jsonl")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("currency: USD\nprices: [{model: m, per_million: {input: 2.50, cache_read: 1.20, output: 10}}]")
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_PRICE_FILE="+file, "HEADWAY_CAPTURE_FILE="+lines, "HEADWAY_DRAIN_DELAY=0")
	ask := func(model, retries string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.listen+"/v1/chat/completions", strings.NewReader(`{"model":"`+model+`","stream":true,"messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-stainless-retry-count", retries)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	ask("m", "0")
	ask("m", "1")
	ask("other", "")
	at := `,upstream="` + strings.TrimPrefix(upstream.URL, "http://") + `"} `
	for series, want := range map[string]float64{
		`headway_cost_total{currency="USD",kind="input",model="m",operation="chat",source="running"`:         .25,
		`headway_cost_total{currency="USD",kind="input",model="m",operation="chat",source="reported"`:        .25,
		`headway_cost_total{currency="USD",kind="cache_read",model="m",operation="chat",source="running"`:    .36,
		`headway_cost_total{currency="USD",kind="cache_read",model="m",operation="chat",source="reported"`:   .36,
		`headway_cost_total{currency="USD",kind="output",model="m",operation="chat",source="running"`:        .02,
		`headway_cost_total{currency="USD",kind="output",model="m",operation="chat",source="reported"`:       .12,
		`headway_output_cost_total{currency="USD",model="m",operation="chat",tokens="delivered"`:             .14,
		`headway_chain_wasted_cost_total{cause="stream_truncated",currency="USD",model="m",operation="chat"`: .63,
		`headway_unpriced_total{model="other",operation="chat",reason="no_price"`:                            1,
	} {
		interop.Until(t, series, func() bool {
			_, after, _ := strings.Cut(l.metrics(t), series+at)
			got, err := strconv.ParseFloat(strings.TrimSpace(after[:strings.Index(after+"\n", "\n")]), 64)
			return err == nil && math.Abs(got-want) < 1e-9
		})
	}
	write("currency: EUR\nprices: [{model: m, per_mille: {input: 1}}]")
	interop.Until(t, "the wrong file is refused", func() bool { return strings.Contains(l.metrics(t), "headway_config_last_reload_successful 0") })
	l.stop()
	l.end(t)

	costs := capturedCosts(t, lines)
	slices.Sort(costs) // the client may have tried again before the first attempt was written
	if byHand := []string{"USD 0.63 = 0.25 + 0.36 + 0.02", "USD 0.73 = 0.25 + 0.36 + 0.12"}; !slices.Equal(costs, byHand) {
		t.Errorf("%q, want %q", costs, byHand)
	}
}

// countedUpstream answers with counts. It cuts the first attempt of a call.
func countedUpstream(t *testing.T) *httptest.Server {
	t.Helper()
	usage := func(output int) string {
		return fmt.Sprintf(`"usage":{"prompt_tokens":400000,"completion_tokens":%d,"prompt_tokens_details":{"cached_tokens":300000}}`, output)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Model string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"model":"`+asked.Model+`","choices":[{"index":0,"delta":{"content":"word"}}],`+usage(2000)+"}\n\n")
		w.(http.Flusher).Flush()
		if r.Header.Get("x-stainless-retry-count") == "0" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],`+usage(12000)+"}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(upstream.Close)
	return upstream
}

// capturedCosts formats the cost of each line of a capture that has one.
func capturedCosts(t *testing.T, file string) (costs []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var got capture.Line
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got.Cost != nil {
			costs = append(costs, fmt.Sprintf("%s %.2f = %.2f + %.2f + %.2f", got.Cost.Currency, got.Cost.Total, got.Cost.Input, got.Cost.CacheRead, got.Cost.Output))
		}
	}
	return costs
}
