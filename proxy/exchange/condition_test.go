package exchange_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"gpt-4o", "gpt-4o", true},
		{"gpt-4o", "gpt-4o-mini", false},
		{"*", "", true},
		{"*", "anything", true},
		{"gpt-4o*", "gpt-4o", true},
		{"gpt-4o*", "gpt-4o-mini", true},
		{"gpt-4o*", "xgpt-4o", false},
		{"*mini", "gpt-4o-mini", true},
		{"*mini", "mini-4o", false},
		{"gpt-*-mini", "gpt-4o-mini", true},
		{"gpt-*-mini", "gpt-mini", false},
		{"a*a", "a", false},
		{"a*ba", "aba", true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
		{"a.c", "abc", false},
		{"**", "x", true},
	} {
		if got := exchange.Match(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q describes %q: %v", tt.pattern, tt.text, got)
		}
	}
}

func TestMetHasExactlyTheConditionsOfItsBits(t *testing.T) {
	team, tier := exchange.Condition{Field: "x-team", Pattern: "*"}, exchange.Condition{Field: "x-tier", Pattern: "gold"}
	met := exchange.Met{Of: &exchange.Conditions{team, tier}, Bits: 2}
	for c, want := range map[exchange.Condition]bool{team: false, tier: true, {Field: "x-tier", Pattern: "*"}: false} {
		if met.Has(c) != want {
			t.Errorf("%v met: %v", c, !want)
		}
		if (exchange.Met{}).Has(c) {
			t.Errorf("a request without conditions met %v", c)
		}
	}
}
