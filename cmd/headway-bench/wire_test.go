package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestResponseIsReadAlikeInPiecesOfAnySize(t *testing.T) {
	tests := []struct{ name, wire, body string }{
		{"content length", "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world", "hello world"},
		{"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n006;a=b\r\n world\r\n0\r\n\r\n", "hello world"},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nB\r\nhello world\r\n0\r\nx: y\r\n\r\n", "hello world"},
	}
	for _, test := range tests {
		for size := 1; size <= len(test.wire); size++ {
			var body []byte
			r := response{onBody: func(p []byte) error { body = append(body, p...); return nil }}
			for at := 0; at < len(test.wire); at += size {
				rest, err := r.feed([]byte(test.wire[at:min(at+size, len(test.wire))]))
				if err != nil || len(rest) > 0 {
					t.Fatalf("%s in pieces of %d: rest %q, error %v", test.name, size, rest, err)
				}
			}
			if r.state != ended || string(body) != test.body {
				t.Fatalf("%s in pieces of %d: body %q, state %d", test.name, size, body, r.state)
			}
		}
	}
}

func TestResponseReturnsTheBytesBehindItsEnd(t *testing.T) {
	r := response{onBody: func([]byte) error { return nil }}
	rest, err := r.feed([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nHTTP/1.1"))
	if err != nil || string(rest) != "HTTP/1.1" {
		t.Errorf("rest %q, error %v", rest, err)
	}
}

func TestResponseRefusesMalformedAnswers(t *testing.T) {
	tests := []struct{ name, wire string }{
		{"another status", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"},
		{"body without length", "HTTP/1.1 200 OK\r\n\r\n"},
		{"chunk size without digits", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
		{"empty chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"},
		{"endless chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 16) + "\r\n"},
		{"chunk longer than its size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"},
		{"length without digits", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := response{onBody: func([]byte) error { return nil }}
			if _, err := r.feed([]byte(test.wire)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestHeadOfARequest(t *testing.T) {
	request := appendRequest(nil, "/pass", 8080, 3, 4, "200 20000000 0")
	h, size, err := cutHead(request)
	if err != nil {
		t.Fatal(err)
	}
	if h.startLine != "POST /pass/v1/chat/completions HTTP/1.1" || h.bench != "200 20000000 0" {
		t.Errorf("got %+v", h)
	}
	if int(h.contentLength) != len(request)-size {
		t.Errorf("Content-Length %d, body %d", h.contentLength, len(request)-size)
	}
	if body := len(request) - size; body < 900 || body > 1100 {
		t.Errorf("body is %d bytes, want about 1 KB", body)
	}
	if _, size, err := cutHead(request[:40]); size != 0 || err != nil {
		t.Errorf("unfinished head: size %d, error %v", size, err)
	}
}

func TestSplitterFindsEventsInPiecesOfAnySize(t *testing.T) {
	events := wholeStream(4)
	body := bytes.Join(events, nil)
	for size := 1; size <= len(body); size++ {
		var s splitter
		var got [][]byte
		for at := 0; at < len(body); at += size {
			err := s.feed(body[at:min(at+size, len(body))], func(event []byte) error {
				got = append(got, bytes.Clone(event))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != len(events) || !bytes.Equal(bytes.Join(got, nil), body) {
			t.Fatalf("pieces of %d: %d events, want %d", size, len(got), len(events))
		}
	}
}
