package capture

import "github.com/headway-sidecar/headway/proxy/exchange"

// PromptCache says why a prompt missed the prompt cache.
type PromptCache struct {
	Cause   string `json:"cause"`             // prefix_changed, same_prefix
	Changed string `json:"changed,omitempty"` // of prefix_changed: tools, system, message, breakpoints
	Message int    `json:"message,omitempty"` // the first one that changed, from 1
	Lost    int64  `json:"lost_tokens"`       // left in the cache, and not read from there
}

func promptCache(p *exchange.Prefix) *PromptCache {
	if p.Missed == exchange.NoMiss {
		return nil
	}
	c := &PromptCache{Cause: p.Missed.String(), Message: int(p.Message), Lost: p.Lost}
	if p.Changed != exchange.NoPart {
		c.Changed = p.Changed.String()
	}
	return c
}
