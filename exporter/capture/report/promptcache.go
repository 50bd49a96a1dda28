package report

import (
	"cmp"
	"strconv"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// PromptCache sums up how prompts met the prompt cache, of the exchanges whose provider
// reported it, however they ended.
type PromptCache struct {
	Requests int      `json:"requests"`
	Reported int64    `json:"reported_tokens"` // input of these
	Hit      int64    `json:"hit_tokens"`      // of them, read from the cache
	HitRate  *float64 `json:"hit_rate"`        // Hit ÷ Reported
	// PrefixChanged counts the misses after a change of the client, by the part that it
	// changed; SamePrefix counts those without one.
	PrefixChanged map[string]int `json:"prefix_changed"`
	SamePrefix    int            `json:"same_prefix"`
	Lost          int64          `json:"lost_tokens"` // of all misses
}

// promptCache is a PromptCache in the making.
type promptCache struct{ sum PromptCache }

func (p *promptCache) add(l *capture.Line) {
	n := &l.Tokens
	if n.Input != nil && n.CacheRead != nil && cmp.Or(n.InputSource, n.Source) != string(exchange.Estimated) {
		p.sum.Requests++
		p.sum.Reported += *n.Input
		p.sum.Hit += min(*n.CacheRead, *n.Input)
	}
	switch miss := l.PromptCache; {
	case miss == nil:
		return
	case miss.Cause == exchange.SamePrefix.String():
		p.sum.SamePrefix++
	default:
		if p.sum.PrefixChanged == nil {
			p.sum.PrefixChanged = map[string]int{}
		}
		p.sum.PrefixChanged[miss.Changed]++
	}
	p.sum.Lost += l.PromptCache.Lost
}

// misses is how many prompts missed the cache.
func (p *PromptCache) misses() int {
	n := p.SamePrefix
	for _, changed := range p.PrefixChanged {
		n += changed
	}
	return n
}

// summary is nil where no exchange reported its cache.
func (p *promptCache) summary() *PromptCache {
	if p.sum.Requests == 0 && p.sum.misses() == 0 {
		return nil
	}
	p.sum.HitRate = share(float64(p.sum.Hit), float64(p.sum.Reported))
	return &p.sum
}

// promptCache prints p, and the misses by their cause if there were any.
func (t *table) promptCache(p *PromptCache) {
	if p == nil {
		return
	}
	t.title("Prompt cache", "-")
	t.count("Requests that report it", p.Requests)
	t.number("Input tokens from the cache (%)", percent(p.HitRate))
	if p.misses() == 0 {
		return
	}
	t.row("Input tokens lost to misses", strconv.FormatInt(p.Lost, 10))
	for _, row := range []struct {
		label string
		n     int
	}{
		{"Missed: the tools changed", p.PrefixChanged[exchange.ToolsPart.String()]},
		{"Missed: the system prompt changed", p.PrefixChanged[exchange.SystemPart.String()]},
		{"Missed: a message changed", p.PrefixChanged[exchange.MessagePart.String()]},
		{"Missed: the breakpoints are gone", p.PrefixChanged[exchange.BreakpointsPart.String()]},
		{"Missed: the prefix was the same", p.SamePrefix},
	} {
		if row.n > 0 {
			t.count(row.label, row.n)
		}
	}
}
