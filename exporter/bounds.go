package exporter

// What falls into the zero bucket of an exponential histogram, so that it does not
// take finer and finer buckets of its own: gaps of chunks that came together, under
// 0.12 ms; work of headway under a microsecond; no tokens at all.
const (
	gapZero      = 1.0 / (1 << 13)
	overheadZero = 1.0 / (1 << 20)
	tokenZero    = .5
)

// The bucket bounds are supersets of those that the semantic conventions and the
// serving engines recommend, so that common bounds line up across producers. The
// conventions' own cannot tell 1 ms from 10 ms between tokens, nor 11 s from 60 s
// to the first.

// ttftBounds are for the wait for the first token: steps of at most 1.5 from 5 ms
// to 60 s.
func ttftBounds() []float64 {
	return []float64{
		.001, .0025, .005, .0075, .01, .015, .02, .03, .04, .06, .08, .1, .15, .2, .25, .35, .5, .75,
		1, 1.5, 2, 2.5, 3.5, 5, 7.5, 10, 15, 20, 30, 45, 60, 120,
	}
}

// gapBounds are for waits between chunks and tokens: steps of at most 2 from
// 0.5 ms, 1.5 for the most part.
func gapBounds() []float64 {
	return []float64{
		.0005, .001, .0015, .002, .003, .004, .006, .008, .01, .015, .02, .025, .03, .04, .05, .06, .075,
		.1, .15, .2, .3, .4, .5, .75, 1, 1.5, 2, 2.5, 5, 10,
	}
}

// durationBounds are the conventions', carried on to what reasoning models take.
func durationBounds() []float64 {
	return []float64{
		.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36,
	}
}

// tokenBounds are the conventions' for token counts.
func tokenBounds() []float64 {
	return []float64{
		1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
	}
}

// perChunkBounds resolve what speculative decoding puts into one chunk.
func perChunkBounds() []float64 {
	return []float64{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64, 128, 256}
}

// overheadBounds are for headway's own work: microseconds, and what a busy
// machine's scheduler makes of them.
func overheadBounds() []float64 {
	return []float64{
		.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1,
	}
}
