//go:build !race

package dialecttest

// slowdown is how much more CPU time the race detector takes.
const slowdown = 1
