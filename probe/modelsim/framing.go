package modelsim

import (
	"bytes"
	"encoding/json"
)

// event is one message of a stream, before it is framed.
type event struct {
	// name is the event line of a server-sent event and the type of a message in an AWS event stream.
	// Framings without names ignore it.
	name string
	// failed marks a message of an AWS event stream that is an exception, whose type is the name.
	failed bool
	data   []byte
}

// framing is the way in which the events of a stream follow each other.
type framing interface {
	contentType() string
	// frame appends the n-th event; the first is 0.
	frame(dst []byte, n int, e event) []byte
	// end is what follows n events at the end of a stream. It is empty where nothing does.
	end(n int) string
}

// sse is the framing of server-sent events.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
type sse struct{}

func (sse) contentType() string { return "text/event-stream; charset=utf-8" }

func (sse) frame(dst []byte, _ int, e event) []byte {
	if e.name != "" {
		dst = append(append(append(dst, "event: "...), e.name...), '\n')
	}
	dst = append(append(dst, "data: "...), e.data...)
	return append(dst, "\n\n"...)
}

func (sse) end(int) string { return "" }

// sseCRLF is sse with the line ends of Google's API and without names.
type sseCRLF struct{ sse }

func (sseCRLF) frame(dst []byte, _ int, e event) []byte {
	dst = append(append(dst, "data: "...), e.data...)
	return append(dst, "\r\n\r\n"...)
}

// ndjson has a JSON value a line.
type ndjson struct{}

func (ndjson) contentType() string { return "application/x-ndjson" }

func (ndjson) frame(dst []byte, _ int, e event) []byte {
	return append(append(dst, e.data...), '\n')
}

func (ndjson) end(int) string { return "" }

// jsonArray has the events as the elements of one JSON array, indented like those of Google's API.
type jsonArray struct{}

func (jsonArray) contentType() string { return "application/json; charset=UTF-8" }

func (jsonArray) frame(dst []byte, n int, e event) []byte {
	separator := ",\r\n"
	if n == 0 {
		separator = "["
	}
	dst = append(dst, separator...)
	var indented bytes.Buffer
	if json.Indent(&indented, e.data, "", "  ") != nil {
		return append(dst, e.data...) // garbage stays as it is
	}
	return append(dst, indented.Bytes()...)
}

func (jsonArray) end(n int) string {
	if n == 0 {
		return "[]"
	}
	return "\n]"
}
