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

// maxPending bounds the compressed bytes that wait for one inflater.
const maxPending = 1 << 20

// maxZstdWindow bounds the memory of a zstd stream: RFC 8878, section 3.1.1.1.2,
// asks decoders to support 8 MiB.
const maxZstdWindow = 8 << 20

// maxCodings bounds the codings that headway undoes, one upon the other. Each costs the
// memory of a window, and no server has a reason for more than one.
const maxCodings = 2

// maxEncoding bounds the Content-Encoding that headway looks at, in bytes.
const maxEncoding = 256

// inflater decompresses a copy of a body on a goroutine of its own. Its output has the
// time of the compressed bytes that completed it.
type inflater struct {
	in      chan piece
	pending atomic.Int64
	done    chan struct{}

	current piece // that the goroutine reads, which alone uses it
}

type piece struct {
	bytes []byte
	at    time.Duration
}

// newInflater starts to decompress, with the decompressors that open opens one upon
// the other, and feeds the output to the decoder of x.
func newInflater(open []decompressor, x *Exchange) *inflater {
	f := &inflater{in: make(chan piece, 256), done: make(chan struct{})}
	go f.run(open, x)
	return f
}

// push copies the next compressed bytes and hands them over. It never waits: it
// returns false when the inflater is too far behind to go on.
func (f *inflater) push(p []byte, at time.Duration) bool {
	if f.pending.Add(int64(len(p))) > maxPending {
		return false
	}
	select {
	case f.in <- piece{bytes: append([]byte(nil), p...), at: at}:
		return true
	default:
		return false
	}
}

// finish takes no more bytes, and calls then when the decoder has read all.
func (f *inflater) finish(then func()) {
	close(f.in)
	go func() {
		<-f.done
		then()
	}()
}

func (f *inflater) run(open []decompressor, x *Exchange) {
	defer close(f.done)
	defer f.drain()
	// The relay judges a body that ends early.
	if err := f.inflate(open, x); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		x.bookBroken()
	}
}

// inflate reads the body to its end and returns the error that ended it.
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
		if n > 0 && !x.feedInflated(buf[:n], f.current.at) {
			return io.EOF
		}
		if err != nil {
			return err
		}
	}
}

// drain drops the rest of a body that does not decompress.
func (f *inflater) drain() {
	for p := range f.in {
		f.pending.Add(-int64(len(p.bytes)))
	}
}

// Read implements io.Reader for the innermost decompressor. It waits for the first
// byte, and returns no more than has come by then.
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

// feedInflated feeds decompressed bytes to the decoder, on the inflater's goroutine,
// and reports whether the decoder is still there. The relay does not wait for it.
func (x *Exchange) feedInflated(p []byte, at time.Duration) bool {
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
		x.bookFeed(Now().Sub(began))
	default:
		x.detach(&x.tap.panicked, "decoder_panic")
	}
	return x.decoder != nil
}

// bookBroken books that the body does not decompress from here on.
func (x *Exchange) bookBroken() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.broken = true
	x.record.Notes = append(x.record.Notes, "broken_encoding")
}

// decompressor opens one coding upon the bytes below it.
type decompressor func(io.Reader) (io.Reader, error)

// decompressors returns the decompressors that undo a Content-Encoding, the outermost
// coding first. None means that the bytes are plain; known is false when headway does
// not know a coding, or there are more than maxCodings. Without the field the first bytes decide, because some services
// gzip and do not say so.
func decompressors(encoding string, first []byte) (open []decompressor, known bool) {
	switch {
	case encoding == "":
		return sniffed(first), true
	case len(encoding) > maxEncoding:
		return nil, false
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
			d = openBrotli
		case "zstd":
			d = openZstd
		default:
			return nil, false
		}
		if len(open) == maxCodings {
			return nil, false
		}
		open = append([]decompressor{d}, open...)
	}
	return open, true
}

// sniffed returns the decompressor whose magic number the first bytes are.
func sniffed(first []byte) []decompressor {
	switch {
	case mayBegin(first, "\x1f\x8b"):
		return []decompressor{openGzip}
	case mayBegin(first, "\x28\xb5\x2f\xfd"):
		return []decompressor{openZstd}
	}
	return nil
}

// mayBegin reports whether p is a part of magic, or begins with it. The first byte of
// a magic number is none with which a text begins that a dialect reads.
func mayBegin(p []byte, magic string) bool {
	n := min(len(p), len(magic))
	return string(p[:n]) == magic[:n]
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openBrotli(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
}

// openDeflate opens zlib, which RFC 9110 section 8.4.1.2 calls deflate, or the raw
// deflate that some servers send in its place.
func openDeflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(2); err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
