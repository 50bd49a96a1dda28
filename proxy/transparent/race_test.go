//go:build race

package transparent_test

import "time"

// truthLimit is larger than without the race detector, which makes everything several
// times slower. It is still less than the gap by which a wrong reading would be off.
const truthLimit = 10 * time.Millisecond
