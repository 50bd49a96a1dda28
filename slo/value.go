package slo

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// threshold reads a duration with its unit.
func (r *reader) threshold(n *yaml.Node, key string) time.Duration {
	text := r.text(n, key)
	if text == "" {
		r.wrong(n.Line, key, "there is no limit", "write a duration: 500ms")
		return 0
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		r.wrong(n.Line, key, text+" has no unit", fmt.Sprintf("write %sms or %ss", text, text))
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		r.wrong(n.Line, key, fmt.Sprintf("%q is no duration", text), respell(text, []string{"ms", "s", "m", "h"}, "write a number and its unit: 500ms, 1.5s, 2m"))
		return 0
	}
	return d
}

// window reads a duration as threshold does, and days and weeks: 30d, 4w.
func (r *reader) window(n *yaml.Node, key string) time.Duration {
	d, wrong, right := window(r.text(n, key))
	if wrong != "" {
		r.wrong(n.Line, key, wrong, right)
	}
	return d
}

// ParseWindow reads a window as an SLO file spells it: 30d, 4w, 720h.
func ParseWindow(text string) (time.Duration, error) {
	d, wrong, right := window(text)
	if wrong != "" {
		return 0, fmt.Errorf("%s; %s", wrong, right)
	}
	return d, nil
}

// window returns the duration that text spells, or its mistake and a correction.
func window(text string) (d time.Duration, wrong, right string) {
	for unit, hours := range map[string]int{"d": 24, "w": 7 * 24} {
		number, ok := strings.CutSuffix(text, unit)
		if !ok {
			continue
		}
		count, err := strconv.Atoi(number)
		if err != nil || count < 0 || count > 10_000 {
			return 0, fmt.Sprintf("%q is no window", text), respell(text, []string{"d", "w"}, "write whole days or weeks: 30d, 4w")
		}
		return time.Duration(count*hours) * time.Hour, "", ""
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, text + " has no unit", fmt.Sprintf("write %sd", text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Sprintf("%q is no window", text), respell(text, []string{"h", "d", "w"}, "write days, weeks or hours: 30d, 4w, 720h")
	}
	return d, "", ""
}

// respell returns a correction of a duration such as 500 msec or 30 days: the same number
// with the one of units that its author likely meant. Otherwise it returns otherwise.
func respell(text string, units []string, otherwise string) string {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	words := map[string][]string{
		"ms": {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}, "s": {"s", "sec", "secs", "second", "seconds"},
		"m": {"m", "min", "mins", "minute", "minutes"}, "h": {"h", "hr", "hrs", "hour", "hours"},
		"d": {"d", "day", "days"}, "w": {"w", "wk", "week", "weeks"},
	}
	unit := strings.ToLower(strings.TrimSpace(text[len(number):]))
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return otherwise
	}
	for _, u := range units {
		if slices.Contains(words[u], unit) {
			return "did you mean " + number + u + "?"
		}
	}
	return otherwise
}

// percent reads a number, with or without its sign.
func (r *reader) percent(n *yaml.Node, key string) float64 {
	text := strings.TrimSpace(strings.TrimSuffix(r.text(n, key), "%"))
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.wrong(n.Line, key, describe(n)+" is no number", "write the percentage of good exchanges: 99.5")
		return 0
	}
	return f
}

// number reads a whole number that is not negative.
func (r *reader) number(n *yaml.Node, key string) int64 {
	i, err := strconv.ParseInt(r.text(n, key), 10, 64)
	if err != nil || i < 0 {
		r.wrong(n.Line, key, describe(n)+" is no whole number from 0 up", "write 10, say")
		return 0
	}
	return i
}

// sizes reads a class of sizes: 100..2000, ..2000, 2000.. or {min: 100, max: 2000}.
func (r *reader) sizes(n *yaml.Node, key string) Range {
	const right = "write ..1000, 1001..8000 or 8001.., or {min: 1001, max: 8000}"
	if n.Kind == yaml.MappingNode {
		var out Range
		m, _ := r.mapping(n, key, "min", "max")
		if v := m.get("min"); v != nil {
			out.Min = r.number(v, m.path("min"))
		}
		if v := m.get("max"); v != nil {
			out.Max = r.number(v, m.path("max"))
			if out.Max == 0 {
				r.wrong(v.Line, m.path("max"), "no prompt has 0 tokens", right)
			}
		}
		return out
	}
	low, high, ok := strings.Cut(r.text(n, key), "..")
	if !ok || low == "" && high == "" {
		r.wrong(n.Line, key, describe(n)+" is no class of sizes", right)
		return Range{}
	}
	var out Range
	for text, to := range map[string]*int64{low: &out.Min, high: &out.Max} {
		v, err := strconv.ParseInt(text, 10, 64)
		if text != "" && (err != nil || v < 1) {
			r.wrong(n.Line, key, fmt.Sprintf("%q is no number of tokens", text), right)
		}
		*to = v
	}
	return out
}
