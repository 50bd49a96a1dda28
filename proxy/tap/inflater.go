package tap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxInflatePending bounds the compressed bytes that wait for the inflater.
const maxInflatePending = 1 << 20

// maxZstdWindow bounds the memory of a zstd stream: RFC 8878, section 3.1.1.1.2,
// asks decoders to support 8 MiB.
const maxZstdWindow = 8 << 20

// inflater decompresses the copy of a body on a goroutine of its own. Bytes come
// out with the time of the compressed bytes that completed them.
type inflater struct {
	in      chan piece
	pending atomic.Int64
	done    chan struct{}

	current piece // being read; the goroutine's own
}

type piece struct {
	bytes []byte
	at    time.Duration
}

// newInflater starts decompressing with the decompressors that open opens, one
// upon the other, and gives what comes out to x.
func newInflater(open []decompressor, x *Exchange) *inflater {
	f := &inflater{in: make(chan piece, 256), done: make(chan struct{})}
	go f.run(open, x)
	return f
}

// push hands over the next compressed bytes, which are copied. It never waits:
// false says that the inflater is too far behind to go on.
func (f *inflater) push(p []byte, at time.Duration) bool {
	if f.pending.Add(int64(len(p))) > maxInflatePending {
		return false
	}
	select {
	case f.in <- piece{bytes: append([]byte(nil), p...), at: at}:
		return true
	default:
		return false
	}
}

// end says that no more bytes come; then is called when all were read.
func (f *inflater) end(then func()) {
	close(f.in)
	go func() {
		<-f.done
		then()
	}()
}

func (f *inflater) run(open []decompressor, x *Exchange) {
	defer close(f.done)
	defer f.drain()
	// A body that ends early is the relay's to judge.
	if err := f.inflate(open, x); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		x.unreadable()
	}
}

// inflate reads the body to its end and returns what ended it.
func (f *inflater) inflate(open []decompressor, x *Exchange) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("decompressor panicked: %v", v)
		}
	}()
	var r io.Reader = f
	for _, o := range open {
		if r, err = o(r); err != nil {
			return err
		}
	}
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		if n > 0 && !x.inflated(buf[:n], f.current.at) {
			return io.EOF
		}
		if err != nil {
			return err
		}
	}
}

// drain takes what still comes when the stream turned out unreadable.
func (f *inflater) drain() {
	for p := range f.in {
		f.pending.Add(-int64(len(p.bytes)))
	}
}

// Read gives the decompressor the bytes that have come, waiting for the first.
func (f *inflater) Read(p []byte) (int, error) {
	for len(f.current.bytes) == 0 {
		next, ok := <-f.in
		if !ok {
			return 0, io.EOF
		}
		f.pending.Add(-int64(len(next.bytes)))
		f.current = next
	}
	n := copy(p, f.current.bytes)
	f.current.bytes = f.current.bytes[n:]
	return n, nil
}

// inflated takes decompressed bytes, on the inflater's goroutine, and tells
// whether more are wanted. The relay does not wait for it.
func (x *Exchange) inflated(p []byte, at time.Duration) bool {
	x.decoding.Lock()
	defer x.decoding.Unlock()
	x.mu.Lock()
	decoder := x.decoder
	x.mu.Unlock()
	if decoder == nil {
		return false
	}
	began := Now()
	sound := safely(func() { decoder.Feed(p, at) })
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.decoder == nil:
	case sound:
		x.took(Now().Sub(began))
	default:
		x.detach(&x.tap.panicked, "decoder_panic")
	}
	return x.decoder != nil
}

// unreadable says that the body does not decompress from here on.
func (x *Exchange) unreadable() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.broken = true
	x.record.Notes = append(x.record.Notes, "broken_encoding")
}

// decompressor opens one coding upon the bytes below it.
type decompressor func(io.Reader) (io.Reader, error)

// decompressors lists what undoes a Content-Encoding, the outermost coding
// first; without the field, the magic number of the first bytes decides (some
// services gzip and do not say so). None means that the bytes are plain; known is
// false when a coding is not.
func decompressors(encoding string, first []byte) (open []decompressor, known bool) {
	if encoding == "" {
		switch {
		case beginsLike(first, "\x1f\x8b"):
			return []decompressor{openGzip}, true
		case beginsLike(first, "\x28\xb5\x2f\xfd"):
			return []decompressor{openZstd}, true
		}
		return nil, true
	}
	for coding := range strings.SplitSeq(encoding, ",") {
		var d decompressor
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "identity", "":
			continue
		case "gzip", "x-gzip":
			d = openGzip
		case "deflate":
			d = openDeflate
		case "br":
			d = func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }
		case "zstd":
			d = openZstd
		default:
			return nil, false
		}
		open = append([]decompressor{d}, open...)
	}
	return open, true
}

// beginsLike tells whether p may be the beginning of what starts with magic. No
// text that a dialect reads shares the first byte of one.
func beginsLike(p []byte, magic string) bool {
	n := min(len(p), len(magic))
	return string(p[:n]) == magic[:n]
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
}

// openDeflate reads zlib, as RFC 9110 section 8.4.1.2 defines the coding, and
// the raw deflate that some servers send in its place.
func openDeflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(2); err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
