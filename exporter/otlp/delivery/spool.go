package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// spool is a queue of entries in the segments of a directory. Entries are appended to
// the last segment, whole and by one write; they are read from the first, which is
// deleted when it is passed. The file "position" says how far that went; see position.
// Its methods must not be called at once.
type spool struct {
	dir        string
	max        int64 // bytes of all segments
	segmentMax int64
	held       *os.File // the directory's lock
	mark       *os.File // the position

	segments []segment // the oldest first
	active   *os.File  // the last segment, if it is being appended to
	reading  *os.File  // the first segment, if it is being read
	offset   int64     // in the first segment: the oldest entry that is not settled
	total    int64     // bytes of the segments
	next     uint64    // the number of the next segment
	tail     uint64    // items ever appended
	left     uint64    // those of them that are not settled
	lent     *lent     // the entry that was taken, of the first segment
	aside    int       // files that were set aside when the spool was opened
	buffer   []byte
}

// lent is an entry that waits for its answer: where it ends, and what it holds.
type lent struct {
	end   int64
	items uint64
}

// maxBuffer is the most that is kept for the next append.
const maxBuffer = 1 << 20

// append writes an entry, after dropping as many of the oldest segments as the bound
// demands. It returns how many items that dropped, the entry's own if it is beyond the
// bound. With an error the entry is not in the spool.
func (s *spool) append(payload []byte, items int) (dropped uint64, err error) {
	need := int64(entryHead + len(payload))
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
	s.buffer = appendEntry(s.buffer[:0], payload, items)
	last := &s.segments[len(s.segments)-1]
	_, err = s.active.WriteAt(s.buffer, last.size)
	if cap(s.buffer) > maxBuffer {
		s.buffer = nil
	}
	if err != nil {
		if s.active.Truncate(last.size) != nil {
			s.seal()
		}
		return dropped, err
	}
	last.size += need
	s.total += need
	last.left += uint64(items)
	s.left += uint64(items)
	s.tail += uint64(items)
	return dropped, nil
}

// makeRoom drops the oldest segments. Of the one that holds the lent entry it leaves
// what is up to that entry's end, for its fate is not known yet: should the process be
// killed, the next one delivers it. When nothing but that is left, the bound is exceeded
// by so much, one segment at most.
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

// dropBehindLent cuts the rest of the lent entry's segment off. If the disk does not do
// it, a next process delivers what was counted here.
func (s *spool) dropBehindLent() (dropped uint64) {
	if len(s.segments) == 1 {
		s.seal()
	}
	first := &s.segments[0]
	dropped = first.left - min(first.left, s.lent.items)
	s.total -= first.size - s.lent.end
	s.left -= dropped
	first.size, first.left = s.lent.end, first.left-dropped
	_ = os.Truncate(filepath.Join(s.dir, first.name()), first.size)
	s.save()
	return dropped
}

// begin makes a new segment the last.
func (s *spool) begin() error {
	made := segment{number: s.next, base: s.tail, size: segmentHead}
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

// seal ends the last segment.
func (s *spool) seal() {
	if s.active != nil {
		_ = s.active.Close()
		s.active = nil
	}
}

// take lends the oldest entry, and passes over what is damaged: dropped is how many
// items that cost. An error says that the file could not be opened; it stays.
func (s *spool) take() (e entry, ok bool, dropped uint64, err error) {
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
		payload := make([]byte, h.length)
		if _, err := s.reading.ReadAt(payload, s.offset+entryHead); err != nil || checksum(payload) != h.crc {
			dropped += h.items
			dropped += s.pass(end, h.items)
			continue
		}
		s.lent = &lent{end: end, items: h.items}
		return entry{payload: payload, items: int(h.items), spooled: true}, true, dropped, nil
	}
	return entry{}, false, dropped, nil
}

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

// settle passes the lent entry. dropped is what was lost with the rest of its segment.
func (s *spool) settle() (dropped uint64) {
	passed := *s.lent
	s.lent = nil
	return s.pass(passed.end, passed.items)
}

// giveBack leaves the lent entry where it is.
func (s *spool) giveBack() { s.lent = nil }

// pass moves the position behind an entry.
func (s *spool) pass(end int64, items uint64) (dropped uint64) {
	first := &s.segments[0]
	items = min(items, first.left)
	first.left -= items
	s.left -= items
	s.offset = end
	if s.offset >= first.size && (len(s.segments) > 1 || s.active == nil) {
		return s.dropFirst()
	}
	s.save()
	return 0
}

// dropFirst deletes the oldest segment, of which nothing is lent, and returns how many
// unsettled items it held.
func (s *spool) dropFirst() (dropped uint64) {
	if s.reading != nil {
		_ = s.reading.Close()
		s.reading = nil
	}
	s.offset = segmentHead
	return s.drop(0)
}

// drop deletes a segment and returns how many unsettled items it held. If the disk does
// not do it, it is tried again when the spool is opened; one that is not the first is
// delivered then.
func (s *spool) drop(i int) (dropped uint64) {
	if i == len(s.segments)-1 {
		s.seal()
	}
	gone := s.segments[i]
	s.segments = slices.Delete(s.segments, i, i+1)
	s.total -= gone.size
	s.left -= gone.left
	s.save()
	_ = os.Remove(filepath.Join(s.dir, gone.name()))
	return gone.left
}

// save writes the position. If that fails, what was settled since is sent again by the
// next process: no loss, so no error.
func (s *spool) save() {
	p := position{segment: s.next, offset: s.offset, items: s.tail - s.left}
	if len(s.segments) > 0 {
		p.segment = s.segments[0].number
	}
	_, _ = s.mark.WriteAt(p.encode(), 0)
}

// unread is the size of what is not settled.
func (s *spool) unread() int64 {
	if len(s.segments) == 0 {
		return 0
	}
	return s.total - s.offset
}

// close deletes the last segment if it was read, and releases the directory.
func (s *spool) close() error {
	if len(s.segments) == 1 && s.offset >= s.segments[0].size {
		s.dropFirst()
	}
	return s.release()
}

// release closes the files and gives up the lock.
func (s *spool) release() error {
	s.seal()
	if s.reading != nil {
		_ = s.reading.Close()
	}
	if err := errors.Join(s.mark.Close(), s.held.Close()); err != nil {
		return fmt.Errorf("closing spool %s: %w", s.dir, err)
	}
	return nil
}
