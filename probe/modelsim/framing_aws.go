package modelsim

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// eventStream is an AWS event stream whose messages have JSON payloads, as ConverseStream sends it.
// https://smithy.io/2.0/aws/amazon-eventstream.html
type eventStream struct{}

func (eventStream) contentType() string { return "application/vnd.amazon.eventstream" }

func (eventStream) frame(dst []byte, _ int, e event) []byte {
	kind := "event"
	if e.failed {
		kind = "exception"
	}
	return appendMessage(dst, [][2]string{
		{":" + kind + "-type", e.name}, {":content-type", "application/json"}, {":message-type", kind},
	}, e.data)
}

func (eventStream) end(int) string { return "" }

// invokeStream is an AWS event stream that carries the events of another API: each is the base64 of a
// chunk's bytes. The names of the events stand in their data, if anywhere.
type invokeStream struct{ eventStream }

func (s invokeStream) frame(dst []byte, n int, e event) []byte {
	if e.failed {
		return s.eventStream.frame(dst, n, e)
	}
	data := base64.StdEncoding.AppendEncode([]byte(`{"bytes":"`), e.data)
	return s.eventStream.frame(dst, n, event{name: "chunk", data: append(data, `"}`...)})
}

// appendMessage appends one message of an AWS event stream: two lengths and their CRC, headers of type
// string, the payload and the CRC of all.
func appendMessage(dst []byte, headers [][2]string, payload []byte) []byte {
	const stringType, fixed = 7, 4 + 4 + 4 + 4
	start, size := len(dst), 0
	for _, h := range headers {
		size += 1 + len(h[0]) + 1 + 2 + len(h[1])
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(fixed+size+len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
	for _, h := range headers {
		dst = append(append(dst, byte(len(h[0]))), h[0]...)
		dst = binary.BigEndian.AppendUint16(append(dst, stringType), uint16(len(h[1])))
		dst = append(dst, h[1]...)
	}
	dst = append(dst, payload...)
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[start:]))
}
