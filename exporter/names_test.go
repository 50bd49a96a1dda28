package exporter_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestNamesLetsTheFirstNamesThrough(t *testing.T) {
	m := exporter.NewNames(2, 64)
	for _, tt := range []struct{ name, want string }{
		{"a", "a"}, {"", ""}, {"b", "b"}, {"c", exporter.Other}, {"a", "a"}, {"", ""}, {"d", exporter.Other}, {"b", "b"},
	} {
		if got := m.Model(tt.name); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNamesMakesNamesFitForLabels(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no UTF-8", "gpt\xff\xfe-4", "gpt\uFFFD-4"},
		{"too long", strings.Repeat("x", 300), strings.Repeat("x", 128)},
		{"cut at a rune", strings.Repeat("x", 127) + "ü", strings.Repeat("x", 127)},
		{"long without any rune's start", strings.Repeat("\x80", 300), "\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := exporter.NewNames(1, 64)
			first, again := m.Model(tt.in), m.Model(tt.in)
			if first != tt.want || again != tt.want || !utf8.ValidString(first) {
				t.Errorf("%q, then %q, want %q", first, again, tt.want)
			}
		})
	}
}

func TestNamesStayBoundedWhenManyAskAtOnce(t *testing.T) {
	m := exporter.NewNames(8, 64)
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				label := m.Model(fmt.Sprintf("model-%d", (i*13+j)%100))
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

func TestNamesAllocatesNothingForKnownNames(t *testing.T) {
	m := exporter.NewNames(1, 64)
	m.Model("a")
	if n := testing.AllocsPerRun(100, func() { m.Model("a"); m.Model("b") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamesBoundUpstreamsToo(t *testing.T) {
	n := exporter.NewNames(1, 2)
	for _, tt := range []struct{ host, want string }{{"a", "a"}, {"b", "b"}, {"c", exporter.Other}, {"a", "a"}, {"", ""}} {
		got := n.Upstream(exchange.Upstream{Host: tt.host, Port: 443})
		if got.Host != tt.want || (got.Host == exporter.Other) != (got.Port == 0) {
			t.Errorf("%s becomes %+v, want %s", tt.host, got, tt.want)
		}
	}
	if n.Model("a") != "a" {
		t.Error("upstreams have used up the room for models")
	}
}
