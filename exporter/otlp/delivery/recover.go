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

// position is how far the entries of a spool are settled: up to offset in segment, and
// so many items since the spool began. Segments before it are done with. It is written
// in place, by one write that is too small to be torn by a kill. Without it the spool
// is read from its beginning: twice rather than not at all.
type position struct {
	segment uint64
	offset  int64
	items   uint64
}

const positionSize = 28

func (p position) encode() []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, positionSize), p.segment)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.offset))
	b = binary.LittleEndian.AppendUint64(b, p.items)
	return binary.LittleEndian.AppendUint32(b, checksum(b))
}

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

// Segments are as large as a share of the bound allows, for the bound drops them whole.
const (
	segmentShare   = 16
	largestShare   = 8 // of a bound so small that a sixteenth is below smallSegment
	smallSegment   = 64 << 10
	largestSegment = 4 << 20
)

func segmentLimit(most int64) int64 {
	return min(max(most/segmentShare, min(smallSegment, most/largestShare)), largestSegment)
}

// openSpool makes dir, takes it for this process, and finds what an earlier one left.
// dropped is how many items are known to be lost that no segment accounts for.
func openSpool(dir string, most int64) (s *spool, dropped uint64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("making the spool: %w", err)
	}
	held, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, 0, fmt.Errorf("locking spool %s: %w", dir, err)
	}
	mark, err := os.OpenFile(filepath.Join(dir, "position"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		_ = held.Close()
		return nil, 0, fmt.Errorf("opening the spool's position: %w", err)
	}
	s = &spool{
		dir: dir, max: most, held: held, mark: mark, next: 1,
		segmentMax: segmentLimit(most),
	}
	if dropped, err = s.recover(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("reading spool %s: %w", dir, err), s.release())
	}
	return s, dropped, nil
}

// recover reads the directory. No segment of an earlier process is appended to.
func (s *spool) recover() (dropped uint64, err error) {
	at, known := readPosition(s.mark)
	if known {
		s.next, s.tail = at.segment, at.items
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
		s.save() // so that what is lost with the first segment's head can be told, too
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
	return dropped, s.account(at.items)
}

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

// adopt takes up a segment, or deletes one that is settled. One that this version did
// not write is set aside, and one whose head is not whole is deleted: what it held is
// missing between its neighbours' bases, or it counts as one item if it is the last.
func (s *spool) adopt(number uint64, settled bool) (dropped uint64, err error) {
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
	if !settled && !whole && number+1 == s.next && found.size > segmentHead {
		dropped = 1
	}
	switch {
	case !whole && !hasMagic(f):
		return dropped, s.setAside(path)
	case settled:
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

// setAside renames what is not this version's to delete, a newer one's segment perhaps.
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
			s.aside++
		}
		return err
	}
}

// account finds how many items are left in each segment, settled being how many were
// settled since the spool began.
func (s *spool) account(settled uint64) error {
	last := s.segments[len(s.segments)-1]
	f, err := os.Open(filepath.Join(s.dir, last.name()))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	s.tail = max(last.base+countItems(f, last.size), settled)
	for i := range s.segments {
		end := s.tail
		if i+1 < len(s.segments) {
			end = s.segments[i+1].base
		}
		if end > settled {
			s.segments[i].left = end - settled
			settled = end
		}
		s.left += s.segments[i].left
	}
	return nil
}
