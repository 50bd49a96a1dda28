package tap_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestRequestsMeetConditions(t *testing.T) {
	conditions := &exchange.Conditions{{Field: "x-team", Pattern: "search-*"}, {Field: "x-tier", Pattern: "gold"}}
	for _, tt := range []struct {
		name   string
		fields []string
		want   uint64
	}{
		{"none", []string{"Content-Type", "application/json"}, 0},
		{"one", []string{"X-Team", "search-web"}, 1},
		{"another value", []string{"x-team", "billing"}, 0},
		{"both, with a field between", []string{"X-TIER", "gold", "Accept", "*/*", "x-team", "search-"}, 3},
		{"one of several lines", []string{"x-tier", "silver", "x-tier", "gold"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := new(ledger)
			measured := tap.New(tap.Config{Observer: l, Conditions: func() *exchange.Conditions { return conditions }})
			measured.Begin(chat(tt.fields...)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
			if got := l.only(t).Conditions; got.Of != conditions || got.Bits != tt.want {
				t.Errorf("met %b, want %b", got.Bits, tt.want)
			}
		})
	}
}

func TestWithoutConditionsNothingIsMet(t *testing.T) {
	for name, conditions := range map[string]func() *exchange.Conditions{
		"not configured": nil,
		"none now":       func() *exchange.Conditions { return nil },
		"an empty set":   func() *exchange.Conditions { return new(exchange.Conditions) },
	} {
		l := new(ledger)
		tap.New(tap.Config{Observer: l, Conditions: conditions}).Begin(chat("x-team", "search")).End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
		if got := l.only(t).Conditions; got.Of != nil || got.Bits != 0 {
			t.Errorf("%s: met %+v", name, got)
		}
	}
}
