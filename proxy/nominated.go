package proxy

import "bytes"

// nominated is the set of the fields that Connection names (RFC 9110, section 7.6.1). An
// honest head names one or two. A head of 256 KiB may name tens of thousands, and have
// as many fields, so that a set of many finds a field without a look at each name.
type nominated struct {
	few  [maxFew][]byte
	n    int // of few
	many map[string]struct{}
}

// maxFew is how many names are compared one by one, which allocates nothing.
const maxFew = 4

// full tells whether there is no room for further names.
func (s *nominated) full() bool { return len(s.many) >= maxLines }

// add adds a name, which stays valid as long as the head does. The caller has made sure
// that there is room.
func (s *nominated) add(name []byte) {
	if s.n < maxFew {
		s.few[s.n] = name
		s.n++
		return
	}
	if s.many == nil {
		s.many = map[string]struct{}{}
	}
	s.many[string(bytes.ToLower(name))] = struct{}{}
}

// has tells whether Connection names a field, in any case.
func (s *nominated) has(name []byte) bool {
	for _, n := range s.few[:s.n] {
		if bytes.EqualFold(n, name) {
			return true
		}
	}
	if s.many == nil {
		return false
	}
	_, ok := s.many[string(bytes.ToLower(name))]
	return ok
}
