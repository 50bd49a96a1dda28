package exchange_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestEveryOutcomeHasAMeaningOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	check := func(name, meaning string) {
		if other, twice := seen[meaning]; twice || meaning == "" {
			t.Errorf("%s means %q, as %s", name, meaning, other)
		}
		seen[meaning] = name
	}
	for _, o := range exchange.Outcomes() {
		check(string(o), o.Meaning())
	}
	for _, o := range exchange.ChainOutcomes() {
		check(string(o), o.Meaning())
	}
	if m := exchange.Outcome("other").Meaning() + exchange.ChainOutcome("other").Meaning(); m != "" {
		t.Errorf("an outcome that does not exist means %q", m)
	}
}
