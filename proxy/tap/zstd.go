package tap

import (
	"errors"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
)

// zstdFrames finds the headers of frames in a zstd stream, cut anywhere, and the largest
// window that they declare (RFC 8878, section 3.1). The zero value is at the start.
type zstdFrames struct {
	window int64

	inFrame  bool   // behind a frame's header
	checksum bool   // the frame ends in one
	lost     bool   // the stream is no zstd
	skip     uint64 // bytes up to the next header of a frame or block
	head     [zstdHeader]byte
	headLen  int // so far
}

const (
	zstdHeader      = 18 // the longest header of a frame, in bytes
	zstdBlockHeader = 3
	zstdChecksum    = 4
	zstdRLE         = 1 // the type of a block that repeats one byte
)

// read reads the next bytes, and returns the largest window so far.
func (z *zstdFrames) read(p []byte) int64 {
	for len(p) > 0 && !z.lost {
		if z.skip > 0 {
			n := min(z.skip, uint64(len(p)))
			z.skip -= n
			p = p[n:]
			continue
		}
		z.head[z.headLen] = p[0]
		z.headLen++
		p = p[1:]
		if z.inFrame {
			z.readBlock()
		} else {
			z.readFrame()
		}
	}
	return z.window
}

// readFrame reads the header of a frame, if it is whole.
func (z *zstdFrames) readFrame() {
	var h zstd.Header
	switch err := h.Decode(z.head[:z.headLen]); {
	case errors.Is(err, io.ErrUnexpectedEOF) && z.headLen < zstdHeader:
		return
	case err != nil:
		z.lost = true
		return
	}
	z.headLen = 0
	if h.Skippable {
		z.skip = uint64(h.SkippableSize)
		return
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	z.window = max(z.window, int64(min(window, math.MaxInt64)))
	z.inFrame, z.checksum = true, h.HasCheckSum
}

// readBlock reads the header of a block, if it is whole.
func (z *zstdFrames) readBlock() {
	if z.headLen < zstdBlockHeader {
		return
	}
	z.headLen = 0
	h := uint64(z.head[0]) | uint64(z.head[1])<<8 | uint64(z.head[2])<<16
	z.skip = h >> 3
	if h>>1&3 == zstdRLE {
		z.skip = 1
	}
	if h&1 != 0 { // the last block
		z.inFrame = false
		if z.checksum {
			z.skip += zstdChecksum
		}
	}
}
