package frame_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readWrapped returns the unwrapped events of a stream that comes in pieces.
func readWrapped(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewEventStream(frame.NewWrapped(e)), pieces)
}

// wrapped returns a message whose payload wraps data, with padding behind it.
func wrapped(data string) string {
	return encoded(`{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(data))+`","p":"abcdef"}`, ":event-type", "chunk")
}

var long = strings.Repeat("all that was said ", 1000)

var wrappedCases = []streamCase{
	{"data", wrapped(`{"a":1}`), []event{{name: "chunk", data: `{"a":1}`}}},
	{"data of every length", wrapped("a") + wrapped("ab") + wrapped("abc"), []event{{name: "chunk", data: "a"}, {name: "chunk", data: "ab"}, {name: "chunk", data: "abc"}}},
	{"long data", wrapped(long), []event{{name: "chunk", data: long}}},
	{"escaped slashes", encoded(`{"bytes":"\/\/79"}`), []event{{data: "\xff\xfe\xfd"}}},
	{"an exception", encoded(`{"message":"slow down"}`, ":message-type", "exception", ":exception-type", "throttlingException"), []event{{name: "throttlingException", failed: true}}},
	{"an event without data", encoded(`{"p":"x"}`), []event{{}}},
	{"no base64", encoded(`{"bytes":"YWJj!!!!"}`) + wrapped("b"), []event{{data: "abc"}, {name: "chunk", data: "b"}}},
	{"no base64 in the middle", encoded(`{"bytes":"YWJj!!!!YWJj"}`), []event{{data: "abc"}}},
	{"a group that is none, before others", encoded(`{"bytes":"YW\u008ecYWJjYWJjYWJj"}`), []event{{}}},
	{"padding in the middle", encoded(`{"bytes":"YWJjYQ==YWJj"}`), []event{{data: "abca"}}},
	{"a line end in the middle", encoded(`{"bytes":"YWJjYW\nJjYWJj"}`), []event{{data: "abc"}}},
	{"two members of data", encoded(`{"bytes":"YWJj!!!!","bytes":"YWJj"}`), []event{{data: "abcabc"}}},
	{"cut in the middle of a group", encoded(`{"bytes":"YWJjZG"}`) + wrapped("b"), []event{{data: "abc"}, {name: "chunk", data: "b"}}},
	{"no JSON", encoded(`bytes`) + wrapped("b"), []event{{}, {name: "chunk", data: "b"}}},
	{"cut", wrapped("abc")[:60], []event{{name: "chunk", data: "abc", unterminated: true}}},
}

func TestWrapped(t *testing.T) { checkStreams(t, readWrapped, wrappedCases) }
