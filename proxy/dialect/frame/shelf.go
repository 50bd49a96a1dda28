package frame

import (
	"bytes"
	"slices"
	"sync"
	"weak"
)

// maxTapes is how many tapes a shelf knows: the formats of the servers that one process
// talks to in one API, a few each.
const maxTapes = 32

// shelf knows the tapes of a Shape that readers play. The documents of one server differ in
// values only, so that its streams share a tape, however many they are. A tape goes when the
// last stream has ended that plays it: nobody keeps its text for longer.
type shelf struct {
	recordings sync.Pool // of *recording

	mu    sync.Mutex
	tapes [maxTapes]weak.Pointer[tape]
	next  int // the place of the next tape, if all are in use
}

// recording is the room for the values of a document that is being recorded.
type recording struct {
	points [maxPoints]point
	count  int
}

func (s *shelf) borrow() *recording {
	if r, ok := s.recordings.Get().(*recording); ok {
		return r
	}
	return new(recording)
}

func (s *shelf) giveBack(r *recording) {
	r.count = 0
	s.recordings.Put(r)
}

// keep returns the tape on the shelf that serves in place of t, or puts a copy of t there.
func (s *shelf) keep(t *tape) *tape {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := -1
	for i := range s.tapes {
		switch known := s.tapes[i].Value(); {
		case known == nil:
			free = i
		case known.like(t):
			return known
		}
	}
	if free < 0 {
		free, s.next = s.next, (s.next+1)%maxTapes
	}
	kept := &tape{bytes.Clone(t.doc), slices.Clone(t.points), t.last}
	s.tapes[free] = weak.Make(kept)
	return kept
}

// like tells whether the documents of two tapes differ in values only.
func (t *tape) like(u *tape) bool {
	if len(t.points) != len(u.points) || t.last != u.last {
		return false
	}
	a, b := 0, 0 // offsets behind the value before
	for i := range t.points {
		p, q := &t.points[i], &u.points[i]
		if p.field != q.field || p.kind != q.kind || p.before != q.before || p.after != q.after || !bytes.Equal(t.doc[a:p.start], u.doc[b:q.start]) {
			return false
		}
		a, b = int(p.end), int(q.end)
	}
	return bytes.Equal(t.doc[a:], u.doc[b:])
}
