package tap

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

const (
	// backlogBytes is how much of a stream waits to be decoded together: a dozen chunks
	// of a chat. To decode them at once takes a fifth of the time that it takes to decode
	// each by itself, right after the system calls that forwarded it.
	backlogBytes = 4 << 10
	// backlogReads bounds the reads among them.
	backlogReads = 32
)

// backlog holds the bytes of a stream that the relay has forwarded and the decoder has
// not read, with their times of arrival.
type backlog struct {
	bytes [backlogBytes]byte
	reads [backlogReads]struct {
		end int // in bytes
		at  time.Duration
	}
	n int // of reads
}

// add copies p, and reports whether there was room for it.
func (b *backlog) add(p []byte, at time.Duration) bool {
	used := b.used()
	if b.n == backlogReads || used+len(p) > backlogBytes {
		return false
	}
	b.reads[b.n].end = used + copy(b.bytes[used:], p)
	b.reads[b.n].at = at
	b.n++
	return true
}

func (b *backlog) used() int {
	if b.n == 0 {
		return 0
	}
	return b.reads[b.n-1].end
}

// drain feeds all to d, read by read, and empties the backlog.
func (b *backlog) drain(d dialect.Decoder) {
	start, n := 0, b.n
	b.n = 0
	for _, r := range b.reads[:n] {
		d.Feed(b.bytes[start:r.end], r.at)
		start = r.end
	}
}
