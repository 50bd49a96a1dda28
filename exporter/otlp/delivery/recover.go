package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// position says how far the entries of a spool are finished. The spool writes it in place,
// by one write that is too small for a kill to tear. When it is missing, the next process
// sends the spool from its beginning: twice is better than not at all.
type position struct {
	segment uint64 // all segments before this one are finished
	offset  int64  // all entries of the segment before this offset are finished
	items   uint64 // finished since the spool began
}

const positionSize = 28

func (p position) encode() []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, positionSize), p.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.offset))
	b = binary.LittleEndian.AppendUint64(b, p.items)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

// readPosition returns false when the position is missing or damaged.
func readPosition(f *os.File) (position, bool) {
	var b [positionSize]byte
	if _, err := f.ReadAt(b[:], 0); err != nil || checksum(b[:24]) != binary.LittleEndian.Uint32(b[24:]) {
		return position{}, false
	}
	return position{
		segment: binary.LittleEndian.Uint64(b[:]),
		offset:  int64(binary.LittleEndian.Uint64(b[8:])),
		items:   binary.LittleEndian.Uint64(b[16:]),
	}, true
}

// A segment has a small share of the bound, because the spool drops whole segments.
const (
	segmentShare   = 16
	largestShare   = 8 // when a sixteenth of the bound is less than smallSegment
	smallSegment   = 64 << 10
	largestSegment = 4 << 20
)

func segmentLimit(most int64) int64 {
	return min(max(most/segmentShare, min(smallSegment, most/largestShare)), largestSegment)
}

// openSpool makes dir, locks it for this process, and finds the entries that an earlier
// process left. dropped is the number of lost items that no segment accounts for.
func openSpool(dir string, most int64) (s *spool, dropped uint64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("making the spool: %w", err)
	}
	lockFile, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, 0, fmt.Errorf("locking spool %s: %w", dir, err)
	}
	positionFile, err := os.OpenFile(filepath.Join(dir, "position"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		_ = lockFile.Close()
		return nil, 0, fmt.Errorf("opening the spool's position: %w", err)
	}
	s = &spool{
		dir: dir, max: most, lockFile: lockFile, positionFile: positionFile, next: 1,
		segmentMax: segmentLimit(most),
	}
	if dropped, err = s.recover(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("reading spool %s: %w", dir, err), s.release())
	}
	return s, dropped, nil
}

// recover reads the directory. The spool never appends to a segment of an earlier process.
// dropped is the number of lost items that no segment accounts for.
func (s *spool) recover() (dropped uint64, err error) {
	at, known := readPosition(s.positionFile)
	if known {
		s.next, s.appended = at.segment, at.items
	}
	numbers, err := s.list()
	if err != nil {
		return 0, err
	}
	if len(numbers) > 0 {
		s.next = max(s.next, numbers[len(numbers)-1]+1)
	}
	for _, number := range numbers {
		lost, err := s.adopt(number, known && number < at.segment)
		if err != nil {
			return 0, err
		}
		dropped += lost
	}
	if len(s.segments) == 0 {
		s.savePosition() // gives the first segment a base to compare with, should its head be damaged
		return dropped, nil
	}
	first := s.segments[0]
	s.offset = segmentHead
	switch {
	case !known:
		at.items = first.base
	case first.number == at.segment:
		s.offset = min(max(at.offset, segmentHead), first.size)
	}
	return dropped, s.countUnfinished(at.items)
}

// list returns the numbers of the segments, in order.
func (s *spool) list() ([]uint64, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, file := range files {
		if number, ok := segmentNumber(file.Name()); ok {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// adopt adds a segment of an earlier process to the spool. It deletes a segment that is
// finished, and sets a file aside that this version did not write. It also deletes a
// segment with a damaged head: the bases of its neighbours say how many items it had, and
// the last segment, which has one neighbour only, counts as one item.
func (s *spool) adopt(number uint64, finished bool) (dropped uint64, err error) {
	found := segment{number: number}
	path := filepath.Join(s.dir, found.name())
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, s.setAside(path)
	}
	found.size = info.Size()
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	base, whole := readSegmentHead(f)
	if !finished && !whole && number+1 == s.next && found.size > segmentHead {
		dropped = 1
	}
	switch {
	case !whole && !hasMagic(f):
		return dropped, s.setAside(path)
	case finished:
		_ = os.Remove(path)
		return 0, nil
	case !whole:
		return dropped, os.Remove(path)
	}
	found.base = base
	s.segments = append(s.segments, found)
	s.total += found.size
	return 0, nil
}

// setAside renames a file that this version must not delete: it may be a segment of a newer
// version.
func (s *spool) setAside(path string) error {
	for i := 0; ; i++ {
		to := fmt.Sprintf("%s.aside%d", path, i)
		_, err := os.Lstat(to)
		if err == nil {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(path, to)
		}
		if err == nil {
			s.setAsideFiles++
		}
		return err
	}
}

// countUnfinished counts the unfinished items of each segment. finished is the number of
// items that were finished since the spool began.
func (s *spool) countUnfinished(finished uint64) error {
	last := s.segments[len(s.segments)-1]
	f, err := os.Open(filepath.Join(s.dir, last.name()))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	s.appended = max(last.base+countItems(f, last.size), finished)
	for i := range s.segments {
		end := s.appended
		if i+1 < len(s.segments) {
			end = s.segments[i+1].base
		}
		if end > finished {
			s.segments[i].unfinished = end - finished
			finished = end
		}
		s.unfinished += s.segments[i].unfinished
	}
	return nil
}
