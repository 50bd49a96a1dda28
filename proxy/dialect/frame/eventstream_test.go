package frame_test

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readEventStream returns the events of a stream that comes in pieces.
func readEventStream(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewEventStream(e), pieces)
}

// encoded returns a message of an AWS event stream. Its headers are strings; names and
// values take turns.
func encoded(payload string, headers ...string) string {
	var h []byte
	for i := 0; i < len(headers); i += 2 {
		h = append(append(h, byte(len(headers[i]))), headers[i]...)
		h = append(binary.BigEndian.AppendUint16(append(h, 7), uint16(len(headers[i+1]))), headers[i+1]...)
	}
	return framed(h, payload)
}

// framed returns a message with these headers and payload, and the right lengths and
// checksums.
func framed(headers []byte, payload string) string {
	m := binary.BigEndian.AppendUint32(nil, uint32(12+len(headers)+len(payload)+4))
	m = binary.BigEndian.AppendUint32(m, uint32(len(headers)))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, headers...), payload...)
	return string(binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m)))
}

// fromHex returns the message with these bytes.
func fromHex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// The first two cases are test vectors of the AWS SDKs.
var eventStreamCases = []streamCase{
	{"no headers", fromHex("0000001d 00000000 fd528c5a 7b27666f6f273a27626172277d c3653936"), []event{{data: "{'foo':'bar'}"}}},
	{"an empty message", fromHex("00000010 00000000 05c248eb 7d98c8ff"), nil},
	{"an event has the name of its type", encoded("{}", ":message-type", "event", ":event-type", "contentBlockDelta", ":content-type", "application/json"),
		[]event{{name: "contentBlockDelta", data: "{}"}}},
	{"one message after another", encoded("a", ":event-type", "x") + encoded("b") + encoded("c", ":event-type", "y"),
		[]event{{name: "x", data: "a"}, {data: "b"}, {name: "y", data: "c"}}},
	{"an exception", encoded(`{"message":"slow down"}`, ":message-type", "exception", ":exception-type", "throttlingException"),
		[]event{{name: "throttlingException", data: `{"message":"slow down"}`, failed: true}}},
	{"an error without a payload", encoded("", ":error-code", "InternalError", ":message-type", "error"),
		[]event{{name: "InternalError", failed: true}}},
	{"headers of other types", framed([]byte("\x01a\x00\x01b\x01\x01c\x02.\x01d\x03..\x01e\x04....\x01f\x05........\x01g\x06\x00\x02..\x01h\x08........\x01i\x09................"+
		"\x0b:event-type\x07\x00\x01x"), "p"), []event{{name: "x", data: "p"}}},
	{"a long name is cut", encoded("p", ":event-type", strings.Repeat("n", 100)), []event{{name: strings.Repeat("n", 64), data: "p"}}},
	{"a long key that begins like one that matters", encoded("p", ":event-type-and-more", "x"), []event{{data: "p"}}},
	{"an empty header value", encoded("p", ":event-type", "", "x", "y"), []event{{data: "p"}}},
	{"an altered payload", strings.Replace(encoded("payload", ":event-type", "x"), "payload", "paYload", 1) + encoded("b"),
		[]event{{name: "x", data: "paYload", corrupt: true}, {data: "b"}}},
	{"altered lengths", "\x00\x00\x00\x20" + encoded("p")[4:] + encoded("b"), []event{{corrupt: true}}},
	{"impossible lengths", framedLengths(1<<30, 0), []event{{corrupt: true}}},
	{"more headers than message", framedLengths(20, 8), []event{{corrupt: true}}},
	{"cut in the payload", encoded("payload")[:16], []event{{data: "payl", unterminated: true}}},
	{"cut in the checksum", encoded("p", ":event-type", "x")[:len(encoded("p", ":event-type", "x"))-1], []event{{name: "x", data: "p", unterminated: true}}},
	{"cut between two messages", encoded("p"), []event{{data: "p"}}},
	{"nothing", "", nil},
}

// framedLengths returns a prelude with these lengths and the right checksum.
func framedLengths(total, headers uint32) string {
	m := binary.BigEndian.AppendUint32(nil, total)
	m = binary.BigEndian.AppendUint32(m, headers)
	return string(binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))) + strings.Repeat("x", 64)
}

func TestEventStream(t *testing.T) { checkStreams(t, readEventStream, eventStreamCases) }

func FuzzEventStream(f *testing.F) {
	for _, c := range eventStreamCases {
		f.Add([]byte(c.in), []byte("headers"), uint64(len(c.in)))
	}
	f.Fuzz(func(t *testing.T, in, headers []byte, seed uint64) {
		checkCuts(t, readEventStream, in, readEventStream(in), seed)
		// Whatever the headers of a message with right checksums, the reader finds the next one.
		headers = headers[:min(len(headers), 1000)]
		whole := []byte(framed(headers, "p") + encoded("b"))
		got := readEventStream(whole)
		if n := len(got); n != 2 || got[0].data != "p" || got[1] != (event{data: "b"}) {
			t.Fatalf("headers %q: %v", headers, got)
		}
		checkCuts(t, readEventStream, whole, got, seed)
	})
}
