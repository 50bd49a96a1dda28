package tap

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// steady is a decoder that has read one more token at each look.
type steady struct {
	dialect.Decoder

	now dialect.Progress
}

func (s *steady) Progress() dialect.Progress {
	s.now.Chunks++
	s.now.Tokens++
	s.now.LastToken += 10 * time.Millisecond
	return s.now
}

func (s *steady) Over() bool { return false }

func (s *steady) Waited() dialect.Wait { return dialect.Wait{} }

// BenchmarkProgress writes what readers of open exchanges see of a chunk, without the rest of
// the chunk's way, which the exported API cannot leave out: the moment of its arrival each
// time, and its content when the decoder has read it. A dozen chunks are decoded together, and
// with a viewer those of 250 ms; each by itself is the worst that can be.
func BenchmarkProgress(b *testing.B) {
	for _, c := range []struct {
		name     string
		together int
	}{{"a dozen decoded together", 12}, {"each decoded by itself", 1}} {
		b.Run(c.name, func(b *testing.B) {
			x, d := &Exchange{tap: &Tap{}}, &steady{now: dialect.Progress{FirstToken: 1}}
			b.ReportAllocs()
			at, left := time.Duration(0), c.together
			for b.Loop() {
				at += 10 * time.Millisecond
				x.arrived(at)
				if left--; left == 0 {
					left = c.together
					x.bookProgress(d)
				}
			}
		})
	}
}
