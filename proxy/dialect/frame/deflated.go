package frame

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Inflaters lends decompressors to the directions of WebSocket connections, for one message
// at a time: each takes 40 KiB, and most connections are idle. It is safe for concurrent use.
type Inflaters struct{ pool sync.Pool }

// inflater is a decompressor and what it reads from.
type inflater struct {
	reader  io.ReadCloser // nil until the first message
	message bytes.Reader
	tail    bytes.Reader
	out     [4096]byte
}

// Read implements io.Reader for the decompressor.
func (f *inflater) Read(p []byte) (int, error) {
	if f.message.Len() > 0 {
		return f.message.Read(p)
	}
	return f.tail.Read(p)
}

// ReadByte implements io.ByteReader, so that the decompressor needs no buffer of its own.
func (f *inflater) ReadByte() (byte, error) {
	if f.message.Len() > 0 {
		return f.message.ReadByte()
	}
	return f.tail.ReadByte()
}

// begin begins a message that may refer to the window.
func (f *inflater) begin(message, window []byte) error {
	f.message.Reset(message)
	f.tail.Reset(tail)
	if f.reader == nil {
		f.reader = flate.NewReaderDict(f, window)
		return nil
	}
	return f.reader.(flate.Resetter).Reset(f, window)
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
	in, made int64  // bytes of all messages
}

// windowSize is how far back a message may refer.
const windowSize = 32 << 10

// maxWindow is how much is kept of the messages before, at most.
const maxWindow = windowSize + 4<<10

// keptWaiting is the largest buffer that is kept between two messages.
const keptWaiting = 4 << 10

// tail ends a message: the four bytes that its sender left out, and an empty last block.
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

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
	f := d.pool.borrow()
	defer d.pool.giveBack(f)
	defer d.forget()
	if f.begin(d.waiting, d.window) != nil {
		return false
	}
	total := 0
	for {
		n, err := f.reader.Read(f.out[:])
		if total += n; total > d.most {
			return false
		}
		if n > 0 {
			sink.Data(f.out[:n])
			d.remember(f.out[:n])
			d.made += int64(n)
		}
		if err != nil {
			return errors.Is(err, io.EOF)
		}
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
