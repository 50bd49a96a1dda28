package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
)

// A segment is a file: a head, then entries to the end. All numbers are little-endian,
// all checksums CRC-32C.
//
//	segment head  magic[4]  base uint64    crc uint32
//	entry head    length uint32  items uint32  payload's crc uint32  crc uint32
//
// base is how many items were ever appended before this segment. It tells how many
// were lost with what cannot be read between two segments. The last checksum of a head
// covers the rest of the head: an entry whose payload alone is damaged is stepped over.
const (
	segmentHead  = 16
	entryHead    = 16
	segmentMagic = "hwq1"
	segmentName  = ".segment"
)

func checksum(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

// segment is a file of the spool that has not been read to its end.
type segment struct {
	number uint64
	base   uint64
	size   int64  // what counts of the file; beyond it may be a torn write
	left   uint64 // items that are not settled
}

func (s segment) name() string { return fmt.Sprintf("%016x%s", s.number, segmentName) }

// segmentNumber reads a file's name; false if it is no segment's.
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

// readSegmentHead returns the base; false if the head is not whole.
func readSegmentHead(r io.ReaderAt) (base uint64, ok bool) {
	var p [segmentHead]byte
	if _, err := r.ReadAt(p[:], 0); err != nil || string(p[:4]) != segmentMagic {
		return 0, false
	}
	return binary.LittleEndian.Uint64(p[4:]), checksum(p[:12]) == binary.LittleEndian.Uint32(p[12:])
}

// hasMagic is whether a file begins as a segment does, as far as it goes.
func hasMagic(r io.ReaderAt) bool {
	var p [len(segmentMagic)]byte
	n, err := r.ReadAt(p[:], 0)
	return (err == nil || errors.Is(err, io.EOF)) && strings.HasPrefix(segmentMagic, string(p[:n]))
}

func appendEntry(p, payload []byte, items int) []byte {
	from := len(p)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(payload)))
	p = binary.LittleEndian.AppendUint32(p, uint32(items))
	p = binary.LittleEndian.AppendUint32(p, checksum(payload))
	p = binary.LittleEndian.AppendUint32(p, checksum(p[from:]))
	return append(p, payload...)
}

// head is what the head of an entry says.
type head struct {
	length int64
	items  uint64
	crc    uint32
}

// end is where an entry that begins at offset ends.
func (h head) end(offset int64) int64 { return offset + entryHead + h.length }

// readHead reads the head of the entry at offset; false if there is none.
func readHead(r io.ReaderAt, offset int64) (head, bool) {
	var p [entryHead]byte
	if _, err := r.ReadAt(p[:], offset); err != nil || checksum(p[:12]) != binary.LittleEndian.Uint32(p[12:]) {
		return head{}, false
	}
	return head{
		length: int64(binary.LittleEndian.Uint32(p[:])),
		items:  uint64(binary.LittleEndian.Uint32(p[4:])),
		crc:    binary.LittleEndian.Uint32(p[8:]),
	}, true
}

// countItems adds up what a segment holds by the heads of its entries. The first that
// is torn is the last, for only the end of the last segment can be: it counts with the
// items that it promised, or as one if it was torn within its head.
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
