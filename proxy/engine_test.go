package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// A Record has the engine times that the engine itself knows, in every API, streamed and
// whole.
func TestEngineTimesAreThoseOfTheServer(t *testing.T) {
	config := modelsim.FastConfig()
	config.TellMetrics, config.MaxRunning = true, 2 // so that some have to wait
	sim, err := modelsim.New(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	f := newFixture(t, server.URL)

	var requests sync.WaitGroup
	n := 0
	ask := func(path, body string) {
		model := fmt.Sprint("model-", n) // finds the Record of this request
		n++
		requests.Go(func() {
			post(t, "http://"+f.addr+path, fmt.Sprintf(body, model))
		})
	}
	for range 3 {
		ask("/v1/chat/completions", `{"model":%q,"messages":[{"role":"user","content":"Hi"}],"max_tokens":5}`)
		ask("/v1/chat/completions", `{"model":%q,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}],"max_tokens":5}`)
		ask("/v1/completions", `{"model":%q,"stream":true,"stream_options":{"include_usage":true},"prompt":"Hi","max_tokens":5}`)
		ask("/v1/responses", `{"model":%q,"input":"Hi","max_output_tokens":5}`)
		ask("/v1/responses", `{"model":%q,"stream":true,"input":"Hi","max_output_tokens":5}`)
	}
	requests.Wait()

	records := map[string]exchange.Engine{}
	for range n {
		r := f.want(exchange.OK, "", 200)
		records[r.Model.Request] = r.Engine
	}
	waited := 0
	for _, x := range sim.Exchanges(0) {
		var want exchange.Engine
		queue, prefill, decode := x.Engine()
		want.Queue, want.Prefill, want.Decode = exchange.Took(queue), exchange.Took(prefill), exchange.Took(decode)
		if got := records[x.Model]; got != want || got.Prefill.Time == 0 || got.Decode.Time == 0 {
			t.Errorf("%s: %+v, the server knows of %+v", x.Model, got, want)
		}
		if queue > 0 {
			waited++
		}
	}
	if waited == 0 {
		t.Error("none had to wait")
	}
}

// post reads the answer to a request to its end.
func post(t *testing.T, url, body string) {
	resp, err := http.Post(url, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("status %d, %v", resp.StatusCode, err)
	}
}
