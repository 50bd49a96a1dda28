//go:build race

package proxy_test

// raceDetector is on. sync.Pool then drops a quarter of its items, so the size of the
// heap does not show what headway holds.
const raceDetector = true
