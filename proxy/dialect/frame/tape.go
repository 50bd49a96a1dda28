package frame

// tape is a document that a reader has recorded: its text, and where in the text the values
// stand that the reader emitted or skipped. Where the next document has the same text, a
// reader emits the recorded values again instead of reading the text, and reads on from the
// first value that differs. So a value that nobody looks for may differ from document to
// document.
//
// It makes readers faster and changes nothing else. Nobody changes a tape once it is on its
// shelf, so that the readers of many streams may play it at once.
type tape struct {
	doc    []byte
	points []point
	last   place // of the reader, at the end of the document
}

const (
	// maxRecorded bounds the document of a tape, in bytes, and maxPoints its values.
	maxRecorded = 1024
	maxPoints   = 40
	// mostPatience bounds how many documents a reader lets pass before it records again. A
	// stream of documents that never resemble each other costs little more than without a
	// tape.
	mostPatience = 64
)

// repeat is what a reader knows of documents that resemble each other.
type repeat struct {
	tape   *tape // nil before the first document
	on     bool
	coarse bool // the document before had too many values: leave out those that nobody looks for

	// Documents that differ in more than values miss the tape. After more misses than its
	// patience, the reader records the next document in place of the recorded one.
	misses, patience uint8
}

// point is a value that the reader emitted or skipped.
type point struct {
	start uint16 // offset of the value
	end   uint16 // offset behind the value
	plain bool   // the sink got all its text, as the document writes it, or none
	field Field  // 0: the reader skipped the value
	kind  Kind

	before, after place // of the reader, at start and at end
}

// readRepeating reads a document from its start, as far as the tape can, and returns the
// rest.
func (j *JSON) readRepeating(p []byte) []byte {
	r := &j.repeat
	if r.tape == nil || r.misses > r.patience {
		return j.record(p)
	}
	rest, ok := r.tape.play(j, p)
	if !ok {
		r.misses++
		return rest
	}
	r.misses, r.patience = 0, 1 // one other document between two such is no reason to record
	return rest
}

// record reads a document, and records it if it is whole, has values and fits on a tape. It
// returns the bytes that it did not read.
func (j *JSON) record(p []byte) []byte {
	r := &j.repeat
	r.tape = nil
	if len(p) > maxRecorded {
		return p
	}
	to := j.shape.tapes.borrow()
	defer j.shape.tapes.giveBack(to)
	rest := p
	for len(rest) > 0 {
		before, from, emitted := j.place, rest, j.emitted
		if rest = j.token(rest); j.emitted == emitted && (r.coarse || !j.skippedOne(before, from, rest)) {
			continue
		}
		if to.count == maxPoints {
			r.coarse = !r.coarse
			return rest
		}
		to.points[to.count] = newPoint(j, before, len(p)-len(from), len(p)-len(rest), j.emitted != emitted)
		to.count++
	}
	r.coarse = false
	if j.Whole() && to.count > 0 {
		r.tape = j.shape.tapes.keep(&tape{p, to.points[:to.count], j.place})
		r.misses, r.patience = 0, min(2*r.patience+1, mostPatience)
	}
	return nil
}

// skippedOne tells whether the reader has skipped a string, number or word that is a value:
// between from and rest, and it was at before ahead of it.
func (j *JSON) skippedOne(before place, from, rest []byte) bool {
	switch before.state {
	case atValue, atElement:
		return j.inside == before.inside && j.state == atComma
	case inSkipped:
		isKey := len(rest) > 0 && rest[0] == ':'
		return !isKey && (from[0] == '"' || bareBytes[from[0]])
	}
	return false
}

// newPoint returns the point of the value that j emitted last, or skipped.
func newPoint(j *JSON, before place, start, end int, emitted bool) point {
	k := point{start: uint16(start), end: uint16(end), plain: true, before: before, after: j.place}
	if !emitted {
		return k
	}
	k.field, k.kind = j.field, j.kind
	switch j.kind {
	case Object, Array, End: // without a text
	case String:
		k.plain = end-start == j.size+len(`""`) && j.size <= MaxText
	default:
		k.plain = end-start == j.size && j.size <= MaxText
	}
	return k
}

// play reads a document with the help of the recorded one, as far as the two differ in
// values only. It returns the rest, and false if the documents differ in more.
func (t *tape) play(j *JSON, p []byte) (rest []byte, ok bool) {
	at := 0 // the place in the recorded document that p begins at in this one
	for i := 0; ; i++ {
		same := CommonLen(p, t.doc[at:])
		equal := same == len(p) && at+same == len(t.doc)
		first := i
		for i < len(t.points) && t.points[i].plain && (equal || int(t.points[i].end) < at+same) {
			i++
		}
		if i > first {
			t.emit(j, t.points[first:i], p, at)
			last := &t.points[i-1]
			n := int(last.end) - at
			p, same, at = p[n:], same-n, at+n
			j.place = last.after
		}
		if i == len(t.points) {
			if equal {
				j.place = t.last
				return nil, true
			}
			return p, true
		}
		k := &t.points[i]
		gap := int(k.start) - at
		if same < gap || gap == len(p) || insideWord(p, gap) {
			return p, false
		}
		j.place = k.before
		p = j.token(p[gap:])
		if !j.resembles(k.after) {
			return p, false
		}
		at = int(k.end)
	}
}

// emit hands the values of some points to the sink again. Their text is in p; p[0] stands
// at offset at of the recorded document.
func (t *tape) emit(j *JSON, points []point, p []byte, at int) {
	for i := range points {
		k := &points[i]
		if k.field == 0 {
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

// token takes a step of j, and goes on to the end of a string that the step began, as
// far as p reaches. In a container that is skipped, a step is a string, a number, a word, or
// all that lies between two of them.
func (j *JSON) token(p []byte) []byte {
	if j.state == inSkipped && !j.quoted {
		return j.skipToken(p)
	}
	p = j.step(p)
	for j.state == inText && len(p) > 0 {
		p = j.text(p)
	}
	return p
}

// resembles tells whether the reader is at an equal place, but for the name of a member.
func (a place) resembles(b place) bool {
	return a.state == b.state && a.inside == b.inside && a.array == b.array && a.skipped == b.skipped
}

// insideWord tells whether a number or word goes on at p[at].
func insideWord(p []byte, at int) bool { return at > 0 && bareBytes[p[at-1]] && bareBytes[p[at]] }
