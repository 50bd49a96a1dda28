package openai_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "chat", Dialect: openai.Chat(), Event: `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"gpt-4o-mini",` +
		`"system_fingerprint":"fp_34a54ae93c","choices":[{"index":0,"delta":{"content":"%[1]s"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"},
	{Name: "chat padded", Dialect: openai.Chat(), Event: `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"gpt-4o-mini",` +
		`"choices":[{"index":0,"delta":{"content":"%[1]s"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"%[3]s"}` + "\n\n"},
	{Name: "chat with running usage", Dialect: openai.Chat(), Event: `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.chunk","created":1763718000,"model":"m",` +
		`"choices":[{"index":0,"delta":{"content":"%[1]s"},"finish_reason":null}],` +
		`"usage":{"prompt_tokens":12,"completion_tokens":%[2]d,"total_tokens":1%[2]d}}` + "\n\n"},
	{Name: "chat with running timings", Dialect: openai.Chat(), Event: `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"%[1]s"}}],"created":1763718000,` +
		`"id":"chatcmpl-l","model":"m","system_fingerprint":"b7010-1","object":"chat.completion.chunk","timings":{"cache_n":12,"prompt_n":8,` +
		`"prompt_ms":20.501,"prompt_per_token_ms":2.56,"predicted_n":%[2]d,"predicted_ms":%[2]d.0256,"predicted_per_second":124.8}}` + "\n\n"},
	{Name: "completions", Dialect: openai.Completions(), Event: `data: {"id":"cmpl-7f3a9c","object":"text_completion","created":1763718000,"model":"gpt-3.5-turbo-instruct",` +
		`"choices":[{"text":"%[1]s","index":0,"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"},
	{Name: "chat, unknown event", Dialect: openai.Chat(), Unknown: true, Event: `data: {"id":"chatcmpl-7f3a9c","object":"chat.completion.hint","created":1763718000,"model":"gpt-4o-mini",` +
		`"system_fingerprint":"fp_34a54ae93c","hints":[{"index":0,"phase":{"name":"%[1]s"},"steps":[{"n":%[2]d}],"reason":null}],"padding":"%[3]s"}` + "\n\n"},
}

func BenchmarkChunk(b *testing.B) {
	for _, s := range steadyStreams {
		b.Run(s.Name, s.Benchmark)
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	for _, s := range steadyStreams {
		t.Run(s.Name, s.CheckAllocations)
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

// A body of 64 MiB is read in the memory of any other.
func TestLargeBodies(t *testing.T) {
	large := dialecttest.Large{
		Name: "embeddings", Dialect: openai.Embeddings(), ContentType: "application/json",
		Start: []byte(`{"object":"list","data":[`), Part: vectors(),
		End:  []byte(`{}],"model":"e","usage":{"prompt_tokens":7,"total_tokens":7}}`),
		Want: "complete model=e finish= usage=reported in=7",
	}
	t.Run(large.Name, large.Check)
}
