package frame

import "encoding/binary"

// WebSocket cuts one direction of a WebSocket connection (RFC 6455) into messages. A
// message of text is an event without a name, one of binary data is an event that is
// called Binary. Frames of control, which may come between the frames of a message, are
// no events. Data comes unmasked, and inflated where the message is compressed.
//
// The reader gives up on bytes that are no WebSocket frames, and on a message that is too
// large to inflate; see Lost. It reads nothing behind a closing frame, because nothing may
// come there.
type WebSocket struct {
	sink    EventSink
	inflate *deflated // nil where nobody negotiated compression

	state  frameState
	head   [14]byte
	have   int    // bytes in head
	left   uint64 // bytes of the payload still to come
	mask   [4]byte
	masked bool
	at     int // the place in the mask

	open       bool // a message has begun
	binary     bool // it is binary
	compressed bool
	final      bool // the frame is the last of its message
	control    bool // the frame is one of control
	said       int  // bytes of the closing frame that came
	code       int  // why it closes

	plain [1024]byte // unmasked bytes
}

// Binary is the name of the event of a binary message.
const Binary = "binary"

type frameState uint8

const (
	inFrameHead frameState = iota
	inFramePayload
	lostFrames
	closedFrames // the direction has said that it closes
)

// The operations of frames (RFC 6455, section 5.2).
const (
	continuation = 0
	textFrame    = 1
	binaryFrame  = 2
	firstControl = 8
	closeFrame   = 8
	lastControl  = 10
)

// NewWebSocket returns a reader at the start of a direction, behind the handshake. It
// hands the messages to sink.
func NewWebSocket(sink EventSink) *WebSocket { return &WebSocket{sink: sink} }

// Deflate makes the reader inflate messages that are compressed, as the extension
// permessage-deflate has it (RFC 7692), with a decompressor of the pool. If takeover, a
// message may refer to those before it. A message that needs more than most bytes,
// compressed or inflated, ends the reading.
func (w *WebSocket) Deflate(pool *Inflaters, takeover bool, most int) {
	w.inflate = &deflated{pool: pool, takeover: takeover, most: most}
}

// Rest gives the decompressor back, because no message is to come soon. The next one that is
// compressed takes longer to read. It must not be called while the sink gets a message.
func (w *WebSocket) Rest() {
	if w.inflate != nil {
		w.inflate.rest()
	}
}

// Inflated returns how many bytes of compressed messages the reader has read, and how many
// bytes it has made of them.
func (w *WebSocket) Inflated() (in, out int64) {
	if w.inflate == nil {
		return 0, 0
	}
	return w.inflate.in, w.inflate.made
}

// Waiting returns how many bytes of a compressed message wait for its end.
func (w *WebSocket) Waiting() int64 {
	if w.inflate == nil {
		return 0
	}
	return int64(len(w.inflate.waiting))
}

// Binary reports whether the message whose data the sink gets is binary.
func (w *WebSocket) Binary() bool { return w.binary }

// Closed reports whether the direction has said that it closes the connection (RFC 6455,
// section 5.5.1).
func (w *WebSocket) Closed() bool { return w.state == closedFrames }

// Code is why the direction closes the connection (RFC 6455, section 7.4); 0 if it has not
// said why.
func (w *WebSocket) Code() int {
	if w.said < 2 {
		return 0
	}
	return w.code
}

// Lost reports whether the reader has given up.
func (w *WebSocket) Lost() bool { return w.state == lostFrames }

// Feed reads the next bytes of the direction. It does not keep p.
func (w *WebSocket) Feed(p []byte) {
	for len(p) > 0 && w.state < lostFrames {
		switch w.state {
		case inFrameHead:
			p = w.frameHead(p)
		case inFramePayload:
			p = w.payload(p)
		}
	}
}

// frameHead reads the head of a frame: 2 bytes, an extended length, and a mask.
func (w *WebSocket) frameHead(p []byte) []byte {
	for len(p) > 0 {
		w.head[w.have] = p[0]
		w.have++
		p = p[1:]
		if w.have >= 2 && w.have == headLen(w.head[1]) {
			w.have = 0
			w.begin()
			return p
		}
	}
	return nil
}

// headLen is the length of a head whose second byte is b.
func headLen(b byte) int {
	n := 2
	switch b & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b&0x80 != 0 {
		n += 4
	}
	return n
}

// begin begins the frame whose head is complete.
func (w *WebSocket) begin() {
	operation, length := w.head[0]&0x0f, uint64(w.head[1]&0x7f)
	behind := w.head[2:]
	switch length {
	case 126:
		length, behind = uint64(binary.BigEndian.Uint16(behind)), behind[2:]
	case 127:
		length, behind = binary.BigEndian.Uint64(behind), behind[8:]
	}
	w.masked, w.at = w.head[1]&0x80 != 0, 0
	if w.masked {
		copy(w.mask[:], behind)
	}
	w.left, w.final = length, w.head[0]&0x80 != 0
	w.state = inFramePayload
	if !w.accept(operation, w.head[0]&0x70) || length > 1<<62 {
		w.state = lostFrames
		return
	}
	if w.left == 0 {
		w.end()
	}
}

// accept tells whether a frame of this operation, with these reserved bits, may come now.
// The first reserved bit of a message says that it is compressed.
func (w *WebSocket) accept(operation, reserved byte) bool {
	w.control = operation >= firstControl
	switch {
	case w.control:
		return operation <= lastControl && reserved == 0 && w.final && w.left <= 125
	case operation == continuation:
		return w.open && reserved == 0
	case operation > binaryFrame || w.open || reserved&0x30 != 0 || reserved != 0 && w.inflate == nil:
		return false
	}
	w.open, w.binary, w.compressed = true, operation == binaryFrame, reserved != 0
	return true
}

// payload reads the next bytes of a payload, and returns those behind it.
func (w *WebSocket) payload(p []byte) []byte {
	n := min(w.left, uint64(len(p)))
	part := p[:n]
	w.left -= n
	for len(part) > 0 && w.state != lostFrames && !w.control {
		chunk := part[:min(len(part), len(w.plain))]
		w.data(w.unmask(chunk))
		part = part[len(chunk):]
	}
	if w.control && w.head[0]&0x0f == closeFrame {
		w.closing(w.unmask(part))
	}
	if w.left == 0 && w.state != lostFrames {
		w.end()
	}
	return p[n:]
}

// closing reads bytes of a closing frame, which begins with a code of two bytes.
func (w *WebSocket) closing(p []byte) {
	for _, c := range p[:min(len(p), max(0, 2-w.said))] {
		w.code = w.code<<8 | int(c)
		w.said++
	}
}

// unmask returns bytes as they were before the client masked them (RFC 6455, section 5.3).
func (w *WebSocket) unmask(p []byte) []byte {
	if !w.masked {
		return p
	}
	var twice [8]byte // the mask from here on
	for i := range twice {
		twice[i] = w.mask[(w.at+i)&3]
	}
	mask, plain := binary.LittleEndian.Uint64(twice[:]), w.plain[:len(p)]
	i := 0
	for ; i+8 <= len(p); i += 8 {
		binary.LittleEndian.PutUint64(plain[i:], binary.LittleEndian.Uint64(p[i:])^mask)
	}
	for ; i < len(p); i++ {
		plain[i] = p[i] ^ twice[i&3]
	}
	w.at = (w.at + len(p)) & 3
	return plain
}

// data hands on bytes of the message, or keeps them until the message can be inflated.
func (w *WebSocket) data(p []byte) {
	switch {
	case !w.compressed:
		w.sink.Data(p)
	case !w.inflate.add(p):
		w.state = lostFrames
	}
}

// end ends the frame, and the message if it was its last one.
func (w *WebSocket) end() {
	w.state = inFrameHead
	if w.control && w.head[0]&0x0f == closeFrame {
		w.state = closedFrames
	}
	if w.control || !w.final {
		return
	}
	w.open = false
	if w.compressed && !w.inflate.message(w.sink) {
		w.state = lostFrames
		return
	}
	e := Event{}
	if w.binary {
		e.Name = []byte(Binary)
	}
	w.sink.Event(e)
}
