// Package loadtest reads the limits by which load tests and benchmarks judge requests, as
// objectives of an SLO.
package loadtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// vllmNames are the keys of --goodput and what they limit.
func vllmNames() (keys []string, of map[string]exchange.Indicator) {
	return []string{"ttft", "tpot", "e2el"}, map[string]exchange.Indicator{"ttft": exchange.TTFT, "tpot": exchange.TPOT, "e2el": exchange.E2E}
}

// VLLM reads the pairs of the option --goodput of vllm bench serve, "ttft:500" and "tpot:50"
// for example, as vLLM's own parser does: a key, a colon and milliseconds; of a key that
// stands there twice, the last value. It refuses a limit of 0, which vLLM takes and no
// request keeps. Read at vllm-project/vllm 009e6d4, vllm/benchmarks/serve.py.
func VLLM(pairs []string) (slo.Objectives, error) {
	if len(pairs) == 0 {
		return nil, errors.New("no limit; write them as behind --goodput: ttft:500 tpot:50")
	}
	keys, indicators := vllmNames()
	limits := map[exchange.Indicator]time.Duration{}
	var wrong []error
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, ":")
		i, known := indicators[key]
		millis, err := strconv.ParseFloat(value, 64)
		switch {
		case !strings.Contains(pair, ":"):
			wrong = append(wrong, fmt.Errorf("%q: want a key, a colon and milliseconds: ttft:500", pair))
		case !known:
			wrong = append(wrong, fmt.Errorf("%q: want ttft, tpot or e2el: ttft:500%s", pair, meant(key, keys)))
		case err != nil || math.IsNaN(millis):
			wrong = append(wrong, fmt.Errorf("%q: want milliseconds without a unit: %s:500", pair, key))
		case !(millis > 0 && millis <= longest):
			wrong = append(wrong, fmt.Errorf("%q: want more than 0 and at most an hour: %s:500", pair, key))
		default:
			limits[i] = time.Duration(math.Round(millis * float64(time.Millisecond)))
		}
	}
	var out slo.Objectives
	for _, i := range exchange.Indicators() {
		if limits[i] > 0 {
			out = append(out, slo.Objective{Indicator: i, Limit: limits[i]})
		}
	}
	return out, errors.Join(wrong...)
}

// longest is the longest limit of an SLO in milliseconds.
const longest = float64(time.Hour / time.Millisecond)

// meant asks for the known word that word is near.
func meant(word string, known []string) string {
	if near := spelling.Nearest(word, known); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// find returns the benchmark of a name, or the names that there are.
func find(name string, all []Benchmark) (Benchmark, error) {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	if at := slices.Index(names, name); at >= 0 {
		return all[at], nil
	}
	return Benchmark{}, fmt.Errorf("%q: want one of %s%s", name, strings.Join(names, ", "), meant(name, names))
}
