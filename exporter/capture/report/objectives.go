package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// judged lists the indicators that a report can judge by, in the order in which it spells
// objectives.
func judged() []exchange.Indicator {
	return []exchange.Indicator{exchange.TTFT, exchange.TTFA, exchange.TPOT, exchange.ITLP99, exchange.E2E}
}

// ParseObjectives reads ttft=500ms,ttfa=5s,tpot=50ms,itl_p99=200ms,e2e=20s: one or more of these,
// in any order, each once.
func ParseObjectives(text string) (slo.Objectives, error) {
	limits := map[exchange.Indicator]time.Duration{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		named := func(i exchange.Indicator) bool { return i.String() == strings.TrimSpace(name) }
		at := slices.IndexFunc(judged(), named)
		if at < 0 {
			return nil, fmt.Errorf("objective %q: want ttft, ttfa, tpot, itl_p99 or e2e, as in ttft=500ms", pair)
		}
		if limits[judged()[at]] > 0 {
			return nil, fmt.Errorf("objective %q: %s has a limit already; an indicator has one limit", pair, judged()[at])
		}
		limit, err := parseLimit(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("objective %q: %w", pair, err)
		}
		if limit <= 0 {
			return nil, fmt.Errorf("objective %q: must be more than 0", pair)
		}
		limits[judged()[at]] = limit
	}
	var out slo.Objectives
	for _, i := range judged() {
		if limits[i] > 0 {
			out = append(out, slo.Objective{Indicator: i, Limit: limits[i]})
		}
	}
	return out, nil
}

// parseLimit reads a duration such as 500ms.
func parseLimit(text string) (time.Duration, error) {
	limit, err := time.ParseDuration(text)
	switch {
	case err == nil:
		return limit, nil
	case text != "" && strings.Trim(text, "0123456789.") == "":
		return 0, fmt.Errorf("%s has no unit; write %sms or %ss", text, text, text)
	}
	return 0, fmt.Errorf("%q is not a duration, as in 500ms", text)
}
