package tap

import (
	"io"
	"reflect"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// layer is one decompressor between the bytes below it and its output. It books both,
// and the memory that the decompressor holds, with the inflater.
type layer struct {
	inflater *inflater
	below    io.Reader
	output   io.Reader
	// memory returns the bytes that the decompressor holds, and those that it will hold
	// with the input that it gets next, which may be empty. It is nil where freeWindow is
	// always enough.
	memory   func(next []byte) (held, wanted int64)
	patience time.Duration // of a decompressor that does not hold the memory yet
	// turn is locked while the decompressor works, if it shows its memory only when it has
	// it: so one at a time has memory that nobody reserved.
	turn     *sync.Mutex
	reserved int64
}

func openLayer(f *inflater, c coding, below io.Reader) (*layer, error) {
	l := &layer{inflater: f, below: below}
	return l, l.open(c)
}

// Read implements io.Reader: it reads the output.
func (l *layer) Read(p []byte) (int, error) {
	if l.turn != nil {
		l.turn.Lock()
		defer l.turn.Unlock()
	}
	n, err := l.output.Read(p)
	if !l.inflater.spend(int64(n)) || !l.fits(nil) {
		return 0, errStopped
	}
	return n, err
}

// intake is the reader that the decompressor of a layer reads. A decompressor reads it
// whenever it has grown and waits for more, so that no memory stays unseen.
type intake layer

func (l *layer) input() *intake { return (*intake)(l) }

// Read implements io.Reader.
func (i *intake) Read(p []byte) (int, error) {
	l := (*layer)(i)
	if !l.fits(nil) {
		return 0, errStopped
	}
	n, err := l.readBelow(p)
	if !l.fits(p[:n]) {
		return 0, errStopped
	}
	return n, err
}

// readBelow reads the bytes below, and lets others work meanwhile.
func (l *layer) readBelow(p []byte) (int, error) {
	if l.turn != nil {
		l.turn.Unlock()
		defer l.turn.Lock()
	}
	return l.below.Read(p)
}

// fits reports whether the budget has the memory of the decompressor.
func (l *layer) fits(next []byte) bool {
	if l.memory == nil {
		return true
	}
	held, wanted := l.memory(next)
	more := wanted - freeWindow - l.reserved
	if more <= 0 {
		return true
	}
	l.reserved += more
	if l.inflater.reserve(more, l.patience) {
		return true
	}
	l.inflater.x.tap.budget.work.owe(held) // to fill it was work
	return false
}

// openBrotli opens a brotli decompressor. It holds less than its window while the output
// is small, and may hold more: up to 3 MiB of Huffman codes. Nothing on the wire says so
// in time, so headway looks at the decompressor. It refuses a window that could never be
// reserved before the decompressor makes it.
func openBrotli(l *layer) (io.Reader, error) {
	r := brotli.NewReader(l.input())
	l.turn = &l.inflater.x.tap.budget.brotli
	if !l.inflater.x.tap.budget.work.take(0) {
		l.inflater.stopped = tooMuchWork
		return nil, errStopped
	}
	declared := int64(0)
	l.memory = func(next []byte) (held, wanted int64) {
		if declared == 0 && len(next) > 0 {
			declared = brotliWindow(next[0])
		}
		if declared > l.inflater.x.tap.budget.windows.most+freeWindow {
			return 0, declared
		}
		held, known := brotliMemory(r)
		if !known { // another version of the library: what the stream declares
			held = declared
		}
		return held, held
	}
	return r, nil
}

// brotliWindow returns the size of the window that the first byte of a brotli stream
// declares (RFC 7932, section 9.1).
func brotliWindow(first byte) int64 {
	switch n, m := first>>1&7, first>>4&7; {
	case first&1 == 0:
		return 1 << 16
	case n != 0:
		return 1 << (17 + n)
	case m == 0:
		return 1 << 17
	default:
		return 1 << (8 + m)
	}
}

// brotliMemory returns the size of the buffers of r that depend on its input, and false
// if it cannot tell.
func brotliMemory(r *brotli.Reader) (held int64, known bool) {
	if len(brotliBuffers) == 0 {
		return 0, false
	}
	v := reflect.ValueOf(r).Elem()
	for _, b := range brotliBuffers {
		held += b.element * int64(v.FieldByIndex(b.field).Cap())
	}
	return held, true
}

// brotliBuffer is a slice in a brotli.Reader.
type brotliBuffer struct {
	field   []int
	element int64 // bytes of an element
}

// brotliBuffers are the slices whose sizes depend on the input: the window, and the tables
// of Huffman codes. It is empty where the library is another version that has other ones.
var brotliBuffers = findBrotliBuffers()

func findBrotliBuffers() (all []brotliBuffer) {
	for _, path := range [][]string{{"ringbuffer"}, {"literal_hgroup", "codes"}, {"insert_copy_hgroup", "codes"}, {"distance_hgroup", "codes"}} {
		var field []int
		t := reflect.TypeFor[brotli.Reader]()
		for _, name := range path {
			if t.Kind() != reflect.Struct {
				return nil
			}
			f, ok := t.FieldByName(name)
			if !ok {
				return nil
			}
			field, t = append(field, f.Index...), f.Type
		}
		if t.Kind() != reflect.Slice {
			return nil
		}
		all = append(all, brotliBuffer{field, int64(t.Elem().Size())})
	}
	return all
}

// openZstd opens a zstd decompressor, which makes its window when it reads the header of
// a frame.
func openZstd(l *layer) (io.Reader, error) {
	var frames zstdFrames
	l.memory = func(next []byte) (held, wanted int64) { return 0, frames.read(next) }
	l.patience = windowPatience
	return zstd.NewReader(l.input(), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(l.inflater.x.tap.budget.windows.most+freeWindow)))
}
