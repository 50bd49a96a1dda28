package tap_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// openStreams is how many streams are open together in BenchmarkOpenStream.
const openStreams = 10_000

// opening is a stream of one API: its request, and the events of its response.
type opening struct {
	name, path, body string
	first            []string // the events before the content
	event            string   // of content, a format with the number of the event and the id of the response
}

var openings = []opening{
	{
		name: "chat", path: "/v1/chat/completions",
		body:  `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"You are a careful assistant."},{"role":"user","content":"Why is the sky blue?"}]}`,
		event: `data: {"id":"chatcmpl-%[2]s","object":"chat.completion.chunk","created":1730000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0ba0d124f1","choices":[{"index":0,"delta":{"content":" word%[1]d"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"aZ3k"}` + "\n\n",
	},
	{
		name: "messages", path: "/v1/messages",
		body: `{"model":"claude-sonnet-4","max_tokens":1024,"stream":true,"system":"You are a careful assistant.","messages":[{"role":"user","content":"Why is the sky blue?"}]}`,
		first: []string{
			"event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}` + "\n\n",
			"event: content_block_start\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n",
		},
		event: "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word%[1]d"}      }` + "\n\n",
	},
	{
		name: "responses", path: "/v1/responses",
		body: `{"model":"gpt-4o-mini","stream":true,"instructions":"You are a careful assistant.","input":"Why is the sky blue?"}`,
		first: []string{
			"event: response.created\n" + `data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1730000000,"status":"in_progress","model":"gpt-4o-mini-2024-07-18","output":[],"usage":null}}` + "\n\n",
			"event: response.output_item.added\n" + `data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","content":[],"role":"assistant"}}` + "\n\n",
		},
		event: "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_%[2]s","output_index":0,"content_index":0,"delta":" word%[1]d","logprobs":[],"obfuscation":"aZ3kQx"}` + "\n\n",
	},
}

// unwatched is an Observer that keeps nothing.
type unwatched struct{}

func (unwatched) Observe(exchange.Record) {}

// events returns the first n events of the stream, as often as ids has ids.
func (d *opening) events(n int) (streams [][][][]byte) {
	for _, id := range ids {
		var spans [][][]byte
		for i := range n {
			e := fmt.Appendf(nil, d.event+"%.0[2]s", i, id)
			if i < len(d.first) {
				e = []byte(d.first[i])
			}
			spans = append(spans, [][]byte{e})
		}
		streams = append(streams, spans)
	}
	return streams
}

// ids are those of some responses.
var ids = []string{"B7x2Kd9QpLmZ", "C1a8Ws4RtYuN", "D5e3Xf6GhJkV", "A9q0Zc2BnMlP"}

// open opens the stream as the relay does, and reports the events 20 ms apart.
func (d *opening) open(of *tap.Tap, events [][][]byte) *tap.Exchange {
	r := chat("Host", "model:8000", "User-Agent", "OpenAI/Python 1.54.0", "Authorization", "Bearer sk-1234567890", "Content-Type", "application/json", "X-Stainless-Retry-Count", "0")
	r.Path = strings.Clone(d.path) // of the request's own target
	x := of.Begin(r)
	x.RequestBody([]byte(d.body))
	x.RequestRead(r.Read)
	x.RequestSent(r.Read, 0)
	x.RequestWritten(r.Read)
	x.ResponseHead(200, header("Content-Type", "text/event-stream; charset=utf-8", "x-ratelimit-remaining-requests", "4999", "x-ratelimit-limit-requests", "5000"), r.Read)
	for i, spans := range events {
		at := r.Read + tap.Instant(time.Duration(i+1)*20*time.Millisecond)
		x.Chunk(spans, at, at)
	}
	return x
}

// BenchmarkOpenStream is what a stream holds while it is open, after some events of it and
// between two tokens: in bytes of live heap. Its time is that of the opening.
func BenchmarkOpenStream(b *testing.B) {
	for _, d := range openings {
		for _, events := range []int{12, 300} {
			b.Run(fmt.Sprintf("%s/events=%d", d.name, events), func(b *testing.B) {
				of := tap.New(tap.Config{Dialects: allDialects, Observer: unwatched{}, Role: exchange.Client, Mode: exchange.Explicit})
				spans := d.events(events)
				held := make([]*tap.Exchange, openStreams)
				before := liveHeap()
				b.ReportAllocs()
				for b.Loop() {
					for i := range held {
						held[i] = d.open(of, spans[i%len(spans)])
					}
					b.StopTimer()
					b.ReportMetric(float64(liveHeap()-before)/openStreams, "B/stream")
					for i, x := range held {
						end(x)
						held[i] = nil
					}
					b.StartTimer()
				}
			})
		}
	}
}

// liveHeap is the memory of all that is reachable, in bytes.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what pools held before the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkChunkOfMany is a chunk of one of many streams, of which the caches of the
// processor hold the least part.
func BenchmarkChunkOfMany(b *testing.B) {
	for _, d := range openings {
		b.Run(d.name, func(b *testing.B) {
			of := tap.New(tap.Config{Dialects: allDialects, Observer: unwatched{}, Role: exchange.Client, Mode: exchange.Explicit})
			spans := d.events(100)
			open := make([]*tap.Exchange, openStreams)
			for i := range open {
				open[i] = d.open(of, spans[i%len(spans)][:2+i%12])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now := tap.Now()
				stream := i % openStreams
				open[stream].Chunk(spans[stream%len(spans)][14+i/openStreams%86], now, now)
			}
		})
	}
}
