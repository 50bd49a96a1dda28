package tap_test

import "strings"

// transcriptions are dialogues in sessions that transcribe.
var transcriptions = []dialogue{
	{"one stretch of speech", scribePath, []said{
		server(0, `{"type":"session.created","session":{"type":"transcription","audio":{"input":{"transcription":null}}}}`),
		client(5, `{"type":"session.update","session":{"type":"transcription","audio":{"input":{"transcription":{"model":"scribe"}}}}}`),
		client(0, `{"type":"input_audio_buffer.append","audio":"`+strings.Repeat("A", 3000)+`"}`),
		server(10, heard("speech_started", "i1")), server(900, heard("speech_stopped", "i1")), server(10, heard("committed", "i1")),
		server(40, writes("i1", "Hi")), server(50, writes("i1", " you")), server(5, written("i1", inTokens))},
		[]string{"ok 200 scribe/ stop in=7 out=2 event=50ms ttft=50ms last=100ms e2e=105ms"}},
	{"several at once, which end in any order", scribePath, []said{
		client(0, `{"type":"transcription_session.update","session":{"input_audio_transcription":{"model":"scribe"}}}`),
		server(0, heard("committed", "i1")), server(10, heard("speech_stopped", "i2")), server(1, heard("committed", "i2")),
		server(9, writes("i2", "B")), server(10, writes("i1", "A")), server(10, written("i2", inTokens)), server(10, written("i1", inTokens))},
		[]string{"ok 200 scribe/ stop in=7 out=2 event=10ms ttft=10ms last=10ms e2e=30ms", "ok 200 scribe/ stop in=7 out=2 event=30ms ttft=30ms last=30ms e2e=50ms"}},
	{"text that comes while the user speaks", scribePath, []said{
		server(0, writes("i1", "Hi")), server(500, writes("i1", " you")), server(10, heard("speech_stopped", "i1")), server(0, heard("committed", "i1")),
		server(30, written("i1", inTokens)),
		client(1000, `{"type":"input_audio_buffer.commit"}`), server(5, heard("committed", "i2")), server(40, writes("i2", "B")), server(5, written("i2", inTokens))},
		[]string{"ok 200 / stop in=7 out=2 event=1ns ttft=1ns last=500ms e2e=540ms", "ok 200 / stop in=7 out=2 event=40ms ttft=40ms last=40ms e2e=45ms"}},
	{"usage in seconds", scribePath, []said{
		server(0, heard("committed", "i1")), server(40, writes("i1", "Hi you")), server(5, written("i1", `{"type":"duration","seconds":2.5}`))},
		[]string{"ok 200 / stop event=40ms ttft=40ms last=40ms e2e=45ms explicit transcription openai true [usage_in_seconds]"}},
	{"speech that cannot be transcribed", scribePath, []said{
		server(0, heard("committed", "i1")), server(0, `{"type":"error","error":{"type":"invalid_request_error","event_id":null}}`),
		server(40, `{"type":"conversation.item.input_audio_transcription.failed","item_id":"i1","content_index":0,"error":{"code":"audio_unintelligible","message":"no"}}`)},
		[]string{"stream_error upstream_error_event 200 / error event=40ms e2e=40ms"}},
	{"an item that the server does not name", scribePath, []said{
		server(0, `{"type":"input_audio_buffer.committed"}`), server(40, strings.Replace(writes("i1", "Hi"), `"item_id":"i1",`, "", 1)),
		server(5, strings.Replace(written("i1", inTokens), `"item_id":"i1",`, "", 1))},
		[]string{"ok 200 / stop in=7 out=2 event=40ms ttft=40ms last=40ms e2e=45ms"}},
	{"the client leaves in a transcript", scribePath, []said{
		server(0, heard("committed", "i1")), server(40, writes("i1", "Hi")), client(10, closes), server(10, closes)},
		[]string{"client_gone canceled 200 / out=1 event=40ms ttft=40ms last=40ms e2e=50ms"}},
	{"a session of Realtime that the client makes one that transcribes", aloudPath, []said{
		server(0, `{"type":"session.created","session":{"type":"realtime","model":"gpt-realtime-1"}}`),
		client(5, `{"type":"session.update","session":{"type":"transcription","audio":{"input":{"transcription":{"model":"scribe"}}}}}`),
		client(0, `{"type":"input_audio_buffer.append","audio":"AAAA"}`),
		server(10, heard("committed", "i1")), server(40, writes("i1", "Hi")), server(5, written("i1", inTokens))},
		[]string{"ok 200 scribe/ stop in=7 out=2 event=40ms ttft=40ms last=40ms e2e=45ms"}},
	{"a session of Realtime that the beta makes one that transcribes", aloudPath, []said{
		client(5, `{"session":{"input_audio_transcription":{"model":"scribe"}},"type":"transcription_session.update"}`),
		server(5, `{"type":"transcription_session.updated","session":{"input_audio_transcription":{"model":"scribe"}}}`),
		server(10, heard("committed", "i1")), server(40, writes("i1", "Hi")), server(5, written("i1", inTokens))},
		[]string{"ok 200 scribe/ stop in=7 out=2 event=40ms ttft=40ms last=40ms e2e=45ms"}},
	{"a session that transcribes by the server's word alone", aloudPath, []said{
		server(0, `{"type":"session.created","session":{"audio":{"input":{"transcription":{"model":"scribe"}}},"object":"realtime.transcription_session"}}`),
		server(10, heard("speech_stopped", "i1")), server(1, heard("committed", "i1")), server(40, writes("i1", "Hi")), server(5, written("i1", inTokens))},
		[]string{"ok 200 scribe/ stop in=7 out=2 event=41ms ttft=41ms last=41ms e2e=46ms"}},
	{"a session of Realtime that shows what it heard", aloudPath, []said{
		client(0, `{"type":"session.update","session":{"type":"realtime","model":"gpt-wish","audio":{"input":{"transcription":{"model":"scribe"}}}}}`),
		server(5, `{"type":"session.updated","session":{"type":"realtime","model":"gpt-realtime-1","audio":{"input":{"transcription":{"model":"scribe"}}}}}`),
		server(10, heard("speech_stopped", "i1")), server(1, heard("committed", "i1")), server(40, writes("i1", "Hi")),
		server(5, opened("r1")), server(5, delta("Yes")), server(5, written("i1", inTokens)), server(5, completed("r1", 1))},
		[]string{"ok 200 gpt-realtime/gpt-x-1 stop in=7 out=1 event=46ms ttft=51ms last=51ms e2e=61ms"}},
	{"an answer under way when the session is to transcribe", aloudPath, []said{
		server(0, heard("committed", "i1")), server(5, opened("r1")),
		client(0, `{"type":"session.update","session":{"type":"transcription"}}`), server(5, delta("Yes")), server(5, completed("r1", 1))},
		[]string{"ok 200 gpt-realtime/gpt-x-1 stop in=7 out=1 event=5ms ttft=10ms last=10ms e2e=15ms"}},
	{"the server falls before a transcript", scribePath, []said{
		server(0, heard("committed", "i1")), server(40, falls)}, []string{"upstream_cut stream_truncated 0 / e2e=40ms"}},
}

// scribePath opens a session that transcribes, and aloudPath one that answers aloud.
const (
	scribePath = "/v1/realtime?intent=transcription"
	aloudPath  = "/v1/realtime?model=gpt-realtime"
)

const inTokens = `{"type":"tokens","total_tokens":9,"input_tokens":7,"input_token_details":{"text_tokens":0,"audio_tokens":7},"output_tokens":2}`

// heard is what a server tells of the speech that becomes an item.
func heard(event, item string) string {
	return `{"type":"input_audio_buffer.` + event + `","event_id":"e","item_id":"` + item + `"}`
}

func writes(item, text string) string {
	return `{"type":"conversation.item.input_audio_transcription.delta","event_id":"e","item_id":"` + item + `","content_index":0,"delta":"` + text + `"}`
}

func written(item, usage string) string {
	return `{"type":"conversation.item.input_audio_transcription.completed","event_id":"e","item_id":"` + item + `","content_index":0,"transcript":"Hi you","usage":` + usage + `}`
}
