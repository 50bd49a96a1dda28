package frame_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// chunks returns the events of a stream of chat completions. They differ in their content
// only.
func chunks() (docs [][]byte) {
	for _, text := range []string{" the", " quick", "\\n", " brown", " fox", " jumps over", "\\\"", " lazy"} {
		docs = append(docs, fmt.Appendf(nil, `{"id":"chatcmpl-BxQ3yZ0dJ5m8sPpD2vH1kKq7tUw4e","object":"chat.completion.chunk",`+
			`"created":1763718000,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_34a54ae93c","choices":`+
			`[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}],"usage":null}`, text))
	}
	return docs
}

var chunkShape = frame.MustShape(frame.Paths{
	"model": 1, "choices.[]": 2, "choices.[].index": 3, "choices.[].delta": 4, "choices.[].delta.content": 5,
	"choices.[].delta.reasoning": 6, "choices.[].finish_reason": 7, "usage.prompt_tokens": 8,
	"usage.completion_tokens": 9, "error": 10,
})

// sum is a sink that does as little as a sink can.
type sum struct{ n int }

func (s *sum) Value(v frame.Value) { s.n += v.Len }
func (s *sum) Data(p []byte)       { s.n += len(p) }
func (s *sum) Event(frame.Event)   { s.n++ }

func BenchmarkJSON(b *testing.B) {
	j := frame.NewJSON(chunkShape, &sum{})
	benchmarkJSON(b, &j)
}

func BenchmarkJSONRepeating(b *testing.B) {
	j := frame.NewJSON(chunkShape, &sum{})
	j.Repeating()
	benchmarkJSON(b, &j)
}

func benchmarkJSON(b *testing.B, j *frame.JSON) {
	docs := chunks()
	b.SetBytes(int64(len(docs[0])))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		j.Restart()
		j.Feed(docs[i%len(docs)])
		if !j.Whole() {
			b.Fatal("document not whole")
		}
		i++
	}
}

// BenchmarkJSONOfBrackets is a document of nothing but brackets, which no server sends and
// a hostile one may.
func BenchmarkJSONOfBrackets(b *testing.B) {
	j := frame.NewJSON(chunkShape, &sum{})
	p := bytes.Repeat([]byte("["), 16<<10)
	j.Feed([]byte(`{"x":`))
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		j.Feed(p)
	}
}

func BenchmarkSSE(b *testing.B) {
	event := fmt.Appendf(nil, "data: %s\n\n", chunks()[0])
	r := frame.NewSSE(&sum{})
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		r.Feed(event)
	}
}

func TestReadersAllocateNothing(t *testing.T) {
	docs := chunks()
	start, end := []byte("data: \ndata: "), []byte("\n\n")
	s := frame.NewSSE(&sum{})
	plain := frame.NewJSON(chunkShape, &sum{})
	repeating := frame.NewJSON(chunkShape, &sum{})
	repeating.Repeating()
	for name, read := range map[string]func(doc []byte){
		"SSE":             func(doc []byte) { s.Feed(start); s.Feed(doc); s.Feed(end) },
		"JSON":            func(doc []byte) { plain.Restart(); plain.Feed(doc[:150]); plain.Feed(doc[150:]) },
		"JSON, repeating": func(doc []byte) { repeating.Restart(); repeating.Feed(doc) },
	} {
		i := 0
		if n := testing.AllocsPerRun(1000, func() { read(docs[i%len(docs)]); i++ }); n != 0 {
			t.Errorf("%s: %v allocations a document, want 0", name, n)
		}
	}
}
