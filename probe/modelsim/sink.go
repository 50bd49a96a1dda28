package modelsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sink writes one response and books in the record when. It takes the time before each write, so
// that no reader can have the bytes earlier.
type sink struct {
	w        http.ResponseWriter
	rc       *http.ResponseController
	rec      *record
	provider provider
	framing  framing
	compress bool
	gz       *gzip.Writer
	zipped   bytes.Buffer
	buf      []byte
	sent     int // events
}

// compresses says whether the server compresses the answer to r.
func (s *Server) compresses(r *http.Request) bool {
	wanted := s.cfg.Gzip || r.Header.Get("X-Sim-Encoding") == "gzip"
	return wanted && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// head writes the response head, which stays in net/http's buffer until the next flush. A negative
// length is unknown.
func (o *sink) head(status int, contentType string, length int) {
	h := o.w.Header()
	h.Set("Content-Type", contentType)
	encoding := ""
	if o.compress {
		encoding = "gzip"
		h.Set("Content-Encoding", encoding)
		h.Set("Vary", "Accept-Encoding")
		o.gz = gzip.NewWriter(&o.zipped)
	}
	if length >= 0 {
		h.Set("Content-Length", strconv.Itoa(length))
	}
	now := time.Now()
	o.rec.update(func(ex *Exchange) {
		ex.HeadAt, ex.Status, ex.Encoding = now.UnixNano(), status, encoding
		o.provider.setProcessing(h, now.Sub(time.Unix(0, ex.ReceivedAt)))
	})
	o.w.WriteHeader(status)
}

// openStream sends the head of a stream before its first event.
func (o *sink) openStream() error {
	o.w.Header().Set("Cache-Control", "no-cache")
	o.head(http.StatusOK, o.framing.contentType(), -1)
	return o.rc.Flush()
}

// event sends one event as one write and one flush, and books tokens of choice with it.
func (o *sink) event(e event, choice, tokens int) error {
	o.buf = o.framing.frame(o.buf[:0], o.sent, e)
	o.sent++
	payload := o.buf
	if o.gz != nil {
		o.zipped.Reset()
		// Writes to a bytes.Buffer do not fail.
		_, _ = o.gz.Write(payload)
		_ = o.gz.Flush()
		payload = o.zipped.Bytes()
	}
	// The record comes before the write, so that a client that has read the event finds it in the
	// ground truth.
	at := time.Now().UnixNano()
	o.rec.update(func(ex *Exchange) {
		if ex.Events++; ex.Events == 1 {
			ex.FirstEventAt = at
		}
		if tokens > 0 {
			ex.Chunks = append(ex.Chunks, Chunk{At: at, Tokens: tokens, Choice: choice})
		}
	})
	if _, err := o.w.Write(payload); err != nil {
		return err
	}
	return o.rc.Flush()
}

// events sends events that carry no tokens.
func (o *sink) events(events []event) error {
	for _, e := range events {
		if err := o.event(e, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// closeStream ends the framing, and the compression if there is one.
func (o *sink) closeStream() error {
	rest := []byte(o.framing.end(o.sent))
	if o.gz != nil {
		o.zipped.Reset()
		_, _ = o.gz.Write(rest)
		_ = o.gz.Close()
		rest = o.zipped.Bytes()
	}
	if len(rest) == 0 {
		return nil
	}
	if _, err := o.w.Write(rest); err != nil {
		return err
	}
	return o.rc.Flush()
}

// whole sends an answer that is not streamed. With a share below 1 it sends that part of the body,
// under a Content-Length of all of it.
func (o *sink) whole(status int, body []byte, tokens int, share float64) error {
	if o.compress {
		gz := gzip.NewWriter(&o.zipped)
		_, _ = gz.Write(body)
		_ = gz.Close()
		body = o.zipped.Bytes()
	}
	o.head(status, "application/json", len(body))
	if tokens > 0 {
		o.rec.update(func(ex *Exchange) { ex.Chunks = append(ex.Chunks, Chunk{At: ex.HeadAt, Tokens: tokens}) })
	}
	_, err := o.w.Write(body[:int(share*float64(len(body)))])
	if err == nil && share < 1 {
		err = o.rc.Flush()
	}
	return err
}

// fail sends an error in place of an answer.
func (o *sink) fail(e *apiError) error {
	body, err := json.Marshal(o.provider.errorBody(e, o.rec.ex.ID))
	if err != nil {
		return err
	}
	o.provider.setError(o.w.Header(), e)
	return o.whole(e.status, body, 0, 1)
}

// hijack takes the connection from net/http and breaks it as f says. It returns false if net/http
// does not give it.
func (o *sink) hijack(f Fault) bool {
	conn, _, err := o.rc.Hijack()
	if err != nil {
		return false
	}
	if f.Raw {
		_, _ = conn.Write([]byte("\x00\xff\x7fthis is not HTTP\r\n\x01\x02\r\n\r\n"))
	}
	if tcp, ok := conn.(*net.TCPConn); ok && f.Kind == FaultReset {
		_ = tcp.SetLinger(0) // Close then sends RST
	}
	_ = conn.Close()
	return true
}
