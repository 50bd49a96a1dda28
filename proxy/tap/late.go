package tap

// maxLate bounds the bytes of a server that wait for the report of what they answer.
const maxLate = 64 << 10

// late holds bytes of the server's side of a session that came while the relay was writing
// the client's. They may be the answer to what it was writing.
type late struct {
	bytes []byte
	reads []lateRead
}

type lateRead struct {
	end     int // in bytes
	came    coming
	written Instant
}

// add copies p, and reports whether there was room for it.
func (l *late) add(p []byte, came coming, written Instant) bool {
	if len(l.bytes)+len(p) > maxLate {
		return false
	}
	l.bytes = append(l.bytes, p...)
	l.reads = append(l.reads, lateRead{len(l.bytes), came, written})
	return true
}

// drain feeds all to a, read by read.
func (l *late) drain(a *answer) {
	if len(l.reads) == 0 {
		return
	}
	start := 0
	for _, r := range l.reads {
		a.feed(l.bytes[start:r.end], r.came, r.written)
		start = r.end
	}
	*l = late{}
}
