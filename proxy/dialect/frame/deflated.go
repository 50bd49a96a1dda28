package frame

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
)

// deflated inflates the messages of one direction of a WebSocket connection (RFC 7692,
// section 7.2.2).
type deflated struct {
	takeover bool // a message may refer to the ones before it
	most     int  // bytes of a message, compressed or not

	waiting []byte        // of the message that is not complete
	window  []byte        // the last bytes of the messages before it
	reader  io.ReadCloser // nil until the first message
	out     [4096]byte
}

// windowSize is how far back a message may refer.
const windowSize = 32 << 10

// tail ends a message: the four bytes that its sender left out, and an empty last block.
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

// add adds bytes to the message, and returns false if it grows too large.
func (d *deflated) add(p []byte) bool {
	if len(d.waiting)+len(p) > d.most {
		return false
	}
	d.waiting = append(d.waiting, p...)
	return true
}

// message hands the message to sink, and returns false if it is no deflated message, or
// too large.
func (d *deflated) message(sink EventSink) bool {
	from := io.MultiReader(bytes.NewReader(d.waiting), bytes.NewReader(tail))
	if d.reader == nil {
		d.reader = flate.NewReaderDict(from, d.window)
	} else if err := d.reader.(flate.Resetter).Reset(from, d.window); err != nil {
		return false
	}
	total := 0
	for {
		n, err := d.reader.Read(d.out[:])
		if total += n; total > d.most {
			return false
		}
		if n > 0 {
			sink.Data(d.out[:n])
			d.remember(d.out[:n])
		}
		switch {
		case errors.Is(err, io.EOF):
			d.forget()
			return true
		case err != nil:
			return false
		}
	}
}

// remember keeps the last bytes for the messages to come.
func (d *deflated) remember(p []byte) {
	if !d.takeover {
		return
	}
	if over := len(d.window) + len(p) - windowSize; over > 0 {
		d.window = append(d.window[:0], d.window[min(over, len(d.window)):]...)
	}
	d.window = append(d.window, p...)
}

// forget makes room for the next message. It gives the memory of a large one back.
func (d *deflated) forget() {
	if cap(d.waiting) > 2*windowSize {
		d.waiting = nil
	}
	d.waiting = d.waiting[:0]
}
