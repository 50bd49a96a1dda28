package frame

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Inflaters lends decompressors to the directions of WebSocket connections: each takes
// 40 KiB, and most connections are idle. It is safe for concurrent use.
type Inflaters struct{ pool sync.Pool }

// inflater is a decompressor and what it reads from, which is one message.
type inflater struct {
	reader  io.ReadCloser // nil until the first message
	message bytes.Reader  // a type that the decompressor reads fast
	out     [4096]byte
}

// begin begins a message that may refer to the window.
func (f *inflater) begin(message, window []byte) error {
	f.message.Reset(message)
	if f.reader == nil {
		f.reader = flate.NewReaderDict(&f.message, window)
		return nil
	}
	return f.reader.(flate.Resetter).Reset(&f.message, window)
}

func (i *Inflaters) borrow() *inflater {
	if f, ok := i.pool.Get().(*inflater); ok {
		return f
	}
	return new(inflater)
}

func (i *Inflaters) giveBack(f *inflater) {
	f.message.Reset(nil) // it belongs to the direction
	i.pool.Put(f)
}

// deflated inflates the messages of one direction of a WebSocket connection (RFC 7692,
// section 7.2.2).
type deflated struct {
	pool     *Inflaters
	takeover bool // a message may refer to the ones before it
	most     int  // bytes of a message, compressed or not

	waiting  []byte // of the message that is not complete
	window   []byte // the last bytes of the messages before it
	lent     *inflater
	follows  bool  // lent has the window itself, and can go on with the next message
	in, made int64 // bytes of all messages
}

// windowSize is how far back a message may refer.
const windowSize = 32 << 10

// maxWindow bounds the bytes of earlier messages that a decoder keeps.
const maxWindow = windowSize + 4<<10

// keptWaiting is the largest buffer that is kept between two messages.
const keptWaiting = 4 << 10

// tail ends a message: the four bytes that its sender left out, and lastBlock.
var tail = "\x00\x00\xff\xff" + lastBlock

// lastBlock is an empty block that ends the data, for a decompressor that asks for more.
const lastBlock = "\x01\x00\x00\xff\xff"

// add adds bytes to the message, and returns false if it grows too large.
func (d *deflated) add(p []byte) bool {
	if len(d.waiting)+len(p) > d.most {
		return false
	}
	d.waiting = append(d.waiting, p...)
	d.in += int64(len(p))
	return true
}

// message hands the message to sink, and returns false if it is no deflated message, or
// too large.
func (d *deflated) message(sink EventSink) bool {
	defer d.forget()
	d.waiting = append(d.waiting, tail...)
	f, err := d.borrow()
	if err != nil {
		return false
	}
	for total := 0; ; {
		n, err := f.reader.Read(f.out[:])
		if total += n; total > d.most {
			return false
		}
		if n > 0 {
			sink.Data(f.out[:n])
			d.remember(f.out[:n])
			d.made += int64(n)
		}
		switch {
		case err != nil:
			return errors.Is(err, io.EOF)
		case n < len(f.out) && f.message.Len() == len(lastBlock): // all is read, and all that came of it
			d.follows = d.takeover
			return true
		}
	}
}

// borrow returns a decompressor at the start of the message. One that has read the message
// before goes on: it would take a microsecond to give another one the window.
func (d *deflated) borrow() (*inflater, error) {
	if d.follows {
		d.follows = false
		d.lent.message.Reset(d.waiting)
		return d.lent, nil
	}
	if d.lent == nil {
		d.lent = d.pool.borrow()
	}
	return d.lent, d.lent.begin(d.waiting, d.window)
}

// rest gives the decompressor back.
func (d *deflated) rest() {
	if d.lent != nil {
		d.pool.giveBack(d.lent)
		d.lent, d.follows = nil, false
	}
}

// remember keeps the last bytes for the messages to come. Those that are too old go now and
// then, because the others have to move for it.
func (d *deflated) remember(p []byte) {
	if !d.takeover {
		return
	}
	if len(d.window)+len(p) > maxWindow {
		d.window = append(d.window[:0], d.window[len(d.window)-min(len(d.window), windowSize):]...)
	}
	d.window = append(d.window, p...)
}

// forget makes room for the next message. It keeps little memory for that.
func (d *deflated) forget() {
	if cap(d.waiting) > keptWaiting {
		d.waiting = nil
	}
	d.waiting = d.waiting[:0]
}
