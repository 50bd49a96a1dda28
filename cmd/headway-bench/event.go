package main

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

// The upstream sends OpenAI's chat completion stream, as the API reference shows it: a chunk with the
// role, chunks with content, a chunk with the finish reason, a chunk with the usage, and [DONE]. The
// stream carries three values for the load generator. Every content begins with its number and the time
// at which the upstream sent it; the system_fingerprint of the usage chunk is the CRC-32C of all body
// bytes before that chunk.
const (
	chunkModel    = `","object":"chat.completion.chunk","created":1763719200,"model":"gpt-4o-mini-2024-07-18","system_fingerprint":"fp_`
	fingerprint   = `560af6e5`
	contentStart  = `"delta":{"content":"`
	contentEnd    = `"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"
	roleChunk     = `","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"
	finishChunk   = `","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}` + "\n\n"
	usageStart    = `","choices":[],"usage":{"prompt_tokens":212,"completion_tokens":`
	usageEnd      = `,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}` + "\n\n"
	doneEvent     = "data: [DONE]\n\n"
	sequenceWidth = 8
	stampWidth    = 19
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	words      = [...]string{"the", "stream", "of", "tokens", "arrives", "one", "by", "one", "and", "each", "has", "its", "time", "before", "we", "measured"}
)

// eventWriter appends the events of one stream to a slice, and keeps the checksum of all of them.
type eventWriter struct {
	id       uint32 // of the stream
	sequence int    // content events so far
	crc      uint32
}

func (w *eventWriter) head(b []byte, mark string) []byte {
	b = append(b, `data: {"id":"chatcmpl-`...)
	b = appendPadded(b, int64(w.id), sequenceWidth)
	b = append(b, chunkModel...)
	return append(b, mark...)
}

// sum adds an event to the checksum, and returns the event.
func (w *eventWriter) sum(event []byte) []byte {
	w.crc = crc32.Update(w.crc, castagnoli, event)
	return event
}

func (w *eventWriter) role(b []byte) []byte {
	return w.sum(append(w.head(b, fingerprint), roleChunk...))
}

func (w *eventWriter) content(b []byte, sent int64) []byte {
	b = w.head(b, fingerprint)
	b = append(b, `","choices":[{"index":0,`+contentStart...)
	b = appendPadded(b, int64(w.sequence), sequenceWidth)
	b = append(b, ' ')
	b = appendPadded(b, sent, stampWidth)
	b = append(b, ' ')
	b = append(b, words[(w.sequence+int(w.id))%len(words)]...)
	w.sequence++
	return w.sum(append(b, contentEnd...))
}

func (w *eventWriter) finish(b []byte) []byte {
	return w.sum(append(w.head(b, fingerprint), finishChunk...))
}

func (w *eventWriter) usage(b []byte) []byte {
	b = w.head(b, fmt.Sprintf("%08x", w.crc))
	b = append(b, usageStart...)
	b = strconv.AppendInt(b, int64(w.sequence), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(212+w.sequence), 10)
	return append(b, usageEnd...)
}

// appendPadded appends v in decimal, with zeros up to width digits.
func appendPadded(b []byte, v int64, width int) []byte {
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; v > 0 && i >= len(b)-width; i-- {
		b[i] = byte('0' + v%10)
		v /= 10
	}
	return b
}

// eventChecker checks the events of one stream as they arrive: their order, their number and every byte.
type eventChecker struct {
	crc      uint32
	sequence int // content events so far
	stage    stage
}

// stage is the kind of event that must come next.
type stage int

const (
	wantRole stage = iota
	wantContent
	wantUsage
	wantDone
	complete
)

// event checks one event, its blank line included. sent is the time at which the upstream sent it; 0
// when the event has no content.
func (c *eventChecker) event(event []byte) (sent int64, err error) {
	switch c.stage {
	case wantRole:
		if !bytes.HasSuffix(event, []byte(roleChunk)) {
			return 0, fmt.Errorf("want the role chunk first, got %.200q", event)
		}
		c.stage = wantContent
	case wantContent:
		if sent, err = c.content(event); err != nil {
			return 0, err
		}
	case wantUsage:
		return 0, c.usage(event)
	case wantDone:
		if string(event) != doneEvent {
			return 0, fmt.Errorf("want [DONE], got %.200q", event)
		}
		c.stage = complete
	case complete:
		return 0, fmt.Errorf("event after [DONE]: %.200q", event)
	}
	c.crc = crc32.Update(c.crc, castagnoli, event)
	return sent, nil
}

func (c *eventChecker) content(event []byte) (int64, error) {
	start := bytes.Index(event, []byte(contentStart))
	if start < 0 {
		if !bytes.HasSuffix(event, []byte(finishChunk)) {
			return 0, fmt.Errorf("event %d has no content: %.200q", c.sequence, event)
		}
		c.stage = wantUsage
		return 0, nil
	}
	content := event[start+len(contentStart):]
	if len(content) < sequenceWidth+1+stampWidth {
		return 0, fmt.Errorf("event %d is cut short: %.200q", c.sequence, event)
	}
	sequence, err := parseDigits(content[:sequenceWidth])
	if err != nil || sequence != int64(c.sequence) {
		return 0, fmt.Errorf("event %d expected, got %.40q", c.sequence, content)
	}
	c.sequence++
	return parseDigits(content[sequenceWidth+1 : sequenceWidth+1+stampWidth])
}

func (c *eventChecker) usage(event []byte) error {
	sum := fmt.Sprintf(`"system_fingerprint":"fp_%08x"`, c.crc)
	if !bytes.Contains(event, []byte(sum)) {
		return fmt.Errorf("body bytes differ from the ones sent: want %s in %.200q", sum, event)
	}
	count := fmt.Sprintf(`"completion_tokens":%d,`, c.sequence)
	if !bytes.Contains(event, []byte(count)) {
		return fmt.Errorf("events lost: want %s in %q", count, event)
	}
	c.stage = wantDone
	return nil
}

var errNotDigits = errors.New("not a decimal number")

func parseDigits(b []byte) (int64, error) {
	var v int64
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, errNotDigits
		}
		v = v*10 + int64(d-'0')
	}
	return v, nil
}
