package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// upstream is the model server of the benchmark: HTTP/1.1 with keep-alive on loopback, on one thread. It
// answers a request with an X-Bench header by a stream with the pace in the header, and any other
// request by a plain JSON completion. POST /bench/finish makes it end all streams early, each complete.
// Between POST /bench/writes/begin and POST /bench/writes/end it notes how long its writes take.
// It serves the same over TLS on another port. On the first port a connection may begin with
// rawPreface.
type upstream struct {
	poller  *poller
	pacer   pacer
	streams uint32
	scratch []byte  // the bytes of one write
	event   []byte  // one event, without its chunk framing
	answer  []byte  // the plain completion, head included
	writes  *writes // of content events; nil while nobody wants to know them
}

// rawPreface is the first byte of a connection that a proxy must not read as HTTP.
const rawPreface = "\x00"

const (
	streamHead = "HTTP/1.1 200 OK\r\nDate: Fri, 21 Nov 2025 10:00:00 GMT\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
		"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nopenai-processing-ms: 42\r\nx-request-id: req_5f3c9a1be0d24c7f\r\n" +
		"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 149999788\r\nX-Bench-Received: "
	answerHead = "HTTP/1.1 200 OK\r\nDate: Fri, 21 Nov 2025 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
		"Connection: keep-alive\r\nopenai-processing-ms: 42\r\nx-request-id: req_5f3c9a1be0d24c7f\r\n" +
		"x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 149999788\r\nContent-Length: %d\r\n\r\n%s"
	// answerBody has about 1 KB with its text.
	answerBody = `{"id":"chatcmpl-00000001","object":"chat.completion","created":1763719200,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,` +
		`"message":{"role":"assistant","content":"%s","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":212,"completion_tokens":128,"total_tokens":340,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},` +
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},` +
		`"service_tier":"default","system_fingerprint":"fp_560af6e5"}`
)

// serveUpstream runs until standard input closes, so that it ends with the process that started it. First
// it prints its port and its port for TLS on one line. args is the path of the file into which it writes the
// certificate by which clients can verify it.
func serveUpstream(args []string) error {
	if len(args) != 1 {
		return errors.New("want the file for the certificate")
	}
	runtime.LockOSThread()
	u, port, err := newUpstream()
	if err != nil {
		return err
	}
	config, err := serverTLS()
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0], authorityOf(config), 0o600); err != nil {
		return err
	}
	sealedPort, err := u.poller.listen(func(c *conn) { u.acceptSealed(c, config) })
	if err != nil {
		return err
	}
	fmt.Println(port, sealedPort)
	return u.serve(int(os.Stdin.Fd()))
}

// newUpstream listens on a port that the kernel chooses.
func newUpstream() (u *upstream, port int, err error) {
	poller, err := newPoller()
	if err != nil {
		return nil, 0, err
	}
	body := fmt.Sprintf(answerBody, filler(400))
	u = &upstream{poller: poller, answer: fmt.Appendf(nil, answerHead, len(body), body)}
	port, err = poller.listen(u.accept)
	return u, port, err
}

// serve answers requests until the pipe end closes.
func (u *upstream) serve(end int) error {
	if err := u.poller.watchEnd(end); err != nil {
		return err
	}
	for !u.poller.ended {
		if err := u.poller.wait(u.pacer.next(u.poller.clock.now() + int64(time.Second))); err != nil {
			return err
		}
		u.pacer.send(u.poller.clock, u.sendEvent)
	}
	return nil
}

// filler returns n bytes of words.
func filler(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(words[i*7%len(words)])
		b.WriteByte(' ')
	}
	return b.String()[:n]
}

// upstreamConn is one connection of the upstream.
type upstreamConn struct {
	conn   *conn
	held   []byte  // bytes that the upstream has not parsed
	stream *stream // under way; nil when there is none
}

func (u *upstream) acceptSealed(c *conn, config *tls.Config) {
	if err := c.seal(tls.Server(socket{conn: c}, config)); err != nil {
		c.close() // a probe, or a client that left before it asked for anything
		return
	}
	u.accept(c)
	c.serve(unix.EPOLLIN) // the handshake may have read the first request already
}

func (u *upstream) accept(c *conn) {
	uc := &upstreamConn{conn: c}
	c.onRead = func(p []byte, at int64) {
		uc.held = bytes.TrimPrefix(append(uc.held, p...), []byte(rawPreface))
		if err := u.answerHeld(uc, at); err != nil {
			fmt.Fprintln(os.Stderr, "upstream:", err)
			uc.drop()
			c.close()
		}
	}
	c.onClose = func(error) { uc.drop() }
}

// drop marks the stream of a connection whose client left.
func (c *upstreamConn) drop() {
	if c.stream != nil {
		c.stream.gone = true
	}
}

// answerHeld answers the whole requests among the held bytes, up to one that starts a stream.
func (u *upstream) answerHeld(c *upstreamConn, at int64) error {
	for len(c.held) > 0 && c.stream == nil {
		h, size, err := cutHead(c.held)
		if err != nil {
			return err
		}
		if h.chunked {
			return fmt.Errorf("request body is chunked, want a Content-Length: %q", h.startLine)
		}
		size += int(max(h.contentLength, 0))
		if h.startLine == "" || len(c.held) < size {
			return nil
		}
		c.held = append(c.held[:0], c.held[size:]...)
		switch {
		case strings.HasPrefix(h.startLine, "POST /bench/finish "):
			u.pacer.finish(u.poller.clock.now())
			c.conn.write(u.answer)
		case strings.HasPrefix(h.startLine, beginWrites):
			u.writes = new(writes)
			c.conn.write(u.writes.answer())
		case strings.HasPrefix(h.startLine, endWrites) && u.writes != nil:
			c.conn.write(u.writes.answer())
			u.writes = nil
		case h.bench != "":
			if err := u.startStream(c, h.bench, at); err != nil {
				return err
			}
		default:
			c.conn.write(u.answer)
		}
	}
	return nil
}

// startStream sends the head and the role chunk at once; the pacer sends the rest.
func (u *upstream) startStream(c *upstreamConn, spec string, at int64) error {
	pace, err := parsePace(spec)
	if err != nil {
		return err
	}
	u.streams++
	s := &stream{conn: c, pace: pace, writer: eventWriter{id: u.streams}}
	c.stream = s
	b := u.scratch[:0]
	b = append(b, streamHead...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, "\r\n\r\n"...)
	u.event = s.writer.role(u.event[:0])
	u.scratch = appendChunk(b, u.event)
	c.conn.write(u.scratch)
	s.due = pace.first(at)
	u.pacer.push(s)
	return nil
}

// sendEvent writes the next event of s, and reports whether more will follow.
func (u *upstream) sendEvent(s *stream) bool {
	if s.gone {
		return false
	}
	b, event := u.scratch[:0], u.event[:0]
	var sent int64 // of content
	switch {
	case s.writer.sequence < s.pace.events:
		sent = u.poller.clock.now()
		event = s.writer.content(event, sent)
		b = appendChunk(b, event)
	case !s.finishing:
		s.finishing = true
		event = s.writer.finish(event)
		b = appendChunk(b, event)
	default:
		event = s.writer.usage(event)
		b = appendChunk(b, event)
		b = appendChunk(b, []byte(doneEvent))
		b = append(b, "0\r\n\r\n"...)
		s.conn.stream = nil
	}
	u.scratch, u.event = b, event
	s.conn.conn.write(b)
	if u.writes != nil && sent > 0 {
		u.writes.add(sent, u.poller.clock.now())
	}
	return s.conn.stream == s
}

// appendChunk appends event to b as one chunk of the chunked coding.
func appendChunk(b, event []byte) []byte {
	b = strconv.AppendInt(b, int64(len(event)), 16)
	b = append(b, "\r\n"...)
	b = append(b, event...)
	return append(b, "\r\n"...)
}
