package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo/strict"
)

// threshold reads a duration with its unit.
func (r *reader) threshold(n *yaml.Node, key string) time.Duration {
	if n.Kind == yaml.ScalarNode && n.Value == "" {
		r.Wrong(n.Line, key, "there is no limit", "write a duration: 500ms")
		return 0
	}
	return r.Duration(n, key)
}

// window reads a duration as threshold does, and days and weeks: 30d, 4w.
func (r *reader) window(n *yaml.Node, key string) time.Duration {
	d, wrong, right := window(r.Text(n, key))
	if wrong != "" {
		r.Wrong(n.Line, key, wrong, right)
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
			return 0, fmt.Sprintf("%q is no window", text), strict.Respell(text, []string{"d", "w"}, "write whole days or weeks: 30d, 4w")
		}
		return time.Duration(count*hours) * time.Hour, "", ""
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, text + " has no unit", fmt.Sprintf("write %sd", text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Sprintf("%q is no window", text), strict.Respell(text, []string{"h", "d", "w"}, "write days, weeks or hours: 30d, 4w, 720h")
	}
	return d, "", ""
}

// percent reads a number, with or without its sign.
func (r *reader) percent(n *yaml.Node, key string) float64 {
	text := strings.TrimSpace(strings.TrimSuffix(r.Text(n, key), "%"))
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no number", "write the percentage of good exchanges: 99.5")
		return 0
	}
	return f
}

// sizes reads a class of sizes: 100..2000, ..2000, 2000.. or {min: 100, max: 2000}.
func (r *reader) sizes(n *yaml.Node, key string) Range {
	const right = "write ..1000, 1001..8000 or 8001.., or {min: 1001, max: 8000}"
	if n.Kind == yaml.MappingNode {
		var out Range
		m, _ := r.Mapping(n, key, "min", "max")
		if v := m.Get("min"); v != nil {
			out.Min = r.Number(v, m.Path("min"))
		}
		if v := m.Get("max"); v != nil {
			out.Max = r.Number(v, m.Path("max"))
			if out.Max == 0 {
				r.Wrong(v.Line, m.Path("max"), "no prompt has 0 tokens", right)
			}
		}
		return out
	}
	low, high, ok := strings.Cut(r.Text(n, key), "..")
	if !ok || low == "" && high == "" {
		r.Wrong(n.Line, key, strict.Describe(n)+" is no class of sizes", right)
		return Range{}
	}
	var out Range
	for text, to := range map[string]*int64{low: &out.Min, high: &out.Max} {
		v, err := strconv.ParseInt(text, 10, 64)
		if text != "" && (err != nil || v < 1) {
			r.Wrong(n.Line, key, fmt.Sprintf("%q is no number of tokens", text), right)
		}
		*to = v
	}
	return out
}
