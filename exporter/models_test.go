package exporter_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/exporter"
)

func TestModelsLetsTheFirstNamesThrough(t *testing.T) {
	m := exporter.NewModels(2)
	for _, tt := range []struct{ name, want string }{
		{"a", "a"}, {"", ""}, {"b", "b"}, {"c", exporter.Other}, {"a", "a"}, {"", ""}, {"d", exporter.Other}, {"b", "b"},
	} {
		if got := m.Label(tt.name); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestModelsMakesNamesFitForLabels(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no UTF-8", "gpt\xff\xfe-4", "gpt\uFFFD-4"},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 128)},
		{"cut at a rune", strings.Repeat("x", 127) + "ü", strings.Repeat("x", 127)},
		{"long without any rune's start", strings.Repeat("\x80", 300), "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := exporter.NewModels(1)
			first, again := m.Label(tt.in), m.Label(tt.in)
			if first != tt.want || again != tt.want || !utf8.ValidString(first) {
				t.Errorf("%q, then %q, want %q", first, again, tt.want)
			}
		})
	}
}

func TestModelsStayBoundedWhenManyAskAtOnce(t *testing.T) {
	m := exporter.NewModels(8)
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				label := m.Label(fmt.Sprintf("model-%d", (i*13+j)%100))
				mu.Lock()
				seen[label] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 9 || !seen[exporter.Other] {
		t.Errorf("%d labels, want 8 and %s: %v", len(seen), exporter.Other, seen)
	}
}

func TestModelsAllocatesNothingForKnownNames(t *testing.T) {
	m := exporter.NewModels(1)
	m.Label("a")
	if n := testing.AllocsPerRun(100, func() { m.Label("a"); m.Label("b") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
