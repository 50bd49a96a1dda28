package exchange

import "time"

// RequestLimit is a limit on one indicator that the request itself set, in a field of its
// head: X-LLM-D-SLO-TTFT-MS: 200, say.
type RequestLimit struct {
	Indicator Indicator
	Limit     time.Duration // above 0
	Verdict   LimitVerdict  // the SLO stage sets it
}

// LimitVerdict says how an exchange went by a limit that its request had set.
type LimitVerdict string

// The verdicts.
const (
	LimitKept   LimitVerdict = "kept"
	LimitMissed LimitVerdict = "missed"
	// LimitFailed is the verdict on an exchange that failed and had not passed the limit before.
	LimitFailed LimitVerdict = "failed"
	// LimitUnjudged is the verdict on an exchange that has no such indicator, such as the TTFT of an
	// answer in one piece, and on one whose client left before the limit had passed.
	LimitUnjudged LimitVerdict = "unjudged"
)

// LimitVerdicts lists every verdict.
func LimitVerdicts() []LimitVerdict {
	return []LimitVerdict{LimitKept, LimitMissed, LimitFailed, LimitUnjudged}
}

// KeptLimits says whether an exchange was good by the limits that its request had set: it missed
// none, and did not fail. It counts if at least one of them was judged.
func KeptLimits(limits []RequestLimit) (good, counts bool) {
	good = true
	for i := range limits {
		switch limits[i].Verdict {
		case LimitKept:
			counts = true
		case LimitMissed, LimitFailed:
			good, counts = false, true
		}
	}
	return good && counts, counts
}
