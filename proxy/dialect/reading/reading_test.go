package reading_test

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// parrot is an API that no server has: what is tested here holds of every API.
func parrot(framing reading.Framing) *reading.API {
	return &reading.API{
		Name:      "parrot",
		Operation: "chat",
		Matches:   func(*dialect.Head) bool { return true },
		Provider:  func(*dialect.Head) string { return "parrots" },
		Single:    true,
		Framing:   framing,
		NewReader: func() reading.Reader { return new(words) },
		Request:   frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream, "loud": askLoud}),
		Response: frame.MustShape(frame.Paths{
			"model": reading.Model,
			"error": reading.Failure,
			"end":   reading.Finish,
			"word":  word,
			"in":    reading.InputTokens,
			"out":   reading.OutputTokens,
			"took":  reading.DecodeMillis,
		}),
	}
}

const (
	askLoud = reading.AskOwn
	word    = reading.Own
)

// words reads the words of a parrot: a loud one says each twice.
type words struct {
	reading.Plain
	loud bool
	word int
}

func (w *words) Ask(v frame.Value) { w.loud = v.Kind == frame.True }

func (w *words) Reset() { w.word = 0 }

func (w *words) Value(_ *reading.Message, v frame.Value) { w.word = v.Len }

func (w *words) EndMessage(m *reading.Message, event []byte) {
	m.AddContent(w.word)
	if w.loud {
		m.AddContent(w.word)
	}
	if string(event) == "bye" {
		m.Last()
	}
}

// binaryMessage is a message of an AWS event stream with one header.
func binaryMessage(key, value, payload string) string {
	h := append([]byte{byte(len(key))}, key...)
	h = append(binary.BigEndian.AppendUint16(append(h, 7), uint16(len(value))), value...)
	m := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)+len(payload)))
	m = binary.BigEndian.AppendUint32(m, uint32(len(h)))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, h...), payload...)
	return string(binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m)))
}

const (
	hello = `{"model":"p","word":"hello","in":3,"out":1}`
	world = `{"word":"world","out":2,"end":"stop"}`
)

var cases = []struct {
	name        string
	framing     reading.Framing
	contentType string
	body        string
	want        string
}{
	{"events", reading.EventsOnly, "text/event-stream", "data: " + hello + "\n\nevent: bye\ndata: " + world + "\n\n",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5"},
	{"events of an API that has another framing", reading.Lines, "text/event-stream", "data: " + hello + "\n\nevent: bye\ndata: " + world + "\n\n",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5"},
	{"lines", reading.Lines, "application/x-ndjson", hello + "\n" + world + "\n",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5 notes=no_done"},
	{"the last line has no end", reading.Lines, "application/jsonl", hello + "\n" + world,
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5 notes=no_done"},
	{"the last line was cut", reading.Lines, "application/x-ndjson", hello + "\n" + world[:20],
		"stream model=p finish= usage=running in=3 out=1 streamed=1 events=1@1 tokens@1-1 1:1/5 notes=unterminated_event"},
	{"lines that the content type does not call so", reading.Lines, "application/json", hello + "\n" + world + "\n",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5 notes=no_done"},
	{"lines of an API that has none", reading.EventsOnly, "application/x-ndjson", hello + "\n" + world + "\n",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5 notes=no_done"},
	{"one document, and text behind it", reading.Lines, "application/json", world + "\nbye",
		"complete failed model= finish=stop usage=reported out=2 notes=invalid_json"},
	{"one document, and a list behind it", reading.EventsOnly, "application/json", world + "\n[]",
		"complete model= finish= usage= notes=invalid_json,not_streamed,body_not_understood"},
	{"elements", reading.Elements, "application/json", "[" + hello + "\n,\r\n" + world + "]",
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5"},
	{"elements without a finish reason", reading.Elements, "application/json", "[" + hello + "] ",
		"stream complete model=p finish= usage=reported in=3 out=1 streamed=1 events=1@1 tokens@1-1 1:1/5 notes=no_finish_reason"},
	{"elements that were cut between two", reading.Elements, "application/json", "[" + hello + ",",
		"stream model=p finish= usage=running in=3 out=1 streamed=1 events=1@1 tokens@1-1 1:1/5"},
	{"elements whose end is missing, though all was said", reading.Elements, "application/json", "[" + hello + "," + world,
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5 notes=no_done"},
	{"an error in place of elements", reading.Elements, "application/json", `{"error":{"code":429}}`,
		"complete failed model= finish= usage="},
	{"an array of an API that has no elements", reading.EventsOnly, "application/json", "[" + hello + "]",
		"complete model= finish= usage= notes=not_streamed,body_not_understood"},
	{"binary messages", reading.Binary, "application/vnd.amazon.eventstream", binaryMessage(":event-type", "word", hello) + binaryMessage(":event-type", "bye", world),
		"stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@1 tokens@1-1 1:1/5 1:1/5"},
	{"a binary message that reports a failure", reading.Binary, "application/vnd.amazon.eventstream",
		binaryMessage(":event-type", "word", hello) + binaryMessage(":message-type", "exception", `{"message":"slow down"}`),
		"stream failed model=p finish= usage=running in=3 out=1 streamed=1 events=2@1 tokens@1-1 1:1/5"},
	{"a binary message that was altered", reading.Binary, "application/vnd.amazon.eventstream",
		strings.Replace(binaryMessage(":event-type", "word", hello), "hello", "hallo", 1) + binaryMessage(":event-type", "bye", world),
		"stream complete model=p finish=stop usage=reported out=2 streamed=2 events=2@1 tokens@1-1 1:2/5 notes=corrupt_message"},
	{"a failure without data, behind the last message", reading.Binary, "application/vnd.amazon.eventstream",
		binaryMessage(":event-type", "bye", world) + binaryMessage(":message-type", "error", ""),
		"stream complete failed model= finish=stop usage=reported out=2 streamed=2 events=2@1 tokens@1-1 1:2/5"},
	{"a failure that was cut", reading.Binary, "application/vnd.amazon.eventstream",
		binaryMessage(":event-type", "word", hello) + binaryMessage(":message-type", "exception", `{"message":"slow down"}`)[:50],
		"stream failed model=p finish= usage=running in=3 out=1 streamed=1 events=1@1 tokens@1-1 1:1/5 notes=unterminated_event"},
	{"lengths that cannot be", reading.Binary, "application/vnd.amazon.eventstream",
		binaryMessage(":event-type", "bye", world) + strings.Repeat("x", 16),
		"stream complete model= finish=stop usage=reported out=2 streamed=2 events=2@1 tokens@1-1 1:2/5 notes=corrupt_message"},
	{"an error in place of binary messages", reading.Binary, "application/json", `{"error":"no such model"}`,
		"complete failed model= finish= usage="},
}

func TestFramings(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Response: dialect.Response{Status: 200, ContentType: c.contentType}}
			ask := [][]byte{[]byte(`{"stream":true}`)}
			want := dialecttest.Decode(parrot(c.framing), h, ask, [][]byte{[]byte(c.body)})
			if got := dialecttest.Describe(want); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			var bytes [][]byte
			for i := range len(c.body) {
				bytes = append(bytes, []byte(c.body[i:i+1]))
			}
			if got := dialecttest.Decode(parrot(c.framing), h, ask, bytes); !reflect.DeepEqual(got, want) {
				t.Errorf("byte by byte\n got %s\nwant %s", dialecttest.Describe(got), dialecttest.Describe(want))
			}
		})
	}
}

// Lines that no type calls so have the times at which they came.
func TestLinesCalledJSONKeepTheirTimes(t *testing.T) {
	h := &dialect.Head{Response: dialect.Response{Status: 200, ContentType: "application/json"}}
	const want = "stream complete model=p finish=stop usage=reported in=3 out=2 streamed=2 events=2@2 tokens@2-4 2:1/5 4:1/5 notes=no_done"
	d := parrot(reading.EventsOnly).NewDecoder(h)
	d.Request([]byte(`{"stream":true}`))
	for i, p := range []string{hello[:9], hello[9:], "\n", world + "\n"} {
		d.Feed([]byte(p), time.Duration(i+1)*time.Millisecond)
	}
	if got := dialecttest.Describe(d.Close()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestAReaderSeesTheRequest(t *testing.T) {
	h := &dialect.Head{Response: dialect.Response{Status: 200, ContentType: "text/event-stream"}}
	r := dialecttest.Decode(parrot(reading.EventsOnly), h, [][]byte{[]byte(`{"loud":true}`)}, [][]byte{[]byte("data: {\"word\":\"hey\"}\n\n")})
	const want = "stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/6"
	if got := dialecttest.Describe(r); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A message that was cut leaves nothing behind for the next.
func TestACutMessageIsForgotten(t *testing.T) {
	h := &dialect.Head{Response: dialect.Response{Status: 200, ContentType: "text/event-stream"}}
	body := "data: {\"word\":\"hello\",\"end\":\"stop\",\"took\":7,\n\ndata: {\"out\":0}\n\n"
	const want = "stream model= finish= usage=running out=0 streamed=0 events=2@1 notes=invalid_json"
	if got := dialecttest.Describe(dialecttest.Decode(parrot(reading.EventsOnly), h, nil, [][]byte{[]byte(body)})); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestReasons(t *testing.T) {
	for text, want := range map[string]reading.Reason{
		"": reading.Unfinished, "stop": reading.Stopped, "end_turn": reading.Stopped, "max_tokens": reading.TooLong,
		"model_context_window_exceeded": reading.TooLong, "tool_use": reading.ToolCalls, "pause_turn": reading.Paused,
		"refusal": reading.Filtered, "abort": reading.Erred, "tired": reading.OtherReason,
	} {
		if got := reading.ReasonOf([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
