package openai_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

// steadyStreams are the middles of streams: an event with its text, its number and
// its padding to be filled in.
var steadyStreams = []struct {
	name    string
	dialect dialect.Dialect
	event   string
}{
	{"chat", openai.Chat(), `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"gpt-4o-mini",` +
		`"system_fingerprint":"fp_34a54ae93c","choices":[{"index":0,"delta":{"content":"%[1]s"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"},
	{"chat padded", openai.Chat(), `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"gpt-4o-mini",` +
		`"choices":[{"index":0,"delta":{"content":"%[1]s"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"%[3]s"}` + "\n\n"},
	{"chat with running usage", openai.Chat(), `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"m",` +
		`"choices":[{"index":0,"delta":{"content":"%[1]s"},"finish_reason":null}],` +
		`"usage":{"prompt_tokens":12,"completion_tokens":%[2]d,"total_tokens":1%[2]d}}` + "\n\n"},
	{"chat with running timings", openai.Chat(), `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"%[1]s"}}],"created":1763718000,` +
		`"id":"chatcmpl-l","model":"m","system_fingerprint":"b7010-1","object":"chat.completion.chunk","timings":{"cache_n":12,"prompt_n":8,` +
		`"prompt_ms":20.501,"prompt_per_token_ms":2.56,"predicted_n":%[2]d,"predicted_ms":%[2]d.0256,"predicted_per_second":124.8}}` + "\n\n"},
	{"completions", openai.Completions(), `data: {"id":"cmpl-7f3a9c","object":"text_completion","created":1763718000,"model":"gpt-3.5-turbo-instruct",` +
		`"choices":[{"text":"%[1]s","index":0,"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"},
	{"responses", openai.Responses(), "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","item_id":"msg_68f1",` +
		`"output_index":1,"content_index":0,"delta":"%[1]s","logprobs":[],"sequence_number":%[2]d,"obfuscation":"%[3]s"}` + "\n\n"},
	{"responses, tool call", openai.Responses(), "event: response.function_call_arguments.delta\n" + `data: {"type":"response.function_call_arguments.delta",` +
		`"item_id":"fc_68f1","output_index":1,"delta":"%[1]s","sequence_number":%[2]d}` + "\n\n"},
}

// events fills in an event with texts that make a stream.
func events(event string) (filled [][]byte) {
	for i, text := range []string{" the", " quick", `\n`, " brown", " fox", " jumps over", ` \"a`, " lazy"} {
		e := fmt.Sprintf(event, text, 10+i, "aZ3kQxW9"[:8-i])
		e, _, _ = strings.Cut(e, "%!(EXTRA") // what the event has no place for
		filled = append(filled, []byte(e))
	}
	return filled
}

// steady returns a decoder in the middle of a stream.
func steady(d dialect.Dialect, events [][]byte) dialect.Decoder {
	h := &dialect.Head{Method: "POST", Path: "/v1/chat/completions"}
	dec := d.NewDecoder(h)
	dec.Request([]byte(`{"model":"m","stream":true}`))
	h.Response = dialect.Response{Status: 200, ContentType: "text/event-stream"}
	for i, e := range events {
		dec.Feed(e, time.Duration(1+i)*time.Millisecond)
	}
	return dec
}

func BenchmarkChunk(b *testing.B) {
	for _, s := range steadyStreams {
		b.Run(s.name, func(b *testing.B) {
			events := events(s.event)
			dec := steady(s.dialect, events)
			b.SetBytes(int64(len(events[0])))
			b.ReportAllocs()
			at := time.Second
			i := 0
			for b.Loop() {
				at += 20 * time.Millisecond
				dec.Feed(events[i%len(events)], at)
				i++
			}
		})
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	for _, s := range steadyStreams {
		t.Run(s.name, func(t *testing.T) {
			const chunks = 5000
			events := events(s.event)
			dec := steady(s.dialect, events)
			at := time.Second
			i := 0
			if n := testing.AllocsPerRun(chunks, func() {
				at += 20 * time.Millisecond
				dec.Feed(events[i%len(events)], at)
				i++
			}); n != 0 {
				t.Errorf("%v allocations a chunk, want 0", n)
			}
			if got := dec.Close().Chunks.Count; got != len(events)+chunks+1 {
				t.Errorf("%d content chunks, want %d", got, len(events)+chunks+1)
			}
		})
	}
}

// vectors is a part of a list of embeddings, in pieces as they are read.
func vectors() []byte {
	var p []byte
	for i := range 8 {
		p = fmt.Appendf(p, `{"object":"embedding","index":%d,"embedding":[`, i)
		p = append(p, bytes.Repeat([]byte("-0.0123456789,"), 1535)...)
		p = append(p, "0.1]},"...)
	}
	return p
}

func BenchmarkEmbeddings(b *testing.B) {
	part := vectors()
	dec := openai.Embeddings().NewDecoder(&dialect.Head{})
	dec.Feed([]byte(`{"object":"list","data":[`), 1)
	b.SetBytes(int64(len(part)))
	b.ReportAllocs()
	for b.Loop() {
		dec.Feed(part, 1)
	}
}

// A body of 64 MiB, and an event of 64 MiB, are read in the memory of any other.
func TestLargeBodies(t *testing.T) {
	part := vectors()
	text := bytes.Repeat([]byte(`all of the text, with a \" and \n in it. `), 1000)
	for _, c := range []struct {
		name              string
		dialect           dialect.Dialect
		start, part, end  []byte
		contentType, want string
	}{
		{"embeddings", openai.Embeddings(), []byte(`{"object":"list","data":[`), part,
			[]byte(`{}],"model":"e","usage":{"prompt_tokens":7,"total_tokens":7}}`), "application/json",
			"complete model=e finish= usage=reported in=7"},
		{"an event of Responses", openai.Responses(), []byte("data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"message\",\"content\":[{\"text\":\""), text,
			[]byte("\"}]}],\"status\":\"completed\",\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}}\n\n"), "text/event-stream",
			"stream complete model=m finish=stop usage=reported in=7 out=3 streamed=0 events=1@1"},
		{"a delta of Responses", openai.Responses(), []byte("data: {\"type\":\"response.output_text.delta\",\"delta\":\""), text,
			[]byte("\"}\n\n"), "text/event-stream",
			fmt.Sprintf("stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/%d", 64<<20/len(text)*(len(text)-2*1000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			dec := c.dialect.NewDecoder(&dialect.Head{Response: dialect.Response{Status: 200, ContentType: c.contentType}})
			dec.Feed(c.start, time.Millisecond)
			dec.Feed(c.part, time.Millisecond)
			parts := 64<<20/len(c.part) - 2
			if n := testing.AllocsPerRun(parts, func() { dec.Feed(c.part, time.Millisecond) }); n != 0 {
				t.Errorf("%v allocations in %d bytes, want 0", n, len(c.part))
			}
			dec.Feed(c.end, time.Millisecond)
			if got := describe(dec.Close()); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}
