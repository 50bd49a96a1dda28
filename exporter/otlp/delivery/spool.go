package delivery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	lent     *lent     // the entry that was taken
	buffer   []byte
}

// place is where an entry lies.
type place struct {
	segment uint64
	end     int64
}

type lent struct {
	place
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
	for s.total+need+segmentHead > s.max {
		dropped += s.dropFirst()
	}
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
		at := place{segment: first.number, end: h.end(s.offset)}
		payload := make([]byte, h.length)
		if _, err := s.reading.ReadAt(payload, s.offset+entryHead); err != nil || checksum(payload) != h.crc {
			dropped += h.items
			dropped += s.pass(at, h.items)
			continue
		}
		s.lent = &lent{place: at, items: h.items}
		return entry{payload: payload, items: int(h.items), at: at}, true, dropped, nil
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

// settle passes a lent entry. dropped is what was lost with the rest of its segment.
func (s *spool) settle(e entry) (dropped uint64) {
	s.lent = nil
	return s.pass(e.at, uint64(e.items))
}

// giveBack leaves a lent entry where it is; if the bound has taken it, its items are
// lost.
func (s *spool) giveBack(e entry) (dropped uint64) {
	if s.lent == nil {
		return uint64(e.items)
	}
	s.lent = nil
	return 0
}

// pass moves the position behind an entry, unless its segment is gone.
func (s *spool) pass(at place, items uint64) (dropped uint64) {
	if len(s.segments) == 0 || s.segments[0].number != at.segment {
		return 0
	}
	first := &s.segments[0]
	items = min(items, first.left)
	first.left -= items
	s.left -= items
	s.offset = at.end
	if s.offset >= first.size && (len(s.segments) > 1 || s.active == nil) {
		return s.dropFirst()
	}
	s.save()
	return 0
}

// dropFirst deletes the oldest segment and returns how many unsettled items it held.
// The one that is lent is not among them: it is settled or given back yet.
func (s *spool) dropFirst() (dropped uint64) {
	first := s.segments[0]
	if len(s.segments) == 1 {
		s.seal()
	}
	if s.reading != nil {
		_ = s.reading.Close()
		s.reading = nil
	}
	s.segments = s.segments[1:]
	s.total -= first.size
	s.left -= first.left
	s.offset = segmentHead
	dropped = first.left
	if s.lent != nil {
		dropped -= min(dropped, s.lent.items)
		s.lent = nil
	}
	s.save()
	_ = os.Remove(filepath.Join(s.dir, first.name())) // tried again when the spool is opened
	return dropped
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
