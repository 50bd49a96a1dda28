package frame_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readParts returns the events of a body in parts.
func readParts(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewParts(e), pieces)
}

// part returns a message with a part of a body.
func part(body string) string { return encoded(body, ":event-type", "PayloadPart") }

var partsCases = []streamCase{
	{"server-sent events, cut anywhere", part("da") + part("ta:{\"a\"") + part(":1}\n") + part("\ndata:b\n\n"), []event{{data: `{"a":1}`}, {data: "b"}}},
	{"lines, cut anywhere", part("{\"a\":") + part("1}\n{\"b\":2}") + part("\n"), []event{{data: `{"a":1}`}, {data: `{"b":2}`}}},
	{"the last line has no end", part(`{"a":1}`), []event{{data: `{"a":1}`, unterminated: true}}},
	{"whitespace ahead", part("\n") + part("\n data") + part(": x\n\n"), []event{{data: "x"}}},
	{"a failure", part("data:a\n\n") + encoded("", ":message-type", "exception", ":exception-type", "ModelStreamError"), []event{{data: "a"}, {name: "ModelStreamError", failed: true}}},
	{"nothing", "", nil},
}

func TestParts(t *testing.T) { checkStreams(t, readParts, partsCases) }
