package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/overhead"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// overheadLanes are the connections of every worker, one each way. The requests of both
// ways pass a tap of this process, the same code that measures production; what it costs
// is in both samples of a pair, and not in their difference.
type overheadLanes struct {
	options *overheadOptions
	lanes   [][2]*overheadLane // by worker and way
}

// overheadLane is a client whose requests a tap measures.
type overheadLane struct {
	client  *http.Client
	records chan exchange.Record
}

// newOverheadLanes makes the lanes that o.plan needs.
func newOverheadLanes(o *overheadOptions, routes [2]config.Config, log *slog.Logger) *overheadLanes {
	l := &overheadLanes{options: o}
	for range o.plan.Concurrency {
		l.lanes = append(l.lanes, [2]*overheadLane{newOverheadLane(routes[overhead.Direct], log), newOverheadLane(routes[overhead.Through], log)})
	}
	return l
}

func newOverheadLane(c config.Config, log *slog.Logger) *overheadLane {
	lane := &overheadLane{records: make(chan exchange.Record, 1)}
	p := proxy.New(proxy.Config{
		Routes: c.RouteTable, Log: log, HeadTimeout: c.RequestHeaderTimeout, ConnectTimeout: c.ConnectTimeout,
		Tap: tap.New(tap.Config{Dialects: sidecar.Dialects(), Observer: lane, Role: c.Role, Mode: exchange.Explicit}),
	})
	lane.client = &http.Client{Transport: &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return p.Connect("overhead") },
		DisableCompression: true,
	}}
	return lane
}

// Observe implements exchange.Observer. A Record that nobody waits for any more makes way.
func (l *overheadLane) Observe(r exchange.Record) {
	select {
	case <-l.records:
	default:
	}
	l.records <- r
}

func (l *overheadLanes) close() {
	for _, both := range l.lanes {
		for _, lane := range both {
			lane.client.CloseIdleConnections()
		}
	}
}

// send implements overhead.Plan's Send.
func (l *overheadLanes) send(ctx context.Context, worker int, way overhead.Way) (overhead.Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, l.options.timeout)
	defer cancel()
	lane := l.lanes[worker][way]
	select { // the Record of a request that was given up
	case <-lane.records:
	default:
	}
	request, err := l.options.request(ctx)
	if err != nil {
		return overhead.Sample{}, err
	}
	response, err := lane.client.Do(request)
	if err != nil {
		return overhead.Sample{}, fmt.Errorf("sending a request: %w", err)
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	if err != nil {
		return overhead.Sample{}, fmt.Errorf("reading an answer: %w", err)
	}
	select {
	case r := <-lane.records:
		return l.options.sample(&r)
	case <-ctx.Done():
		return overhead.Sample{}, ctx.Err()
	}
}

// sample is the measurement of an answer. An answer that is none has no times to compare.
func (o *overheadOptions) sample(r *exchange.Record) (overhead.Sample, error) {
	tokens := o.input + o.answer
	if r.Usage.Input.Known && r.Usage.Output.Known {
		tokens = int(r.Usage.Input.N + r.Usage.Output.N)
	}
	switch {
	case r.Outcome != exchange.OK:
		return overhead.Sample{}, fmt.Errorf("the answer has status %d, and ended as %s", r.Status, r.Outcome)
	case r.Unread || !r.Stream:
		return overhead.Sample{Tokens: tokens}, fmt.Errorf("the answer is no stream of %s", o.dialect)
	}
	return overhead.Sample{TTFT: r.TTFT(), TPOT: r.TPOT(), E2E: r.E2E(), Tokens: tokens}, nil
}

// overheadAPI makes the requests of one API.
type overheadAPI struct {
	path string // with MODEL for the name of the model
	body func(model, prompt string, tokens int) map[string]any
	key  func(header http.Header, key string)
}

// message is a conversation of one message.
func message(prompt string) []map[string]any {
	return []map[string]any{{"role": "user", "content": prompt}}
}

func bearer(header http.Header, key string) { header.Set("Authorization", "Bearer "+key) }

// overheadAPIs are the APIs that the command speaks, by dialect.
func overheadAPIs() map[string]overheadAPI {
	return map[string]overheadAPI{
		"openai-chat": {"/v1/chat/completions", func(model, prompt string, tokens int) map[string]any {
			return map[string]any{"model": model, "messages": message(prompt), "max_tokens": tokens, "stream": true, "stream_options": map[string]any{"include_usage": true}}
		}, bearer},
		"openai-responses": {"/v1/responses", func(model, prompt string, tokens int) map[string]any {
			return map[string]any{"model": model, "input": prompt, "max_output_tokens": max(tokens, 16), "stream": true} // 16 is the least of the API
		}, bearer},
		"anthropic-messages": {"/v1/messages", func(model, prompt string, tokens int) map[string]any {
			return map[string]any{"model": model, "messages": message(prompt), "max_tokens": tokens, "stream": true}
		}, func(header http.Header, key string) { header.Set("X-Api-Key", key) }},
		"gemini-generate": {"/v1beta/models/MODEL:streamGenerateContent?alt=sse", func(_, prompt string, tokens int) map[string]any {
			return map[string]any{
				"contents":         []map[string]any{{"role": "user", "parts": []map[string]any{{"text": prompt}}}},
				"generationConfig": map[string]any{"maxOutputTokens": tokens},
			}
		}, func(header http.Header, key string) { header.Set("X-Goog-Api-Key", key) }},
		"ollama-chat": {"/api/chat", func(model, prompt string, tokens int) map[string]any {
			return map[string]any{"model": model, "messages": message(prompt), "stream": true, "options": map[string]any{"num_predict": tokens}}
		}, bearer},
	}
}

// overheadDialects lists the APIs that the command speaks.
func overheadDialects() []string { return slices.Sorted(maps.Keys(overheadAPIs())) }

// request makes a request. Its prompt begins with random words, so that no cache of prompts
// answers it sooner than the other one of its pair.
func (o *overheadOptions) request(ctx context.Context) (*http.Request, error) {
	api := overheadAPIs()[o.dialect]
	body, err := json.Marshal(api.body(o.model, overheadPrompt(o.input), o.answer))
	if err != nil {
		return nil, err
	}
	// The route of the lane knows the host.
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://target"+strings.ReplaceAll(api.path, "MODEL", o.model), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "headway")
	if o.dialect == "anthropic-messages" {
		r.Header.Set("Anthropic-Version", "2023-06-01")
	}
	if o.key != "" {
		api.key(r.Header, o.key)
	}
	return r, nil
}

// overheadPrompt is a prompt of about so many tokens: common short words, of which most
// models make one token each. It asks for an answer that is longer than any limit.
func overheadPrompt(tokens int) string {
	words := []string{"sun", "tree", "road", "stone", "river", "bird", "house", "cloud", "field", "night", "water", "horse", "light", "door", "hand", "song"}
	const ask = " Leave these words aside. Count from one to a thousand, in words."
	var b strings.Builder
	for range max(4, tokens-len(strings.Fields(ask))) {
		b.WriteString(words[rand.IntN(len(words))] + " ")
	}
	return b.String() + ask
}
