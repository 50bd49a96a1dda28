package main

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

// The stream that the upstream sends is OpenAI's chat completion stream as its API reference shows
// it: a chunk with the role, chunks with content, one with the finish reason, one with the usage,
// and [DONE]. Three things ride inside it for the load generator: every content starts with its
// number and the time of its sending, and the usage chunk's system_fingerprint is the CRC-32C of
// every body byte before that chunk.
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

// eventWriter formats the events of one stream and keeps the checksum of what it wrote.
type eventWriter struct {
	id       uint32
	sequence int
	crc      uint32
}

func (w *eventWriter) head(b []byte, mark string) []byte {
	b = append(b, `data: {"id":"chatcmpl-`...)
	b = appendPadded(b, int64(w.id), sequenceWidth)
	b = append(b, chunkModel...)
	return append(b, mark...)
}

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

// eventChecker follows one stream at the receiving end: order, count and every byte.
type eventChecker struct {
	crc      uint32
	sequence int
	stage    stage
}

type stage int

const (
	wantRole stage = iota
	wantContent
	wantUsage
	wantDone
	complete
)

// event checks one event, its blank line included. sent is the upstream's time stamp when the event
// carries content, otherwise zero.
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
		return fmt.Errorf("body bytes differ from those sent: want %s in %.200q", sum, event)
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
