package strict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// Duration reads a duration with its unit: 500ms.
func (r *Reader) Duration(n *yaml.Node, key string) time.Duration {
	before := len(r.Problems)
	text := r.Text(n, key)
	if len(r.Problems) > before {
		return 0
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		r.Wrong(n.Line, key, text+" has no unit", fmt.Sprintf("write %sms or %ss", text, text))
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		r.Wrong(n.Line, key, fmt.Sprintf("%q is no duration", text), Respell(text, []string{"ms", "s", "m", "h"}, "write a number and its unit: 500ms, 1.5s, 2m"))
		return 0
	}
	return d
}

// Number reads a whole number that is not negative.
func (r *Reader) Number(n *yaml.Node, key string) int64 {
	i, err := strconv.ParseInt(r.Text(n, key), 10, 64)
	if err != nil || i < 0 {
		r.Wrong(n.Line, key, Describe(n)+" is no whole number from 0 up", "write 10, say")
		return 0
	}
	return i
}

// Respell returns a correction of a duration such as 500 msec or 30 days: the same number
// with the one of units that its author likely meant. Otherwise it returns otherwise.
func Respell(text string, units []string, otherwise string) string {
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

// OneOf names the word of known that the author of word likely meant, or says otherwise.
func OneOf(word string, known []string, otherwise string) string {
	if near := spelling.Nearest(word, known); len(near) > 0 {
		return spelling.Hint(word, known)
	}
	return otherwise
}
