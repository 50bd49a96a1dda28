package tap

import "github.com/headway-sidecar/headway/proxy/exchange"

// conditions returns the conditions to look for now, nil for none.
func (t *Tap) conditions() *exchange.Conditions {
	if t.config.Conditions == nil {
		return nil
	}
	c := t.config.Conditions()
	if c == nil || len(*c) == 0 {
		return nil
	}
	return c
}

// meet books the conditions that a field of the request's head meets. A field that
// stands there several times meets a condition if one of its lines does. Nobody keeps
// the value itself.
func meet(met *exchange.Met, name, value []byte) {
	for i, c := range *met.Of {
		if i < exchange.MaxConditions && exchange.EqualFold(name, c.Field) && exchange.Match(c.Pattern, string(value)) {
			met.Bits |= 1 << i
		}
	}
}
