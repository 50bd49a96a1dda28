package tap

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// LimitField is a field of a request's head that sets a limit for the request, in
// milliseconds.
type LimitField struct {
	Field     string // in lower case
	Indicator exchange.Indicator
}

// KnownLimits lists the fields by which routers learn the limits of a request: llm-d's (its guide
// to predicted-latency routing), and the former names of the Gateway API Inference Extension
// (its guide to latency-based request scheduling).
func KnownLimits() []LimitField {
	return []LimitField{
		{"x-llm-d-slo-ttft-ms", exchange.TTFT},
		{"x-llm-d-slo-tpot-ms", exchange.TPOT},
		{"x-slo-ttft-ms", exchange.TTFT},
		{"x-slo-tpot-ms", exchange.TPOT},
	}
}

const (
	// longestLimit is the longest limit that means anything.
	longestLimit = 24 * time.Hour
	// longestNumber is the longest text that can be a limit.
	longestNumber = 32
	// malformedLimit is the note of an exchange whose request set a limit that is none.
	malformedLimit = "request_limit_malformed"
)

// limitBy reads one field of the head for a limit. Where several fields limit one indicator, the
// smallest limit counts.
func (x *Exchange) limitBy(name, value []byte) {
	for i := range x.tap.config.Limits {
		f := &x.tap.config.Limits[i]
		if !exchange.EqualFold(name, f.Field) {
			continue
		}
		limit, ok := milliseconds(value)
		if !ok {
			if !slices.Contains(x.record.Notes, malformedLimit) {
				x.record.Notes = append(x.record.Notes, malformedLimit)
			}
			continue
		}
		x.setLimit(f.Indicator, limit)
	}
}

func (x *Exchange) setLimit(of exchange.Indicator, limit time.Duration) {
	for i := range x.record.Limits {
		if l := &x.record.Limits[i]; l.Indicator == of {
			l.Limit = min(l.Limit, limit)
			return
		}
	}
	if x.record.Limits == nil {
		x.record.Limits = make([]exchange.RequestLimit, 0, 2)
	}
	x.record.Limits = append(x.record.Limits, exchange.RequestLimit{Indicator: of, Limit: limit})
}

// milliseconds reads a positive number in decimal notation, 200 or 49.5 say, of at most a day.
func milliseconds(value []byte) (time.Duration, bool) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || len(value) > longestNumber {
		return 0, false
	}
	for _, c := range value {
		if c != '.' && (c < '0' || c > '9') {
			return 0, false
		}
	}
	number, err := strconv.ParseFloat(string(value), 64)
	if err != nil || number > float64(longestLimit/time.Millisecond) {
		return 0, false
	}
	limit := time.Duration(math.Round(number * float64(time.Millisecond)))
	return limit, limit > 0
}
