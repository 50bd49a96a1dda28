// Package promptcache says why a prompt missed the provider's prompt cache: because the client
// changed a part that it had sent before, or although it changed nothing.
//
// It keeps the hashes of the last prompts of each conversation, and the number of tokens that
// each left in the cache. It knows no content.
package promptcache

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// DefaultBytes bounds the memory of a Comparer.
const DefaultBytes = 16 << 20

const (
	// lifetime is how long a prompt may be expected in a cache: Anthropic's and Bedrock's keep it
	// for 5 minutes after its last use, OpenAI's for 5 to 10. An hour is what Anthropic sells
	// besides. (Anthropic, "Prompt caching"; OpenAI, "Prompt caching".)
	lifetime     = 5 * time.Minute
	longLifetime = time.Hour
	// least is the smallest prompt that OpenAI and most models of Anthropic cache, in tokens. What is
	// smaller is no loss.
	least = 1024
	// slack is what a hit may lack of all that the cache holds: caches hold whole blocks of 16 to
	// 128 tokens. The share, one part in so many, is for long prompts, of which a loss of 256
	// tokens matters to nobody.
	slack      = 256
	slackShare = 8
	// maxWorking bounds the models whose cache is known to work.
	maxWorking = 1024
)

// Config configures a Comparer.
type Config struct {
	Next  exchange.Observer // gets every Record
	Bytes int               // of memory; 0 is DefaultBytes
}

// Comparer is the stage that writes into every Record why its prompt missed the cache, before
// all observers. It is safe for concurrent use.
type Comparer struct {
	next exchange.Observer
	seed maphash.Seed

	mu      sync.Mutex
	book    book
	working map[uint64]time.Time // by model and upstream: when a prompt last met the cache
}

// New returns a Comparer.
func New(c Config) *Comparer {
	if c.Bytes == 0 {
		c.Bytes = DefaultBytes
	}
	return &Comparer{next: c.Next, seed: maphash.MakeSeed(), book: newBook(c.Bytes), working: map[uint64]time.Time{}}
}

// Bytes is the memory that c holds, as far as it grows with the traffic.
func (c *Comparer) Bytes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.book.bytes
}

// Observe implements exchange.Observer.
func (c *Comparer) Observe(r exchange.Record) {
	p := r.Prefix.Prompt
	r.Prefix.Prompt = nil
	if p != nil && r.Origin != exchange.Canary && r.Operation.Generates() && reported(&r.Usage) {
		r.Prefix = c.compare(&r, p)
		if note := r.Prefix.Missed.Note(); note != "" {
			r.Notes = append(slices.Clip(r.Notes), note)
		}
	}
	c.next.Observe(r)
}

// reported says whether the provider told the size of the prompt.
func reported(u *exchange.Usage) bool {
	source := u.SourceOfInput()
	return u.Input.Known && (source == exchange.Reported || source == exchange.Running)
}

// compare books r, whose prompt is p, and holds it beside the last prompt of its conversation.
func (c *Comparer) compare(r *exchange.Record, p *exchange.Prompt) exchange.Prefix {
	model := c.hash(r.Model.Request, r.Upstream)
	c.mu.Lock()
	defer c.mu.Unlock()
	works := c.works(model, r)
	cached := r.Usage.CacheRead
	if !cached.Known {
		if !works {
			return exchange.Prefix{}
		}
		// Gemini and vLLM leave the count out when it is 0.
		cached = exchange.Known(0)
	}
	e := entryOf(r, p, mixed(mixed(model, maphash.String(c.seed, r.Dialect)), uint64(p.Sender)), cached.N)
	last := c.book.last(e)
	prefix := exchange.Prefix{}
	if last != nil {
		e.long = e.long || last.long && last.continuedBy(e)
		prefix = last.missedBy(e, works)
	}
	c.book.add(e)
	return prefix
}

// works books whether r met the cache of its model, and says whether any prompt did within
// the last hour.
func (c *Comparer) works(model uint64, r *exchange.Record) bool {
	if r.Usage.CacheRead.Known && r.Usage.CacheRead.N > 0 {
		if _, known := c.working[model]; !known && len(c.working) >= maxWorking {
			clear(c.working)
		}
		c.working[model] = r.Start
		return true
	}
	last, ok := c.working[model]
	return ok && r.Start.Sub(last) < longLifetime
}

// hash is a keyed hash of a model's name and its upstream.
func (c *Comparer) hash(model string, u exchange.Upstream) uint64 {
	return mixed(mixed(maphash.String(c.seed, model), maphash.String(c.seed, u.Host)), uint64(u.Port))
}

// mixed adds the hash h to a sum in which the order counts.
func mixed(sum, h uint64) uint64 {
	sum = (sum ^ h) * 0x9e3779b97f4a7c15
	return sum ^ sum>>32
}
