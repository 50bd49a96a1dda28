//go:build race

package proxy_test

// raceDetector is on: sync.Pool then drops a quarter of what it is given, so the
// heap says nothing of what headway holds.
const raceDetector = true
