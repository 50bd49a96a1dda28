package modelsim

import "container/list"

// blockChain names each full block of a token sequence by a hash of itself and
// everything before it, so that equal names mean equal prefixes.
type blockChain struct {
	size   int
	sum    uint64
	fill   int
	blocks []uint64
}

func (c *blockChain) add(tokenSum uint64) {
	c.sum = mix(c.sum, tokenSum)
	if c.fill++; c.fill == c.size {
		c.blocks = append(c.blocks, c.sum)
		c.fill = 0
	}
}

// prefixCache remembers blocks by name, least recently used out first. It is not
// safe for concurrent use.
type prefixCache struct {
	limit int
	byKey map[uint64]*list.Element
	order *list.List // front is the most recently used
}

func newPrefixCache(limit int) *prefixCache {
	return &prefixCache{limit: limit, byKey: make(map[uint64]*list.Element), order: list.New()}
}

// match counts the leading blocks that are present.
func (c *prefixCache) match(blocks []uint64) int {
	for i, key := range blocks {
		if c.byKey[key] == nil {
			return i
		}
	}
	return len(blocks)
}

// use inserts or refreshes blocks. The last goes first, so that the tail of a prefix,
// useless without its head, is also evicted first.
func (c *prefixCache) use(blocks []uint64) {
	if c.limit == 0 {
		return
	}
	if len(blocks) > c.limit {
		blocks = blocks[:c.limit]
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		if e := c.byKey[blocks[i]]; e != nil {
			c.order.MoveToFront(e)
			continue
		}
		c.byKey[blocks[i]] = c.order.PushFront(blocks[i])
	}
	for c.order.Len() > c.limit {
		oldest := c.order.Back()
		delete(c.byKey, c.order.Remove(oldest).(uint64))
	}
}
