package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// spool is a queue of entries in the segments of a directory. It appends an entry to the
// last segment, whole and by one write. It reads entries from the first segment, and
// deletes that segment when all its entries are finished. The file "position" says how far
// it came; see position. A spool is not safe for concurrent use.
type spool struct {
	dir          string
	max          int64 // bytes of all segments
	segmentMax   int64
	lockFile     *os.File
	positionFile *os.File

	segments   []segment // the oldest first
	active     *os.File  // the last segment; nil when append must begin a new one
	reading    *os.File  // the first segment; nil when it is not open
	offset     int64     // of the oldest unfinished entry, in the first segment
	total      int64     // bytes of the segments
	next       uint64    // the number of the next segment
	appended   uint64    // items ever appended
	unfinished uint64    // items
	lent       *lent     // the lent entry, which is in the first segment; nil when there is none
	buffer     []byte

	setAsideFiles int // by openSpool
}

// lent is an entry that waits for the collector's answer.
type lent struct {
	end   int64 // offset
	items uint64
}

// maxBuffer bounds the buffer that the spool keeps for the next append.
const maxBuffer = 1 << 20

// append writes an entry, after it has dropped as many of the oldest segments as the bound
// demands. It returns the number of dropped items; an entry larger than the bound is one
// of the dropped. After an error the entry is not in the spool.
func (s *spool) append(payload []byte, items int) (dropped uint64, err error) {
	s.buffer = appendEntry(s.buffer[:0], payload, items)
	defer func() {
		if cap(s.buffer) > maxBuffer {
			s.buffer = nil
		}
	}()
	need := int64(len(s.buffer))
	if need+segmentHead > s.max {
		return uint64(items), nil
	}
	dropped = s.makeRoom(need + segmentHead)
	if last := len(s.segments) - 1; s.active != nil && s.segments[last].size+need > s.segmentMax {
		s.seal()
	}
	if s.active == nil {
		if err := s.begin(); err != nil {
			return dropped, err
		}
	}
	last := &s.segments[len(s.segments)-1]
	if _, err = s.active.WriteAt(s.buffer, last.size); err != nil {
		if s.active.Truncate(last.size) != nil {
			s.seal()
		}
		return dropped, err
	}
	last.size += need
	s.total += need
	last.unfinished += uint64(items)
	s.unfinished += uint64(items)
	s.appended += uint64(items)
	return dropped, nil
}

// makeRoom drops the oldest segments until need bytes fit. It keeps the lent entry, and the
// entries before it in the same segment: the collector has not answered yet, and should the
// process be killed, the next one delivers the entry. When nothing else is left to drop,
// the spool exceeds its bound, by one segment at most.
func (s *spool) makeRoom(need int64) (dropped uint64) {
	for s.total+need > s.max {
		switch {
		case s.lent == nil:
			dropped += s.dropFirst()
		case s.segments[0].size > s.lent.end:
			dropped += s.dropBehindLent()
		case len(s.segments) > 1:
			dropped += s.drop(1)
		default:
			return dropped
		}
	}
	return dropped
}

// dropBehindLent cuts off the entries behind the lent entry in its segment. When the disk
// refuses, the next process delivers entries that were counted here as dropped.
func (s *spool) dropBehindLent() (dropped uint64) {
	if len(s.segments) == 1 {
		s.seal()
	}
	first := &s.segments[0]
	dropped = first.unfinished - min(first.unfinished, s.lent.items)
	s.total -= first.size - s.lent.end
	s.unfinished -= dropped
	first.size, first.unfinished = s.lent.end, first.unfinished-dropped
	_ = os.Truncate(filepath.Join(s.dir, first.name()), first.size)
	s.savePosition()
	return dropped
}

// begin starts a new last segment.
func (s *spool) begin() error {
	made := segment{number: s.next, base: s.appended, size: segmentHead}
	f, err := os.OpenFile(filepath.Join(s.dir, made.name()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	s.next++
	if _, err := f.WriteAt(appendSegmentHead(nil, made.base), 0); err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return err
	}
	if len(s.segments) == 0 {
		s.offset = segmentHead
	}
	s.segments = append(s.segments, made)
	s.total += made.size
	s.active = f
	return nil
}

// seal ends the last segment: the next append begins another.
func (s *spool) seal() {
	if s.active != nil {
		_ = s.active.Close()
		s.active = nil
	}
}

// lend returns the oldest unfinished entry, and false when there is none. It passes over
// damaged entries; dropped is the number of their items. After an error, which says that
// the spool could not open a segment, the segment stays.
func (s *spool) lend() (e entry, ok bool, dropped uint64, err error) {
	for len(s.segments) > 0 {
		first := &s.segments[0]
		if s.offset >= first.size {
			if len(s.segments) == 1 && s.active != nil {
				return entry{}, false, dropped, nil
			}
			dropped += s.dropFirst()
			continue
		}
		if err := s.open(); errors.Is(err, fs.ErrNotExist) {
			dropped += s.dropFirst()
			continue
		} else if err != nil {
			return entry{}, false, dropped, err
		}
		h, ok := readHead(s.reading, s.offset)
		if !ok || h.end(s.offset) > first.size {
			dropped += s.dropFirst()
			continue
		}
		end := h.end(s.offset)
		payload, whole := readPayload(s.reading, s.offset, h)
		if !whole {
			dropped += h.items
			dropped += s.advance(end, h.items)
			continue
		}
		s.lent = &lent{end: end, items: h.items}
		return entry{payload: payload, items: int(h.items), spooled: true}, true, dropped, nil
	}
	return entry{}, false, dropped, nil
}

// open opens the first segment for reading, unless it is open.
func (s *spool) open() error {
	if s.reading != nil {
		return nil
	}
	f, err := os.Open(filepath.Join(s.dir, s.segments[0].name()))
	if err != nil {
		return err
	}
	s.reading = f
	return nil
}

// finish removes the lent entry. dropped is the number of items that turned out to be
// missing from its segment.
func (s *spool) finish() (dropped uint64) {
	finished := *s.lent
	s.lent = nil
	return s.advance(finished.end, finished.items)
}

// giveBack leaves the lent entry in its place.
func (s *spool) giveBack() { s.lent = nil }

// advance moves the position behind an entry that ends at end. It deletes the segment when
// that was its last entry, and returns the number of items that were missing from it.
func (s *spool) advance(end int64, items uint64) (dropped uint64) {
	first := &s.segments[0]
	items = min(items, first.unfinished)
	first.unfinished -= items
	s.unfinished -= items
	s.offset = end
	if s.offset >= first.size && (len(s.segments) > 1 || s.active == nil) {
		return s.dropFirst()
	}
	s.savePosition()
	return 0
}

// dropFirst deletes the oldest segment, and returns the number of its unfinished items. No
// entry of it may be lent.
func (s *spool) dropFirst() (dropped uint64) {
	if s.reading != nil {
		_ = s.reading.Close()
		s.reading = nil
	}
	s.offset = segmentHead
	return s.drop(0)
}

// drop deletes a segment and returns the number of its unfinished items. When the disk
// refuses, the next process tries again, but delivers a segment that was not the first.
func (s *spool) drop(i int) (dropped uint64) {
	if i == len(s.segments)-1 {
		s.seal()
	}
	gone := s.segments[i]
	s.segments = slices.Delete(s.segments, i, i+1)
	s.total -= gone.size
	s.unfinished -= gone.unfinished
	s.savePosition()
	_ = os.Remove(filepath.Join(s.dir, gone.name()))
	return gone.unfinished
}

// savePosition writes the position. When the disk refuses, the next process sends entries
// again that are finished. That loses nothing, so it is no error.
func (s *spool) savePosition() {
	p := position{segment: s.next, offset: s.offset, items: s.appended - s.unfinished}
	if len(s.segments) > 0 {
		p.segment = s.segments[0].number
	}
	_, _ = s.positionFile.WriteAt(p.encode(), 0)
}

// unfinishedBytes returns the bytes of all unfinished entries, frames included.
func (s *spool) unfinishedBytes() int64 {
	if len(s.segments) == 0 {
		return 0
	}
	return s.total - s.offset
}

// close deletes the last segment if its entries are finished, and releases the directory.
func (s *spool) close() error {
	if len(s.segments) == 1 && s.offset >= s.segments[0].size {
		s.dropFirst()
	}
	return s.release()
}

// release closes the files, and with the lock file the lock ends.
func (s *spool) release() error {
	s.seal()
	if s.reading != nil {
		_ = s.reading.Close()
	}
	if err := errors.Join(s.positionFile.Close(), s.lockFile.Close()); err != nil {
		return fmt.Errorf("closing spool %s: %w", s.dir, err)
	}
	return nil
}
