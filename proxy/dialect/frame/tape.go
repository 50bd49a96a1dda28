package frame

// tape is a document as it was read: its text and where the values that were told
// stand in it. In the next document all that is the same is not read again. The
// values of it are told again, and reading goes on at the first that differs.
//
// It is an optimisation that nobody can tell from reading, but by the clock.
type tape struct {
	doc    [1024]byte
	length int // of the document; 0 is none
	points [40]point
	count  int
	last   place // at the end of the document
	failed bool  // the last document differed in more than values: record the next
}

// point is the telling of a value.
type point struct {
	start uint16 // of the value: before it the reader was at before
	end   uint16 // behind it the reader was at after
	plain bool   // its text is all there is to it
	field Field
	kind  Kind

	before, after place
}

// read reads what it can of a document, from its start, and returns the rest.
func (t *tape) read(j *JSON, p []byte) []byte {
	if t.length == 0 || t.failed {
		return t.record(j, p)
	}
	return t.play(j, p)
}

// record reads a document and remembers it, if it is whole.
func (t *tape) record(j *JSON, p []byte) []byte {
	t.length, t.count = 0, 0
	if len(p) > len(t.doc) {
		return p
	}
	rest := p
	for len(rest) > 0 {
		before, start, told := j.place, len(p)-len(rest), j.told
		rest = j.token(rest)
		if j.told == told {
			continue
		}
		if t.count == len(t.points) {
			return rest
		}
		t.points[t.count] = newPoint(j, before, start, len(p)-len(rest))
		t.count++
	}
	if j.Whole() {
		t.length, t.last, t.failed = copy(t.doc[:], p), j.place, false
	}
	return nil
}

// newPoint is the point of the value that was told last.
func newPoint(j *JSON, before place, start, end int) point {
	k := point{start: uint16(start), end: uint16(end), field: j.field, kind: j.kind, before: before, after: j.place}
	switch j.kind {
	case Object, Array, End:
		k.plain = true
	case String:
		k.plain = end-start == j.size+len(`""`) && j.size <= MaxText
	default:
		k.plain = end-start == j.size && j.size <= MaxText
	}
	return k
}

// play reads a document with the help of the recorded one, up to where they differ
// in more than the values. It returns the rest.
func (t *tape) play(j *JSON, p []byte) []byte {
	at := 0 // in the recorded document, where p is in this one
	for i := 0; ; i++ {
		same := common(p, t.doc[at:t.length])
		equal := same == len(p) && at+same == t.length
		first := i
		for i < t.count && t.points[i].plain && (equal || int(t.points[i].end) < at+same) {
			i++
		}
		if i > first {
			t.tell(j, t.points[first:i], p, at)
			last := &t.points[i-1]
			n := int(last.end) - at
			p, same, at = p[n:], same-n, at+n
			j.place, j.skipped = last.after, 1 // as push leaves it
		}
		if i == t.count {
			if equal {
				j.place = t.last
				return nil
			}
			return p
		}
		k := &t.points[i]
		gap := int(k.start) - at
		if same < gap || gap == len(p) {
			t.failed = true
			return p
		}
		j.place = k.before
		p = j.token(p[gap:])
		if j.state != k.after.state || j.inside != k.after.inside || j.array != k.after.array {
			t.failed = true
			return p
		}
		at = int(k.end)
	}
}

// tell tells the values of some points again. Their text is in p, which begins
// where the recorded document is at at.
func (t *tape) tell(j *JSON, points []point, p []byte, at int) {
	for i := range points {
		k := &points[i]
		if k.field == Varying {
			continue
		}
		v := Value{Field: k.field, Kind: k.kind}
		switch k.kind {
		case Object, Array, End:
		case String:
			v.Text = p[int(k.start)+1-at : int(k.end)-1-at]
		default:
			v.Text = p[int(k.start)-at : int(k.end)-at]
		}
		v.Len = len(v.Text)
		j.sink.Value(v)
	}
}

// token is a step that does not end within a string, as long as there is text.
func (j *JSON) token(p []byte) []byte {
	p = j.step(p)
	for j.state == inText && len(p) > 0 {
		p = j.text(p)
	}
	return p
}
