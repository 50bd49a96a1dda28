package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Finding says how one latency compares with the load test, or one trait of a model with
// its usual value, as GET /api/v1/drift tells it. Absent numbers are unknown.
type Finding struct {
	Source    string    `json:"source"` // canary or production
	Probe     string    `json:"probe,omitempty"`
	Model     string    `json:"model"`
	Indicator string    `json:"indicator"`
	Cell      string    `json:"cell,omitempty"`
	Ratio     *float64  `json:"ratio,omitempty"`
	Low       *float64  `json:"low,omitempty"` // 95 %, at every moment at once
	High      *float64  `json:"high,omitempty"`
	Of        int       `json:"of"` // observations; of production, blocks of five minutes
	Since     time.Time `json:"since,omitzero"`
	Period    float64   `json:"return_period_s"`
	Alarm     bool      `json:"alarm"`
	Learning  bool      `json:"learning"`
	Outside   string    `json:"outside,omitempty"`
	Sentence  string    `json:"sentence"`
}

// mostDrift bounds the findings in a table.
const mostDrift = 4

// drifting formats the findings that say most, in lines of so many columns: their sentences.
func drifting(findings []Finding, columns int) (lines []string) {
	for _, f := range weightiest(findings) {
		lines = append(lines, wordwrap(f.about()+": "+f.Sentence, columns)...)
	}
	if len(lines) > 0 {
		lines = append([]string{"beside the load test"}, lines...)
	}
	return lines
}

// weightiest picks mostDrift of the findings that compare something: alarms first, then TTFT
// before TPOT before E2E, and of one indicator canaries before production.
func weightiest(findings []Finding) []Finding {
	compared := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Ratio == nil && !f.Alarm })
	slices.SortStableFunc(compared, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Source, b.Source))
	})
	return compared[:min(len(compared), mostDrift)]
}

// rank is the place of a finding in a table. Traits of the model come last.
func (f *Finding) rank() int {
	order := []string{"ttft", "tpot", "e2e"}
	place := slices.Index(order, f.Indicator)
	if place < 0 {
		place = len(order)
	}
	if f.Alarm {
		place -= len(order) + 1
	}
	return place
}

// about names the requests of a finding: "canary chat", or "production of gpt-x".
func (f *Finding) about() string {
	if f.Probe != "" {
		return f.Source + " " + f.Probe
	}
	return f.Source + " of " + f.Model
}

// alarms formats the alarms among findings for a line.
func alarms(findings []Finding) (parts []string) {
	for _, f := range weightiest(findings) {
		if f.Alarm && f.Ratio != nil {
			parts = append(parts, fmt.Sprintf("%s %s %.2f × the load test", f.about(), strings.ToUpper(f.Indicator), *f.Ratio))
		}
	}
	return parts
}

// wordwrap breaks text between words into lines of so many columns. The first has a margin,
// and further lines have it twice.
func wordwrap(text string, columns int) []string {
	lines := []string{"   "}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		if len([]rune(*last))+1+len([]rune(word)) > columns {
			lines = append(lines, "       ")
			last = &lines[len(lines)-1]
		}
		*last += " " + word
	}
	return lines
}
