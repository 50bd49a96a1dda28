package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Buckets say how a histogram sorts its values. Other kinds of instruments have none.
type Buckets struct {
	Bounds []float64 // inclusive upper bounds of classic buckets, ascending
	Zero   float64   // up to here a value falls into the zero bucket of an exponential histogram
	// Edges are the indicators whose limits are bounds, too, so that the histogram is
	// exact at those limits.
	Edges []exchange.Indicator
}

// These values end the zero bucket of an exponential histogram, so that smaller ones do
// not take finer and finer buckets of their own: gaps of chunks that came together, under
// 0.12 ms; work of headway under a microsecond; no tokens at all.
const (
	gapZero      = 1.0 / (1 << 13)
	overheadZero = 1.0 / (1 << 20)
	tokenZero    = .5
)

// The bounds below are supersets of those that the semantic conventions and the serving
// engines recommend, so that common bounds line up across producers. The conventions'
// own cannot tell 1 ms from 10 ms between tokens, nor 11 s from 60 s to the first.

// ttftBuckets are for the wait for the first token: steps of at most 1.5 from 5 ms to
// 60 s.
func ttftBuckets(edges ...exchange.Indicator) Buckets {
	return Buckets{Zero: gapZero, Edges: edges, Bounds: []float64{
		.001, .0025, .005, .0075, .01, .015, .02, .03, .04, .06, .08, .1, .15, .2, .25, .35, .5, .75,
		1, 1.5, 2, 2.5, 3.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 120,
	}}
}

// gapBuckets are for waits between chunks and tokens: steps of at most 2 from 0.5 ms,
// most of them of 1.5.
func gapBuckets(edges ...exchange.Indicator) Buckets {
	return Buckets{Zero: gapZero, Edges: edges, Bounds: []float64{
		.0005, .001, .0015, .002, .003, .004, .006, .008, .01, .015, .02, .025, .03, .04, .05, .06, .075,
		.1, .15, .2, .3, .4, .5, .75, 1, 1.5, 2, 2.5, 5, 10,
	}}
}

// silenceBuckets are for times without content, from the shortest that counts to an hour.
func silenceBuckets() Buckets {
	return Buckets{Zero: gapZero, Bounds: []float64{10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600}}
}

// pauseBuckets are for pauses of an engine, from a second on.
func pauseBuckets() Buckets {
	return Buckets{Zero: gapZero, Bounds: []float64{1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300}}
}

// durationBuckets continue those of the conventions to the durations of reasoning
// models.
func durationBuckets(edges ...exchange.Indicator) Buckets {
	return Buckets{Zero: gapZero, Edges: edges, Bounds: []float64{
		.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36,
	}}
}

// tokenBuckets are those of the conventions for token counts.
func tokenBuckets() Buckets {
	return Buckets{Zero: tokenZero, Bounds: []float64{
		1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
	}}
}

// perChunkBuckets resolve how many tokens speculative decoding puts into one chunk.
func perChunkBuckets() Buckets {
	return Buckets{Zero: tokenZero, Bounds: []float64{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64, 128, 256}}
}

// overheadBuckets are for headway's own work: microseconds, and the milliseconds that a
// busy machine's scheduler makes of them.
func overheadBuckets() Buckets {
	return Buckets{Zero: overheadZero, Bounds: []float64{
		.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1,
	}}
}

// attemptBuckets resolve how often clients try by default, and how often in a storm of
// retries.
func attemptBuckets() Buckets {
	return Buckets{Zero: tokenZero, Bounds: []float64{1, 2, 3, 4, 5, 6, 8, 10, 15, 20}}
}
