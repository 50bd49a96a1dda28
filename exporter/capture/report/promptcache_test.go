package report_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// cached is a request whose provider took n of its 100 input tokens from the cache.
func cached(n int64, miss *capture.PromptCache) capture.Line {
	l := success(time.Second, .2, .02, 2)
	l.Tokens.CacheRead, l.PromptCache = &n, miss
	return l
}

func TestThePromptCacheAddsUp(t *testing.T) {
	lines := []capture.Line{
		success(0, .2, .02, 2), // tells nothing of a cache
		cached(80, nil),
		cached(60, &capture.PromptCache{Cause: "same_prefix", Lost: 30}),
		cached(0, &capture.PromptCache{Cause: "prefix_changed", Changed: "system", Lost: 90}),
		cached(10, &capture.PromptCache{Cause: "prefix_changed", Changed: "message", Message: 2, Lost: 80}),
		cached(10, &capture.PromptCache{Cause: "prefix_changed", Changed: "message", Message: 3, Lost: 80}),
	}
	s := summarize(report.ByNothing, nil, lines)
	p := s.All.PromptCache
	if p == nil || p.Requests != 5 || p.Reported != 500 || p.Hit != 160 || *p.HitRate != .32 || p.SamePrefix != 1 || p.Lost != 280 ||
		!maps.Equal(p.PrefixChanged, map[string]int{"system": 1, "message": 2}) {
		t.Errorf("%+v", p)
	}
	table := tableOf(t, s)
	for _, want := range []string{
		"Requests that report it:                 5\n", "Input tokens from the cache (%):         32.00\n", "Input tokens lost to misses:             280\n",
		"Missed: the system prompt changed:       1\n", "Missed: a message changed:               2\n", "Missed: the prefix was the same:         1\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestNoPromptCacheIsMadeUp(t *testing.T) {
	estimated := cached(10, nil)
	estimated.Tokens.InputSource = "estimated"
	s := summarize(report.ByNothing, nil, []capture.Line{success(0, .2, .02, 2), estimated})
	if s.All.PromptCache != nil || strings.Contains(tableOf(t, s), "Prompt cache") {
		t.Errorf("%+v", s.All.PromptCache)
	}
}
