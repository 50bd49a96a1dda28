package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"
)

// A segment is a file: a head, then entries up to its end. All numbers are little-endian,
// all checksums CRC-32C.
//
//	segment head  magic[4]  base uint64    crc uint32
//	entry head    length uint32  items uint32  payload's crc uint32  crc uint32
//
// base is the number of items that the spool ever appended before this segment. The bases
// of two segments together say how many items were in the first, even when its entries
// are damaged. The last checksum of a head covers the rest of the head, so that a reader
// can step over an entry with a damaged payload.
//
// The top bit of length says that the payload is compressed, as one block of S2
// (https://github.com/klauspost/compress/tree/master/s2). The other bits are the bytes in
// the file, and the payload's checksum covers those bytes. Segments with the older magic
// have no compressed payloads, and are otherwise the same.
const (
	segmentHead   = 16
	entryHead     = 16
	segmentMagic  = "hwq2"
	olderMagic    = "hwq1"
	segmentName   = ".segment"
	compressedBit = 1 << 31
)

func checksum(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// segment is a file of the spool with unfinished entries.
type segment struct {
	number     uint64
	base       uint64
	size       int64  // bytes of whole entries; a torn write may follow in the file
	unfinished uint64 // items
}

func (s segment) name() string { return fmt.Sprintf("%016x%s", s.number, segmentName) }

// segmentNumber reads the name of a file. It returns false when the file is no segment.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentName)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 16, 64)
	return number, err == nil
}

func appendSegmentHead(p []byte, base uint64) []byte {
	from := len(p)
	p = append(p, segmentMagic...)
	p = binary.LittleEndian.AppendUint64(p, base)
	return binary.LittleEndian.AppendUint32(p, checksum(p[from:]))
}

// readSegmentHead returns the base of a segment, and false when the head is damaged.
func readSegmentHead(r io.ReaderAt) (base uint64, ok bool) {
	var p [segmentHead]byte
	if _, err := r.ReadAt(p[:], 0); err != nil || !isMagic(string(p[:4])) {
		return 0, false
	}
	return binary.LittleEndian.Uint64(p[4:]), checksum(p[:12]) == binary.LittleEndian.Uint32(p[12:])
}

func isMagic(p string) bool { return p == segmentMagic || p == olderMagic }

// hasMagic reports whether a file begins like a segment. A file that is shorter than the
// magic must begin a magic.
func hasMagic(r io.ReaderAt) bool {
	var p [len(segmentMagic)]byte
	n, err := r.ReadAt(p[:], 0)
	begun := string(p[:n])
	return (err == nil || errors.Is(err, io.EOF)) && (strings.HasPrefix(segmentMagic, begun) || strings.HasPrefix(olderMagic, begun))
}

// appendEntry appends an entry to p. It compresses the payload, unless that saves nothing.
func appendEntry(p, payload []byte, items int) []byte {
	from := len(p)
	p = slices.Grow(p, entryHead+s2.MaxEncodedLen(len(payload)))[:from+entryHead]
	stored, coding := s2.Encode(p[len(p):cap(p)], payload), uint32(compressedBit)
	if len(stored) >= len(payload) {
		stored, coding = payload, 0
	}
	p = append(p, stored...)
	h := p[from : from+entryHead]
	binary.LittleEndian.PutUint32(h, uint32(len(stored))|coding)
	binary.LittleEndian.PutUint32(h[4:], uint32(items))
	binary.LittleEndian.PutUint32(h[8:], checksum(stored))
	binary.LittleEndian.PutUint32(h[12:], checksum(h[:12]))
	return p
}

// head is the head of an entry.
type head struct {
	length     int64 // of the payload in the file
	compressed bool
	items      uint64
	crc        uint32
}

// end returns the end of an entry that begins at offset.
func (h head) end(offset int64) int64 { return offset + entryHead + h.length }

// readHead reads the head of the entry at offset. It returns false when no whole head is
// there.
func readHead(r io.ReaderAt, offset int64) (head, bool) {
	var p [entryHead]byte
	if _, err := r.ReadAt(p[:], offset); err != nil || checksum(p[:12]) != binary.LittleEndian.Uint32(p[12:]) {
		return head{}, false
	}
	length := binary.LittleEndian.Uint32(p[:])
	return head{
		length:     int64(length &^ compressedBit),
		compressed: length&compressedBit != 0,
		items:      uint64(binary.LittleEndian.Uint32(p[4:])),
		crc:        binary.LittleEndian.Uint32(p[8:]),
	}, true
}

// readPayload reads the payload of the entry at offset, as Send got it. It returns false
// when the payload is damaged.
func readPayload(r io.ReaderAt, offset int64, h head) ([]byte, bool) {
	stored := make([]byte, h.length)
	if _, err := r.ReadAt(stored, offset+entryHead); err != nil || checksum(stored) != h.crc {
		return nil, false
	}
	if !h.compressed {
		return stored, true
	}
	if size, err := s2.DecodedLen(stored); err != nil || size > backlogBytes { // no payload is larger than the backlog
		return nil, false
	}
	payload, err := s2.Decode(nil, stored)
	return payload, err == nil
}

// countItems adds up the items in the heads of a segment's entries. Only the last entry
// can be torn. It counts with the items in its head, or as one item when the tear is in
// the head.
func countItems(f *os.File, size int64) uint64 {
	items := uint64(0)
	for offset := int64(segmentHead); offset < size; {
		h, ok := readHead(f, offset)
		if !ok {
			return items + 1
		}
		items += h.items
		offset = h.end(offset)
	}
	return items
}
