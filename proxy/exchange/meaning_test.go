package exchange_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestEveryOutcomeHasAMeaningOfItsOwn(t *testing.T) {
	const room = 48 // beside a count, a share and the name of the outcome
	seen := map[string]string{}
	check := func(name, meaning string) {
		if other, twice := seen[meaning]; twice || meaning == "" {
			t.Errorf("%s means %q, as %s", name, meaning, other)
		}
		if n := len(meaning); n > room {
			t.Errorf("%s: %q has %d bytes, and a table of 80 columns has room for %d", name, meaning, n, room)
		}
		seen[meaning] = name
	}
	for _, o := range exchange.Outcomes() {
		check(string(o), o.Meaning())
	}
	for _, o := range exchange.ChainOutcomes() {
		check(string(o), o.Meaning())
	}
	for _, o := range exchange.TurnOutcomes() {
		check(string(o), o.Meaning())
	}
	if m := exchange.Outcome("other").Meaning() + exchange.ChainOutcome("other").Meaning() + exchange.TurnOutcome("other").Meaning(); m != "" {
		t.Errorf("an outcome that does not exist means %q", m)
	}
}
