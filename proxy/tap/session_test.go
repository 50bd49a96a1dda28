package tap_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Lines of a dialogue: who says what, how many milliseconds after the line before.
type said struct {
	client bool
	after  int
	text   string
}

func client(after int, text string) said { return said{true, after, text} }
func server(after int, text string) said { return said{false, after, text} }

// Events as the servers send them.
func opened(id string) string {
	return `{"type":"response.created","sequence_number":0,"response":{"id":"` + id + `","status":"in_progress","model":"gpt-x-1"}}`
}

func delta(text string) string {
	return `{"type":"response.output_text.delta","item_id":"m1","output_index":0,"content_index":0,"delta":"` + text + `","sequence_number":2}`
}

func completed(id string, output int) string {
	return fmt.Sprintf(`{"type":"response.completed","sequence_number":9,"response":{"id":%q,"status":"completed","model":"gpt-x-1","usage":{"input_tokens":7,"output_tokens":%d}}}`, id, output)
}

// inLane puts an event into a lane.
func inLane(lane, event string) string {
	return strings.TrimSuffix(event, "}") + `,"stream_id":"` + lane + `"}`
}

const (
	ask         = `{"type":"response.create","model":"gpt-x","input":"Hi"}`
	askAloud    = `{"type":"response.create","response":{"instructions":"Be brief"}}`
	aloudOpened = `{"type":"response.created","event_id":"e1","response":{"id":"r1","object":"realtime.response","status":"in_progress","usage":null}}`
	aloudDelta  = `{"type":"response.output_audio.delta","event_id":"e2","response_id":"r1","item_id":"i1","output_index":0,"content_index":0,"delta":"AAAA"}`
)

func aloudDone(status, details string) string {
	return `{"type":"response.done","event_id":"e9","response":{"id":"r1","status":"` + status + `","status_details":` + details + `,"output":[],"usage":{"input_tokens":7,"output_tokens":2}}}`
}

const (
	closing = "\x03\xe8"
	closes  = "close" // a line that is a closing frame; a code may follow
	falls   = "fall"  // the side is gone without one
)

// dialogue is what both sides say in a session at a path, and the Records of its exchanges.
type dialogue struct {
	name, path string
	lines      []said
	want       []string
}

// sessions are dialogues with OpenAI's APIs.
var sessions = []dialogue{
	{"one answer", "/v1/responses", []said{
		client(0, ask), server(100, opened("r1")), server(50, delta("Hi")), server(20, delta(" you")), server(5, completed("r1", 2))},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=2 event=100ms ttft=150ms last=170ms e2e=175ms"}},
	{"one after the other", "/v1/responses", []said{
		client(0, ask), server(100, opened("r1")), server(10, delta("Hi")), server(1, completed("r1", 1)),
		client(60_000, ask), server(200, opened("r2")), server(10, delta("Hi")), server(1, completed("r2", 1))},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=100ms ttft=110ms last=110ms e2e=111ms",
			"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=200ms ttft=210ms last=210ms e2e=211ms"}},
	{"lanes at once", "/v1/responses", []said{
		client(0, inLane("a", ask)), client(10, inLane("b", ask)),
		server(10, inLane("a", opened("r1"))), server(10, inLane("b", opened("r2"))),
		server(10, inLane("b", delta("B"))), server(10, inLane("a", delta("A"))),
		server(10, inLane("b", completed("r2", 3))), server(10, inLane("a", completed("r1", 5)))},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=3 event=20ms ttft=30ms last=30ms e2e=50ms",
			"ok 200 gpt-x/gpt-x-1 stop in=7 out=5 event=20ms ttft=50ms last=50ms e2e=70ms"}},
	{"a refusal in place of an answer", "/v1/responses", []said{
		client(0, ask), server(30, `{"type":"error","status":429,"error":{"type":"usage_limit_reached","message":"no"}}`)},
		[]string{"refused 429 429 gpt-x/ error event=30ms e2e=30ms"}},
	{"an error inside an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), server(10, `{"type":"error","sequence_number":3,"error":{"type":"server_error","message":"no"}}`)},
		[]string{"stream_error upstream_error_event 200 gpt-x/gpt-x-1 error out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"a warm-up is no exchange", "/v1/responses", []said{
		client(0, `{"type":"response.create","model":"gpt-x","generate":false,"input":[]}`), server(10, opened("r1")), server(10, completed("r1", 0)),
		client(0, ask), server(100, opened("r2")), server(50, delta("Hi")), server(5, completed("r2", 1))},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=100ms ttft=150ms last=150ms e2e=155ms"}},
	{"the type comes last", "/v1/responses", []said{
		client(0, `{"model":"gpt-x","input":"Hi","type":"response.create"}`), server(10, `{"response":{"id":"r1","model":"m"},"type":"response.created"}`),
		server(10, `{"delta":"Hi","output_index":0,"type":"response.output_text.delta"}`),
		server(10, `{"response":{"id":"r1","model":"m","status":"completed","usage":{"input_tokens":7,"output_tokens":1}},"type":"response.completed"}`)},
		[]string{"ok 200 gpt-x/m stop in=7 out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"the client closes in an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), client(10, closes), server(10, closes)},
		[]string{"client_gone canceled 200 gpt-x/gpt-x-1 out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"the client falls in an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), client(10, falls), server(10, falls)},
		[]string{"client_gone canceled 200 gpt-x/gpt-x-1 out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"the client closes behind an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), server(10, completed("r1", 1)), client(10, closes), server(10, closes)},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"the server closes in an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), server(10, closes), client(10, closes)},
		[]string{"upstream_cut stream_truncated 200 gpt-x/gpt-x-1 out=1 event=10ms ttft=20ms last=20ms e2e=30ms"}},
	{"the server says more behind its closing", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, closes), server(0, delta("Hi")), server(10, completed("r1", 1))},
		[]string{"upstream_cut stream_truncated 200 gpt-x/gpt-x-1 event=10ms e2e=20ms"}},
	{"the client asks behind its closing", "/v1/responses", []said{client(0, closes), client(10, ask), server(10, closes)}, nil},
	{"the server closes with an error before an answer", "/v1/responses", []said{client(0, ask), server(30, closes+" 1011")},
		[]string{"http_error 500 500 gpt-x/ e2e=30ms"}},
	{"the server closes for overload before an answer", "/v1/responses", []said{client(0, ask), server(30, closes+" 1013")},
		[]string{"refused 503 503 gpt-x/ e2e=30ms"}},
	{"the server closes for a restart before an answer", "/v1/responses", []said{client(0, ask), server(30, closes+" 1012")},
		[]string{"refused 503 503 gpt-x/ e2e=30ms"}},
	{"the server closes for its policy before an answer", "/v1/responses", []said{client(0, ask), server(30, closes+" 1008")},
		[]string{"http_error 403 403 gpt-x/ e2e=30ms"}},
	{"the server goes away before an answer", "/v1/responses", []said{client(0, ask), server(30, closes+" 1001")},
		[]string{"upstream_cut stream_truncated 0 gpt-x/ e2e=30ms"}},
	{"the server closes with an error in an answer", "/v1/responses", []said{client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), server(30, closes+" 1011")},
		[]string{"stream_error upstream_error_event 200 gpt-x/gpt-x-1 out=1 event=10ms ttft=20ms last=20ms e2e=50ms"}},
	{"the server answers a closing of the client's with an error", "/v1/responses", []said{client(0, ask), server(10, opened("r1")), client(10, closes), server(30, closes+" 1011")},
		[]string{"client_gone canceled 200 gpt-x/gpt-x-1 event=10ms e2e=20ms"}},
	{"the server closes with an error after an answer", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), server(1, completed("r1", 1)), server(30, closes+" 1011")},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=10ms ttft=20ms last=20ms e2e=21ms"}},
	{"a client that gives an answer up", "/v1/responses", []said{
		client(0, ask), server(10, opened("r1")), server(10, delta("Hi")), client(10, `{"type":"response.cancel"}`), server(10, `{"type":"response.cancelled","response":{"id":"r1","status":"cancelled"}}`)},
		[]string{"client_gone canceled 200 gpt-x/gpt-x-1 out=1 event=10ms ttft=20ms last=20ms e2e=40ms"}},
	{"an error that is about no answer", "/v1/realtime?model=m", []said{
		server(0, `{"type":"error","event_id":"e","error":{"type":"invalid_request_error","code":"invalid_event","event_id":null}}`),
		client(0, askAloud), server(100, aloudOpened), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 m/ stop in=7 out=2 event=100ms e2e=105ms"}},
	{"two answers at once, one beside the conversation", "/v1/realtime?model=m", []said{
		client(0, askAloud), server(10, aloudOpened), client(10, `{"type":"response.create","response":{"conversation":"none","instructions":"x"}}`), server(10, strings.Replace(aloudOpened, "r1", "r2", 1)),
		server(10, strings.Replace(aloudDelta, "r1", "r2", 1)), server(10, aloudDelta), server(10, strings.Replace(aloudDone("completed", "null"), "r1", "r2", 1)), server(10, aloudDone("completed", "null"))},
		[]string{"ok 200 m/ stop in=7 out=2 event=10ms ttft=20ms last=20ms e2e=40ms", "ok 200 m/ stop in=7 out=2 event=10ms ttft=50ms last=50ms e2e=70ms"}},
	{"the server falls before an answer", "/v1/responses", []said{client(0, ask), server(40, falls)},
		[]string{"upstream_cut stream_truncated 0 gpt-x/ e2e=40ms"}},
	{"events of no exchange", "/v1/responses", []said{
		server(0, `{"type":"session.created","session":{"id":"s"}}`), server(10, delta("nobody asked")), client(10, `{"type":"response.steer","input":"x"}`),
		client(0, ask), server(10, `{"type":"rate_limits.updated","rate_limits":[]}`), server(90, opened("r1")), server(10, delta("Hi")), server(1, completed("r1", 1))},
		[]string{"ok 200 gpt-x/gpt-x-1 stop in=7 out=1 event=100ms ttft=110ms last=110ms e2e=111ms"}},

	{"Realtime", "/v1/realtime?model=gpt-realtime", []said{
		server(0, `{"type":"session.created","event_id":"e0","session":{"model":"gpt-realtime"}}`), client(5, askAloud),
		server(100, aloudOpened), server(50, aloudDelta), server(20, aloudDelta), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 gpt-realtime/ stop in=7 out=2 event=100ms ttft=150ms last=170ms e2e=175ms"}},
	{"what is left of the rate limits", "/v1/realtime?model=m", []said{
		client(0, askAloud), server(100, aloudOpened),
		server(0, `{"type":"rate_limits.updated","event_id":"event_5758","rate_limits":[{"name":"requests","limit":1000,"remaining":999,"reset_seconds":60},{"name":"tokens","limit":50000,"remaining":49950,"reset_seconds":60.5},{"name":"pages","limit":1}]}`),
		server(50, aloudDelta), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 m/ stop in=7 out=2 event=100ms ttft=150ms last=150ms e2e=155ms requests=999/1000/1m0s tokens=49950/50000/1m0.5s"}},
	{"rate limits that come behind their answer", "/v1/realtime?model=m", []said{
		client(0, askAloud), server(100, aloudOpened), server(5, aloudDone("completed", "null")),
		server(5, `{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":50000,"remaining":49950,"reset_seconds":60},{"name":"requests","limit":10,"remaining":9,"reset_seconds":1}]}`),
		client(20_000, askAloud), server(100, strings.Replace(aloudOpened, "r1", "r2", 1)), server(10, strings.Replace(aloudDone("completed", "null"), "r1", "r2", 1)),
		client(10, askAloud), server(100, strings.Replace(aloudOpened, "r1", "r3", 1)), server(10, strings.Replace(aloudDone("completed", "null"), "r1", "r3", 1))},
		[]string{"ok 200 m/ stop in=7 out=2 event=100ms e2e=105ms", "ok 200 m/ stop in=7 out=2 event=100ms e2e=110ms tokens=49950/50000/40s",
			"ok 200 m/ stop in=7 out=2 event=100ms e2e=110ms"}},
	{"Realtime at Azure", "/openai/realtime?api-version=2025-04-01-preview&deployment=voice", []said{
		client(5, askAloud), server(100, aloudOpened), server(50, aloudDelta), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 voice/ stop in=7 out=2 event=100ms ttft=150ms last=150ms e2e=155ms"}},
	{"the server hears the end of speech", "/v1/realtime?model=m", []said{
		client(0, `{"type":"input_audio_buffer.append","audio":"`+strings.Repeat("A", 3000)+`"}`),
		server(10, `{"type":"input_audio_buffer.speech_started","event_id":"e"}`), server(10, `{"type":"input_audio_buffer.speech_stopped","event_id":"e"}`),
		server(10, `{"type":"input_audio_buffer.committed","event_id":"e"}`), server(40, aloudOpened), server(50, aloudDelta), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 m/ stop in=7 out=2 event=50ms ttft=100ms last=100ms e2e=105ms"}},
	{"a question in place of an answer to speech", "/v1/realtime?model=a%2Fb", []said{
		server(0, `{"type":"input_audio_buffer.committed","event_id":"e"}`), client(10, askAloud), server(10, aloudOpened), server(10, aloudDone("completed", "null")),
		server(500, strings.Replace(aloudOpened, "r1", "r2", 1)), server(10, aloudDelta), server(10, strings.Replace(aloudDone("completed", "null"), "r1", "r2", 1))},
		[]string{"ok 200 a/b/ stop in=7 out=2 event=10ms e2e=20ms", "ok 200 a/b/ stop in=7 out=2 event=1ns ttft=10ms last=10ms e2e=20ms"}},
	{"the user goes on to speak", "/v1/realtime?model=m", []said{
		server(10, `{"type":"input_audio_buffer.speech_stopped","event_id":"e"}`), server(10, `{"type":"input_audio_buffer.speech_started","event_id":"e"}`),
		server(1000, `{"type":"input_audio_buffer.speech_stopped","event_id":"e"}`), server(40, aloudOpened), server(50, aloudDelta), server(5, aloudDone("completed", "null"))},
		[]string{"ok 200 m/ stop in=7 out=2 event=40ms ttft=90ms last=90ms e2e=95ms"}},
	{"the user speaks in between", "/v1/realtime?model=m", []said{
		client(0, askAloud), server(100, aloudOpened), server(50, aloudDelta), server(5, aloudDone("cancelled", `{"type":"cancelled","reason":"turn_detected"}`))},
		[]string{"client_gone canceled 200 m/ in=7 out=2 event=100ms ttft=150ms last=150ms e2e=155ms"}},
	{"a refused question, beside an answer that goes on", "/v1/realtime?model=m", []said{
		client(0, askAloud), server(100, aloudOpened), client(10, `{"type":"response.create","event_id":"mine"}`),
		server(10, `{"type":"error","event_id":"e3","error":{"type":"invalid_request_error","code":"conversation_already_has_active_response","event_id":"mine"}}`),
		server(10, `{"type":"error","event_id":"e4","error":{"type":"invalid_request_error","code":"other","event_id":"another"}}`),
		server(10, aloudDelta), server(10, aloudDone("completed", "null"))},
		[]string{"stream_error upstream_error_event 200 m/ error event=10ms e2e=10ms", "ok 200 m/ stop in=7 out=2 event=100ms ttft=140ms last=140ms e2e=150ms"}},
}

// liveSessions are dialogues with Gemini Live.
var liveSessions = []dialogue{
	{"typed turns", livePath, []said{
		client(0, liveSetup), server(50, `{"setupComplete":{}}`),
		client(10, liveAsk), server(100, liveSays("Hi")), server(50, liveSays(" you")), server(20, `{"serverContent":{"generationComplete":true}}`), server(500, liveEnd(2)),
		client(1000, `{"client_content":{"turns":[{"role":"user","parts":[{"text":"Go on"}]}],"turnComplete":true}}`), server(30, liveSays("Ok")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ stop in=7 out=2 event=100ms ttft=100ms last=150ms e2e=170ms", "ok 200 gemini-live/ stop in=7 out=1 event=30ms ttft=30ms last=30ms e2e=40ms"}},
	{"content that asks for nothing yet", livePath, []said{
		client(0, liveSetup), client(10, `{"clientContent":{"turns":[{"parts":[{"text":"Hi"}]}],"turnComplete":false}}`), client(10, `{"clientContent":{"turnComplete":true}}`),
		server(100, liveSays("Hi")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ stop in=7 out=1 event=100ms ttft=100ms last=100ms e2e=110ms"}},
	{"speech whose end nobody tells", livePath, []said{
		client(0, liveSetup), client(10, `{"realtimeInput":{"audio":{"data":"`+strings.Repeat("A", 3000)+`","mimeType":"audio/pcm"}}}`),
		server(10, `{"serverContent":{"inputTranscription":{"text":"Hi"}}}`), server(90, liveSays("Hi")), server(10, liveSays("!")), server(10, liveEnd(2))},
		[]string{"ok 200 gemini-live/ stop in=7 out=2 event=1ns ttft=1ns last=10ms e2e=20ms"}},
	{"speech whose end the client tells", livePath, []said{
		client(0, liveSetup), client(10, `{"realtimeInput":{"activityStart":{}}}`), client(10, `{"realtimeInput":{"activityEnd":{}}}`), server(90, liveSays("Hi")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ stop in=7 out=1 event=90ms ttft=90ms last=90ms e2e=100ms"}},
	{"speech whose end the server tells", livePath, []said{
		client(0, liveSetup), server(10, `{"voiceActivity":{"voiceActivityType":"ACTIVITY_START"}}`), server(10, `{"voiceActivity":{"voiceActivityType":"ACTIVITY_END"}}`),
		server(70, liveSays("Hi")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ stop in=7 out=1 event=70ms ttft=70ms last=70ms e2e=80ms"}},
	{"sound and its transcript", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(10, `{"serverContent":{"modelTurn":{"role":"model","parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAAA"}}]}}}`),
		server(10, `{"serverContent":{"outputTranscription":{"text":"Hi"}}}`), server(10, liveEnd(9))},
		[]string{"ok 200 gemini-live/ stop in=7 out=9 event=10ms ttft=10ms last=20ms e2e=30ms"}},
	{"the user speaks in between", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(10, liveSays("Hi")), client(10, `{"realtimeInput":{"audio":{"data":"AA"}}}`),
		server(10, `{"serverContent":{"interrupted":true}}`), server(0, liveEnd(1)), server(80, liveSays("Yes?")), server(10, liveEnd(1))},
		[]string{"client_gone canceled 200 gemini-live/ in=7 out=1 event=10ms ttft=10ms last=10ms e2e=30ms", "ok 200 gemini-live/ stop in=7 out=1 event=1ns ttft=1ns last=1ns e2e=10ms"}},
	{"the user types in between", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(10, liveSays("Hi")), client(10, liveAsk),
		server(10, `{"serverContent":{"interrupted":true}}`), server(0, liveEnd(1)), server(80, liveSays("Yes?")), server(10, liveEnd(1))},
		[]string{"client_gone canceled 200 gemini-live/ in=7 out=1 event=10ms ttft=10ms last=10ms e2e=30ms", "ok 200 gemini-live/ stop in=7 out=1 event=90ms ttft=90ms last=90ms e2e=100ms"}},
	{"the user types in between, in one message", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(10, liveSays("Hi")), client(10, liveAsk),
		server(10, `{"serverContent":{"interrupted":true,"turnComplete":true}}`), server(80, liveSays("Yes?")), server(10, liveEnd(1))},
		[]string{"client_gone canceled 200 gemini-live/ out=1 event=10ms ttft=10ms last=10ms e2e=30ms", "ok 200 gemini-live/ stop in=7 out=1 event=90ms ttft=90ms last=90ms e2e=100ms"}},
	{"a word that nothing is interrupted", livePath, []said{
		client(0, liveSetup), server(10, `{"serverContent":{"interrupted":true}}`), server(0, liveEnd(1))}, nil},
	{"a call of a tool", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(50, `{"toolCall":{"functionCalls":[{"id":"f1","name":"weather","args":{"at":"sea"}}]},"usageMetadata":{"promptTokenCount":7,"responseTokenCount":4,"totalTokenCount":11}}`),
		client(3000, `{"tool_response":{"functionResponses":[{"id":"f1","name":"weather","response":{"wind":"none"}}]}}`), server(60, liveSays("Calm")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ tool_calls in=7 out=4 event=50ms ttft=50ms last=50ms e2e=50ms", "ok 200 gemini-live/ stop in=7 out=1 event=60ms ttft=60ms last=60ms e2e=70ms"}},
	{"a result that asks for nothing", livePath, []said{
		client(0, liveSetup), client(0, `{"toolResponse":{"functionResponses":[{"id":"f1","name":"weather","response":{},"scheduling":"SILENT"}]}}`),
		client(10, liveAsk), server(60, liveSays("Calm")), server(10, liveEnd(1))},
		[]string{"ok 200 gemini-live/ stop in=7 out=1 event=60ms ttft=60ms last=60ms e2e=70ms"}},
	{"a filter", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(50, `{"serverContent":{"turnComplete":true,"turnCompleteReason":"PROHIBITED_INPUT_CONTENT"}}`)},
		[]string{"ok 200 gemini-live/ content_filter event=50ms e2e=50ms"}},
	{"what belongs to no turn", livePath, []said{
		client(0, liveSetup), server(10, `{"setupComplete":{"sessionId":"s"}}`), server(10, `{"sessionResumptionUpdate":{"newHandle":"h","resumable":true}}`),
		server(10, liveEnd(1)), server(10, `{"goAway":{"timeLeft":"10s"}}`), server(10, `{"usageMetadata":{"totalTokenCount":5}}`)}, nil},
	{"the server closes in a turn", livePath, []said{
		client(0, liveSetup), client(0, liveAsk), server(50, liveSays("Hi")), server(10, closes), client(10, closes)},
		[]string{"upstream_cut stream_truncated 200 gemini-live/ out=1 event=50ms ttft=50ms last=50ms e2e=60ms"}},
}

// livePath is where Google's SDK for Node opens a session if its base URL ends in a slash.
const livePath = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"

const (
	liveSetup = `{"setup":{"model":"models/gemini-live","generationConfig":{"responseModalities":["TEXT"]}}}`
	liveAsk   = `{"clientContent":{"turns":[{"role":"user","parts":[{"text":"Hi"}]}],"turnComplete":true}}`
)

func liveSays(text string) string {
	return `{"serverContent":{"modelTurn":{"parts":[{"text":"` + text + `"}]}}}`
}

func liveEnd(output int) string {
	return fmt.Sprintf(`{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":7,"responseTokenCount":%d,"totalTokenCount":%d}}`, output, 7+output)
}

// The way in which a dialogue is put into frames and reads.
type spelling struct {
	name       string
	extensions string
	binary     bool
	fragment   int           // bytes of a frame; 0 is all of a message
	most       int           // bytes of a read; 0 is all of a frame
	late       time.Duration // how long bytes lie in the kernel, which stamps them, before each read
}

var spellings = []spelling{
	{name: "plain"},
	{name: "in binary messages", binary: true},
	{name: "byte by byte", most: 1},
	{name: "in pieces", most: 7},
	{name: "in fragments", fragment: 10, most: 300},
	{name: "read late, with stamps", late: 3 * time.Millisecond},
	{name: "deflated", extensions: "permessage-deflate", most: 40},
	{name: "deflated, without takeover", extensions: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15", fragment: 16, most: 1},
}

// However a session comes, its exchanges are the same.
func TestSessions(t *testing.T) {
	for _, c := range slices.Concat(sessions, liveSessions, transcriptions) {
		for _, how := range spellings {
			t.Run(c.name+"/"+how.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					records := speak(t, c.path, c.lines, how)
					opener := records[len(records)-1]
					if opener.Mode != exchange.Upgraded || opener.Dialect != "" || len(opener.Notes) > 0 {
						t.Errorf("the session itself: %+v", opener)
					}
					var got []string
					for _, r := range records[:len(records)-1] {
						got = append(got, describe(&r))
					}
					if !slices.Equal(got, c.want) {
						t.Errorf("\n got %q\nwant %q", got, c.want)
					}
				})
			})
		}
	}
}

// describe renders the Record of an exchange of a session.
func describe(r *exchange.Record) string {
	b := &strings.Builder{}
	fmt.Fprint(b, r.Outcome)
	if r.ErrorType != "" {
		fmt.Fprintf(b, " %s", r.ErrorType)
	}
	fmt.Fprintf(b, " %d %s/%s", r.Status, r.Model.Request, r.Model.Response)
	for _, reason := range r.FinishReasons {
		fmt.Fprintf(b, " %s", reason)
	}
	for _, count := range []struct {
		name string
		exchange.Count
	}{{"in", r.Usage.Input}, {"out", r.Usage.Output}} {
		if count.Known {
			fmt.Fprintf(b, " %s=%d", count.name, count.N)
		}
	}
	for _, time := range []struct {
		name string
		at   time.Duration
	}{{"event", r.Timing.FirstEvent}, {"ttft", r.Timing.FirstToken}, {"last", r.Timing.LastToken}, {"e2e", r.Timing.End}} {
		if time.at > 0 {
			fmt.Fprintf(b, " %s=%v", time.name, time.at)
		}
	}
	for _, l := range r.RateLimits {
		fmt.Fprintf(b, " %s=%d/%d/%v", l.Kind, l.Remaining.N, l.Limit.N, l.Reset)
	}
	if r.Mode != exchange.Explicit || !slices.Contains([]exchange.Operation{"chat", "generate_content", "transcription"}, r.Operation) || r.Provider == "" || !r.Stream || len(r.Notes) > 0 {
		fmt.Fprintf(b, " %s %s %s %t %v", r.Mode, r.Operation, r.Provider, r.Stream, r.Notes)
	}
	return b.String()
}

// askForSession begins the request for a session at a target.
func askForSession(of *tap.Tap, target string) *tap.Exchange {
	path, query, _ := strings.Cut(target, "?")
	x := of.Begin(tap.Request{Method: "GET", Path: path, Query: query, Upstream: model, Read: tap.Now(),
		Header: header("Upgrade", "websocket", "Connection", "Upgrade", "Authorization", "Bearer k")})
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	return x
}

// open begins a session at a target and returns the exchange that opened it.
func open(of *tap.Tap, target, extensions string) *tap.Exchange {
	x := askForSession(of, target)
	fields := []string{"Upgrade", "websocket", "Sec-WebSocket-Accept", "x"}
	if extensions != "" {
		fields = append(fields, "Sec-WebSocket-Extensions", extensions)
	}
	x.ResponseHead(101, header(fields...), tap.Now())
	x.Upgraded()
	return x
}

// speak runs a dialogue through a tap. The Record of the session itself is the last one.
func speak(t *testing.T, path string, lines []said, how spelling) []exchange.Record {
	t.Helper()
	of, told := newTap()
	x := open(of, path, how.extensions)
	from := map[bool]*speaker{true: {masks: true, spelling: how}, false: {spelling: how}}
	time.Sleep(how.late)
	for _, line := range lines {
		time.Sleep(time.Duration(line.after) * time.Millisecond)
		came, now := tap.Now()-tap.Instant(how.late), tap.Now()
		if line.text == falls {
			x.Parted(line.client, came)
			continue
		}
		for _, p := range from[line.client].say(line.text) {
			if line.client {
				x.Sending()
				x.Sent(p, came, now)
			} else {
				x.Arrived(came, now)
				x.Chunk([][]byte{p}, now, now)
			}
		}
	}
	if n := of.InFlight(); len(n) > 0 && slices.ContainsFunc(n, func(f exchange.InFlight) bool { return f.Requests != 0 || f.Streams != 0 }) {
		t.Errorf("in flight at the end: %+v", n)
	}
	x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
	of.Wait()
	return told.records
}

// speaker makes frames of what one side says.
type speaker struct {
	spelling
	masks   bool
	buf     bytes.Buffer
	deflate *flate.Writer
}

// say returns the reads that bring a message.
func (s *speaker) say(text string) [][]byte {
	if code, ok := strings.CutPrefix(text, closes); ok {
		payload := []byte(closing)
		if n, err := strconv.Atoi(strings.TrimSpace(code)); err == nil {
			payload = append(binary.BigEndian.AppendUint16(nil, uint16(n)), "no"...)
		}
		wire := s.frame(0x88, payload)
		if s.most == 0 {
			return [][]byte{wire}
		}
		return dialecttest.Cut(wire, rand.New(rand.NewPCG(1, uint64(len(wire)))), s.most)
	}
	var wire []byte
	first, payload := byte(0x81), []byte(text)
	if s.binary {
		first = 0x82
	}
	if s.extensions != "" {
		first, payload = 0xc1, s.deflated(text)
	}
	for rest := payload; ; first = 0x80 {
		n := len(rest)
		if s.fragment > 0 {
			n = min(n, s.fragment)
		}
		if n == len(rest) {
			wire = append(wire, s.frame(first, rest)...)
			break
		}
		wire = append(wire, s.frame(first&^0x80, rest[:n])...)
		wire = append(wire, s.frame(0x89, []byte("ping"))...) // frames of control may come in between
		rest = rest[n:]
	}
	if s.most == 0 {
		return [][]byte{wire}
	}
	return dialecttest.Cut(wire, rand.New(rand.NewPCG(1, uint64(len(wire)))), s.most)
}

// deflated compresses a message (RFC 7692, section 7.2.1).
func (s *speaker) deflated(text string) []byte {
	s.buf.Reset()
	if s.deflate == nil {
		s.deflate, _ = flate.NewWriter(&s.buf, 6)
	} else if strings.Contains(s.extensions, "no_context_takeover") {
		s.deflate.Reset(&s.buf)
	}
	_, _ = s.deflate.Write([]byte(text))
	_ = s.deflate.Flush()
	return bytes.Clone(bytes.TrimSuffix(s.buf.Bytes(), []byte("\x00\x00\xff\xff")))
}

func (s *speaker) frame(first byte, payload []byte) []byte {
	b := []byte{first}
	bit := byte(0)
	if s.masks {
		bit = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, bit|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, bit|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bit|127), uint64(n))
	}
	mask := []byte{}
	if s.masks {
		mask = []byte{1, 2, 3, 4}
		b = append(b, mask...)
	}
	for i, c := range payload {
		if s.masks {
			c ^= mask[i%4]
		}
		b = append(b, c)
	}
	return b
}
