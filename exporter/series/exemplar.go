package series

import (
	"math"
	"slices"

	"github.com/headway-sidecar/headway/exporter"
)

// Exemplars holds the newest exemplar of each explicit bucket of a Histogram, and the
// newest few of different exponential buckets. It takes their memory with the first
// exemplar. A Mark names the exchange of an exemplar. Exemplars is for one goroutine at a
// time.
type Exemplars[Mark any] struct {
	most    int
	buckets []Exemplar[Mark] // by bucket
	recent  []Exemplar[Mark] // of exponential buckets, the oldest first
}

// Exemplar is a sample of a histogram, and the mark of its exchange.
type Exemplar[Mark any] struct {
	Value float64
	Mark  Mark

	taken bool // false where a bucket has no exemplar
	key   int  // its exponential bucket
}

// NewExemplars returns an empty Exemplars, with room for so many of exponential buckets.
func NewExemplars[Mark any](most int) Exemplars[Mark] { return Exemplars[Mark]{most: most} }

// Reset lets go of all exemplars.
func (x *Exemplars[Mark]) Reset() { x.buckets, x.recent = nil, nil }

// Put makes the largest of samples an exemplar of h, because people will ask about that
// one. H has the samples already.
func (x *Exemplars[Mark]) Put(h *Histogram, samples exporter.Samples, mark Mark) {
	e := Exemplar[Mark]{Mark: mark, taken: true}
	for i := range samples {
		e.Value = max(e.Value, samples[i].Value)
	}
	if h.Buckets != nil {
		if x.buckets == nil {
			x.buckets = make([]Exemplar[Mark], len(h.Buckets))
		}
		x.buckets[h.bucket(e.Value, 0)] = e
	}
	if h.Exponential != nil {
		e.key = h.Exponential.key(e.Value)
		x.remember(e)
	}
}

// remember puts e in the place of one of the same bucket, or else of the oldest.
func (x *Exemplars[Mark]) remember(e Exemplar[Mark]) {
	if x.recent == nil {
		x.recent = make([]Exemplar[Mark], 0, x.most)
	}
	old := slices.IndexFunc(x.recent, func(o Exemplar[Mark]) bool { return o.key == e.key })
	if old < 0 && len(x.recent) == x.most {
		old = 0
	}
	if old >= 0 {
		x.recent = slices.Delete(x.recent, old, old+1)
	}
	x.recent = append(x.recent, e)
}

// Bucket returns the exemplar of the i-th explicit bucket, or nil. It belongs to x.
func (x *Exemplars[Mark]) Bucket(i int) *Exemplar[Mark] {
	if x.buckets == nil || !x.buckets[i].taken {
		return nil
	}
	return &x.buckets[i]
}

// Recent returns those of exponential buckets, the oldest first. They belong to x.
func (x *Exemplars[Mark]) Recent() []Exemplar[Mark] { return x.recent }

// key tells exponential buckets apart: the zero bucket, and the others.
func (x *Exponential) key(v float64) int {
	if v <= x.threshold {
		return math.MinInt
	}
	return x.bucket(v)
}
