package drift

import "time"

// block collects the ln ratios of five minutes. Of very many it keeps every second one, or
// every fourth, and so on: its median is that of the whole block.
type block struct {
	start  time.Time
	ratios []float64
	stride int // one of so many is kept
	seen   int
}

const (
	fewestInBlock = 20  // a block with fewer requests is not judged
	mostInBlock   = 256 // ratios that a block keeps
)

func newBlock() block { return block{ratios: make([]float64, 0, mostInBlock), stride: 1} }

func (b *block) clear() { *b = block{ratios: b.ratios[:0], stride: 1} }

// over says whether the block's time is over. A clock that went back ends it too.
func (b *block) over(now time.Time) bool {
	return b.seen > 0 && (now.Sub(b.start) >= blockLength || now.Before(b.start))
}

func (b *block) enough() bool { return b.seen >= fewestInBlock }

func (b *block) add(at time.Time, value float64) {
	if b.seen == 0 {
		b.start = at
	}
	b.seen++
	if len(b.ratios) == cap(b.ratios) {
		b.thin()
	}
	if b.seen%b.stride == 0 {
		b.ratios = append(b.ratios, value)
	}
}

// thin drops every other ratio.
func (b *block) thin() {
	kept := b.ratios[:0]
	for i := 1; i < len(b.ratios); i += 2 {
		kept = append(kept, b.ratios[i])
	}
	b.ratios, b.stride = kept, 2*b.stride
}
