package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// standing formats an SLO: its promise, and how it stands, in lines of so many columns.
func standing(s *slo.Status, columns int) []string {
	of := "calls"
	switch s.Judge {
	case slo.Attempt:
		of = "attempts"
	case slo.Turn:
		of = "turns"
	}
	promise := fmt.Sprintf("SLO %s: %v %% of %s", s.Name, s.Objective, of)
	if all := promised(s); len(all) > 0 {
		promise += " with " + strings.Join(all, ", ")
	}
	return append([]string{promise}, wrap(state(s), columns)...)
}

// wrap puts parts side by side, behind a margin. Parts that do not fit go to further lines.
func wrap(parts []string, columns int) []string {
	lines := []string{"    " + parts[0]}
	for _, part := range parts[1:] {
		last := &lines[len(lines)-1]
		if len([]rune(*last+part))+3 > columns {
			lines = append(lines, "    "+part)
			continue
		}
		*last += "   " + part
	}
	return lines
}

// promised formats the limits of an SLO, in the order of the indicators.
func promised(s *slo.Status) (all []string) {
	for _, i := range exchange.Indicators() {
		if seconds, ok := s.Limits[i.String()]; ok {
			all = append(all, fmt.Sprintf("%s ≤ %s", i, period(seconds)))
		}
	}
	return all
}

// state formats the goodput of an SLO in the shortest window, and its error budget. It
// clamps no number: for an overdrawn budget it says how many times that was spent.
func state(s *slo.Status) []string {
	switch {
	case s.Unmatched:
		return []string{"it has matched no request so far: does its match fit them?"}
	case s.Budget.Remaining == nil || len(s.Goodput) == 0:
		return []string{"nothing to judge yet"}
	}
	g := s.Goodput[0]
	parts := []string{fmt.Sprintf("last %s: %s good", period(g.Window), absent)}
	if g.Ratio != nil {
		parts[0] = fmt.Sprintf("last %s: %.1f %% good", period(g.Window), 100**g.Ratio)
	}
	if left := *s.Budget.Remaining; left >= 0 {
		parts = append(parts, fmt.Sprintf("error budget: %.0f %% left", 100*left))
	} else {
		parts = append(parts, fmt.Sprintf("error budget: %.1f × spent", 1-left))
	}
	if s.Budget.BurnRate != nil {
		parts = append(parts, fmt.Sprintf("burn rate: %.1f (1 is sustainable)", *s.Budget.BurnRate))
	}
	return parts
}

// period formats seconds as a duration, without parts that are 0: 1m, not 1m0s.
func period(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
