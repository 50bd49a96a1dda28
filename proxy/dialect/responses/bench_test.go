package responses_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "text", Dialect: responses.HTTP(), Event: "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","item_id":"msg_68f1",` +
		`"output_index":1,"content_index":0,"delta":"%[1]s","logprobs":[],"sequence_number":%[2]d,"obfuscation":"%[3]s"}` + "\n\n"},
	{Name: "tool call", Dialect: responses.HTTP(), Event: "event: response.function_call_arguments.delta\n" + `data: {"type":"response.function_call_arguments.delta",` +
		`"item_id":"fc_68f1","output_index":1,"delta":"%[1]s","sequence_number":%[2]d}` + "\n\n"},
	{Name: "unknown event", Dialect: responses.HTTP(), Unknown: true, Event: "event: response.some_tool.hint\n" + `data: {"type":"response.some_tool.hint","item_id":"msg_68f1",` +
		`"output_index":1,"hint":{"phase":{"name":"%[1]s"},"steps":[{"n":1}]},"sequence_number":%[2]d,"obfuscation":"%[3]s"}` + "\n\n"},
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

// An event of 64 MiB is read in the memory of any other.
func TestLargeEvents(t *testing.T) {
	text := bytes.Repeat([]byte(`all of the text, with a \" and \n in it. `), 1000)
	for _, large := range []dialecttest.Large{
		{Name: "an event", Dialect: responses.HTTP(), ContentType: "text/event-stream",
			Start: []byte("data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"message\",\"content\":[{\"text\":\""), Part: text,
			End:  []byte("\"}]}],\"status\":\"completed\",\"model\":\"m\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}}\n\n"),
			Want: "stream complete model=m finish=stop usage=reported in=7 out=3 streamed=3 events=1@1 tokens@1-1 1:3/63804000"},
		{Name: "a delta", Dialect: responses.HTTP(), ContentType: "text/event-stream",
			Start: []byte("data: {\"type\":\"response.output_text.delta\",\"delta\":\""), Part: text, End: []byte("\"}\n\n"),
			Want: fmt.Sprintf("stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/%d", 64<<20/len(text)*(len(text)-2*1000))},
	} {
		t.Run(large.Name, large.Check)
	}
}
