package sampling

import (
	"encoding/binary"
	"math"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Never is the Threshold that no trace reaches, one more than the greatest that a
// tracestate can hold. Thresholds and randomness are 56 bits (OpenTelemetry, TraceState:
// Probability Sampling).
const Never = 1 << 56

// Threshold is the share of traces to reject so that the share ratio is kept, in units of
// 2^-56. It is 0 for a ratio of 1 or more. It is Never for a ratio that is no number, or
// less than the smallest share there is.
func Threshold(ratio float64) uint64 {
	switch {
	case ratio >= 1:
		return 0
	case ratio > 0:
		// (1 - ratio) would lose digits of a small ratio.
		return Never - uint64(math.Round(ratio*Never))
	}
	return Never
}

// AdjustedCount is how many exchanges each exchange stands for that was kept by this
// threshold. It is infinite for Never.
func AdjustedCount(threshold uint64) float64 { return Never / float64(Never-threshold) }

// randomness is that of a trace id: its last 56 bits (W3C Trace Context Level 2, section
// 3.2.2.3.1).
func randomness(id exchange.TraceID) uint64 {
	return binary.BigEndian.Uint64(id[8:]) & (Never - 1)
}
