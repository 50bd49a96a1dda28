package realtime_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
)

// steadyStreams are the middles of answers and of transcripts.
var steadyStreams = []dialecttest.Steady{
	{Name: "sound", Dialect: realtime.Realtime(), Form: ".seq", Event: `{"type":"response.output_audio.delta","event_id":"event_%[2]d",` +
		`"response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"%[3]s"}`},
	{Name: "transcription", Dialect: realtime.Transcription(), Form: ".seq", Event: `{"type":"conversation.item.input_audio_transcription.delta",` +
		`"event_id":"event_%[2]d","item_id":"item_1","content_index":0,"delta":"%[1]s"}`},
	{Name: "unknown event", Dialect: realtime.Realtime(), Form: ".seq", Unknown: true, Event: `{"type":"response.some_tool.hint","event_id":"event_%[2]d",` +
		`"response_id":"resp_1","item_id":"item_1","output_index":0,"hint":{"phase":{"name":"%[1]s"},"steps":[{"n":1}]}}`},
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
