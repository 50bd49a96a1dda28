//go:build race

package transparent_test

import "time"

// truthLimit is looser for the race detector: it makes everything several times
// slower, and is still less than the gap by which a wrong reading would be off.
const truthLimit = 10 * time.Millisecond
