//go:build !race

package transparent_test

import "time"

// truthLimit bounds how far the median may be from the truth.
const truthLimit = 3 * time.Millisecond
