package frame

import (
	"encoding/binary"
	"hash/crc32"
)

// MaxStreamMessage bounds a message of an EventStream in bytes, headers included. The
// bound is that of aws-c-event-stream.
const MaxStreamMessage = 24 << 20

// EventStream cuts a stream of AWS event stream messages
// (application/vnd.amazon.eventstream). Every message with a payload is an event, and so
// is every message that reports a failure. The reader checks both checksums of a message.
// It gives up on a stream with impossible lengths, after an event that is Corrupt.
//
// https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
type EventStream struct {
	sink EventSink

	state   streamState
	left    uint32   // bytes of the present part still to come
	payload uint32   // length of the payload
	crc     uint32   // of the message so far
	fixed   [12]byte // prelude or checksum, which may come in pieces
	have    int      // bytes in fixed

	header header
	name   [MaxEventName]byte // of the event
	size   int                // of the name
	failed bool               // the message reports a failure
}

type streamState uint8

const (
	inPrelude streamState = iota
	inHeaders
	inPayload
	inChecksum
	lost // the reader does not know where the next message begins
)

// NewEventStream returns a reader at the start of a stream. It hands the events to sink.
func NewEventStream(sink EventSink) *EventStream { return &EventStream{sink: sink} }

// Feed reads the next bytes of the stream.
func (s *EventStream) Feed(p []byte) {
	for len(p) > 0 && s.state != lost {
		switch s.state {
		case inPrelude:
			p = s.prelude(p)
		case inHeaders:
			part := s.part(&p)
			for _, c := range part {
				s.header.feed(s, c)
			}
			s.endPart(inPayload, s.payload)
		case inPayload:
			if part := s.part(&p); len(part) > 0 {
				s.sink.Data(part)
			}
			s.endPart(inChecksum, 0)
		case inChecksum:
			p = s.checksum(p)
		}
	}
}

// Close ends the stream. When it ended within a message, the sink gets that message as
// Unterminated.
func (s *EventStream) Close() {
	if s.state == inPayload || s.state == inChecksum || s.state == inHeaders {
		s.sink.Event(Event{Name: s.name[:s.size], Unterminated: true, Failed: s.failed})
	}
	s.state = lost
}

// fill fills fixed up to n bytes from p. It returns the rest of p, and whether fixed has
// the n bytes.
func (s *EventStream) fill(p []byte, n int) (rest []byte, full bool) {
	k := copy(s.fixed[s.have:n], p)
	s.have += k
	return p[k:], s.have == n
}

// prelude reads the lengths of a message and their checksum.
func (s *EventStream) prelude(p []byte) []byte {
	p, full := s.fill(p, 12)
	if !full {
		return nil
	}
	s.have = 0
	total, headers := binary.BigEndian.Uint32(s.fixed[:]), binary.BigEndian.Uint32(s.fixed[4:])
	const around = 12 + 4 // the prelude, and the checksum of the message
	if crc32.ChecksumIEEE(s.fixed[:8]) != binary.BigEndian.Uint32(s.fixed[8:]) ||
		total > MaxStreamMessage || total < around || headers > total-around {
		s.state = lost
		s.sink.Event(Event{Corrupt: true})
		return nil
	}
	s.crc = crc32.ChecksumIEEE(s.fixed[:])
	s.header, s.size, s.failed = header{}, 0, false
	s.payload = total - around - headers
	s.state, s.left = inHeaders, headers
	s.endPart(inPayload, s.payload)
	return p
}

// part cuts the bytes of the present part off p and returns them.
func (s *EventStream) part(p *[]byte) []byte {
	n := min(uint64(s.left), uint64(len(*p)))
	part := (*p)[:n]
	*p = (*p)[n:]
	s.left -= uint32(n)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, part)
	return part
}

// endPart goes on to the next part, of n bytes, when the present part has ended.
func (s *EventStream) endPart(next streamState, n uint32) {
	if s.left > 0 {
		return
	}
	s.state, s.left = next, n
	if next == inPayload && n == 0 {
		s.state = inChecksum
	}
}

// checksum reads the checksum at the end of a message, and ends the message.
func (s *EventStream) checksum(p []byte) []byte {
	p, full := s.fill(p, 4)
	if !full {
		return nil
	}
	s.have, s.state = 0, inPrelude
	corrupt := binary.BigEndian.Uint32(s.fixed[:]) != s.crc
	if s.payload > 0 || s.failed || corrupt {
		s.sink.Event(Event{Name: s.name[:s.size], Failed: s.failed, Corrupt: corrupt})
	}
	return p
}

// header reads the headers of a message byte by byte. A header is the length of its key,
// the key, the type of its value, and the value. Only a few values matter, all of them
// strings.
type header struct {
	at   headerPart
	left int      // bytes of the present part still to come
	high int      // the high byte of a length, shifted
	text [16]byte // start of the key, then of the value
	size int      // length of the key, then of the value
	key  headerKey
}

type headerPart uint8

const (
	keyLength headerPart = iota
	keyText
	valueType
	valueHigh // the high byte of the length of the value
	valueLow  // the low byte
	valueText
	otherValue
)

type headerKey uint8

const (
	otherKey headerKey = iota
	eventTypeKey
	messageTypeKey
)

// keyOf returns the key that text names.
func keyOf(text []byte) headerKey {
	switch string(text) {
	case ":event-type", ":exception-type", ":error-code":
		return eventTypeKey
	case ":message-type":
		return messageTypeKey
	}
	return otherKey
}

// fixedSizes has the size of a value for each type with a fixed size: true, false, byte,
// short, integer, long, timestamp and UUID. Byte strings (6) and strings (7) carry their
// length.
var fixedSizes = [...]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}

// feed reads a byte of the headers, and sets name and failed of s.
func (h *header) feed(s *EventStream, c byte) {
	switch h.at {
	case keyLength:
		h.start(keyText, int(c), valueType)
	case keyText:
		h.keep(c)
		if h.step(valueType) {
			h.key = keyOf(h.kept())
		}
	case valueType:
		h.valueType(c)
	case valueHigh:
		h.at, h.high = valueLow, int(c)<<8
	case valueLow:
		h.start(valueText, h.high|int(c), keyLength)
		if h.key == eventTypeKey {
			s.size = 0
		}
	case valueText:
		h.value(s, c)
	case otherValue:
		h.step(keyLength)
	}
}

// start begins a part of n bytes, or the part after it when n is 0.
func (h *header) start(part headerPart, n int, next headerPart) {
	h.at, h.left, h.size = part, n, 0
	if n == 0 {
		h.at, h.key = next, otherKey
	}
}

// step counts a byte of the present part. At the last one it goes on to the next part and
// returns true.
func (h *header) step(next headerPart) bool {
	if h.left--; h.left > 0 {
		return false
	}
	h.at = next
	return true
}

// keep appends a byte to the text.
func (h *header) keep(c byte) {
	if h.size < len(h.text) {
		h.text[h.size] = c
	}
	h.size++
}

// kept returns the text, or nil when it is longer than any text that matters.
func (h *header) kept() []byte {
	if h.size > len(h.text) {
		return nil
	}
	return h.text[:h.size]
}

// valueType reads the type of a value.
func (h *header) valueType(c byte) {
	switch {
	case c == 6, c == 7:
		h.at = valueHigh
	case int(c) < len(fixedSizes):
		h.start(otherValue, fixedSizes[c], keyLength)
	default:
		h.at = keyLength
	}
}

// value reads a byte of a value that is a string.
func (h *header) value(s *EventStream, c byte) {
	switch h.key {
	case eventTypeKey:
		if s.size < len(s.name) {
			s.name[s.size] = c
			s.size++
		}
	case messageTypeKey:
		h.keep(c)
	}
	if h.step(keyLength) && h.key == messageTypeKey {
		kind := string(h.kept())
		s.failed = kind == "exception" || kind == "error"
	}
}
