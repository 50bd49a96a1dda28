//go:build !race

// The race detector makes pools forget on purpose.

package tap_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestAnExchangeBeginsWithNoMoreAllocationsForItsLabels, once their values were there before.
func TestAnExchangeBeginsWithNoMoreAllocationsForItsLabels(t *testing.T) {
	fields := []string{"X-Tenant", "acme", "X-Team", "search", "Authorization", "Bearer sk-1"}
	begin := func(of *tap.Tap) float64 {
		return testing.AllocsPerRun(500, func() { of.Begin(chat(fields...)).End(tap.Result{At: tap.Now(), Outcome: exchange.OK}) })
	}
	silent := exchange.Fanout{}
	without := begin(tap.New(tap.Config{Observer: silent}))
	with := begin(tap.New(tap.Config{Observer: silent, LabelKey: []byte(labelKey), Limits: tap.KnownLimits(), Labels: []tap.Label{
		{Name: "tenant", Field: "x-tenant"}, {Name: "team", Field: "x-team"}, {Name: "key", Field: "authorization", Hash: true},
	}}))
	if with > without {
		t.Errorf("%v allocations with labels, %v without", with, without)
	}
}
