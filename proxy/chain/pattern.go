package chain

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// pattern is how a client's library waits between attempts by default, as its
// source has it; docs/retries.md names versions.
type pattern struct {
	client string
	// first is the longest wait before the first retry; it doubles with every other
	// one up to ceiling. Jitter leaves at least the share least of it.
	first, ceiling time.Duration
	least          float64
	// honours is the longest retry-after that it waits for; 0 is any.
	honours time.Duration
	// counts says that it numbers its attempts, so that one that is not numbered as
	// the next is not its own doing.
	counts bool
}

// defaultRetries is how often the libraries that number their attempts try again.
const defaultRetries = 2

const (
	// unknownWait is the longest wait of a client that nothing is known of: what
	// doubling from a second comes to in six retries.
	unknownWait = 64 * time.Second
	// namedWait is how long a chain with an identifier is kept at least: a late attempt
	// cannot be mistaken.
	namedWait = time.Minute
	// loopWait is the shortest that an application's loop waits round a library that has
	// given up (LangChain's with_retry: a second and some jitter).
	loopWait = time.Second
	// midStreamWait is for a stream that broke off. No library sends again what has
	// begun to be answered; an application may.
	midStreamWait = 30 * time.Second
	// renewWait is for credentials that are renewed after a 401.
	renewWait = 5 * time.Second
	// maxWait bounds what a server may ask for.
	maxWait = 15 * time.Minute
	// early is by how much a timer may seem to fire before its time: the response
	// was read here before it was there.
	early = 20 * time.Millisecond
)

// patterns are the clients that exchange.Call.Client names; the first is any other.
var patterns = [...]pattern{
	{},
	{client: "openai-python", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, honours: 2 * time.Minute, counts: true},
	{client: "openai-go", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, honours: 2 * time.Minute, counts: true},
	{client: "openai-js", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, counts: true},
	{client: "anthropic-python", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, honours: time.Minute, counts: true},
	{client: "anthropic-go", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, honours: 8 * time.Second, counts: true},
	{client: "anthropic-js", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, counts: true},
	{client: "stainless", first: time.Second / 2, ceiling: 8 * time.Second, least: .75, counts: true},
	{client: "langchain", first: 2 * time.Second, ceiling: 64 * time.Second, least: .5, honours: time.Minute},
	{client: "ai-sdk", first: 2 * time.Second, ceiling: time.Minute, least: 1, honours: time.Minute},
	{client: "google-genai", first: 2 * time.Second, ceiling: 61 * time.Second, least: .5},
	{client: "aws", first: 2 * time.Second, ceiling: 20 * time.Second},
}

// patternOf is the place of a client in patterns.
func patternOf(client string) uint8 {
	if client != "" {
		for i := range patterns {
			if patterns[i].client == client {
				return uint8(i)
			}
		}
	}
	return 0
}

// window says when another attempt may follow, from the end of the last one.
// Between sharp and blunt is where the client's own library would send it.
type window struct {
	earliest, latest time.Duration
	sharp, blunt     time.Duration
}

// window is the time in which c may go on.
func (c *chain) window() window {
	p := &patterns[c.trail.client]
	if c.midStream {
		return window{latest: midStreamWait, blunt: -1}
	}
	if c.renews {
		return window{latest: renewWait, blunt: renewWait}
	}
	w := window{latest: unknownWait, blunt: -1}
	if p.client != "" {
		w = p.window(c.tries())
	}
	if asked := min(c.asked, maxWait); asked > 0 {
		w.latest = max(w.latest, asked)
		if p.honours == 0 || asked <= p.honours {
			w.earliest = min(w.earliest, asked)
			w.sharp, w.blunt = asked-early, asked+asked/20+time.Second/2
		}
	}
	w.earliest = max(0, w.earliest-w.earliest/20-early)
	w.latest += w.latest*3/10 + 2*time.Second
	if c.trail.id != 0 {
		w.latest = max(w.latest, namedWait)
	}
	return w
}

// window is for the retry after so many tries that the library itself made.
func (p *pattern) window(tries int) window {
	double := min(max(tries-1, 0), 16)
	longest := min(p.first<<double, p.ceiling)
	least := time.Duration(float64(longest) * p.least)
	w := window{earliest: least, latest: longest, sharp: least - least/20 - early, blunt: longest + longest/10 + time.Second/2}
	if p.counts { // it may be wrapped by a loop of the application's, which begins slower
		w.latest = max(p.ceiling, min(2*time.Second<<double, unknownWait))
		if tries > defaultRetries {
			w.earliest = min(w.earliest, loopWait)
		}
	}
	return w
}

// tries is how many attempts the client's library has made in a row.
func (c *chain) tries() int {
	if c.trail.retries >= 0 && patterns[c.trail.client].counts {
		return int(c.trail.retries) + 1
	}
	return int(c.ended)
}

// fate is what an attempt's end means for its chain.
type fate uint8

const (
	answered  fate = iota
	retryable      // the client may try again
	final          // it will not
)

// judge tells what the end of an attempt means. 408, 409, 429 and all above 500 are
// what the libraries try again, unless the server tells (x-should-retry).
func judge(r *exchange.Record) fate {
	switch r.Outcome {
	case exchange.OK:
		return answered
	case exchange.ClientGone:
		if readByClient(r) {
			return final
		}
		return retryable
	}
	switch r.Advice.Retry {
	case exchange.Yes:
		return retryable
	case exchange.No:
		return final
	}
	if r.Outcome != exchange.HTTPError || r.Status == 408 || r.Status == 409 || r.Status >= 500 || renews(r) {
		return retryable
	}
	return final
}

// renews tells of a 401 to a client that gets new credentials and tries once more.
func renews(r *exchange.Record) bool {
	if r.Status != 401 {
		return false
	}
	switch r.Call.Client {
	case "anthropic-python", "anthropic-js", "anthropic-go":
		return true
	}
	return false
}

// readByClient tells whether a client that left had been given a part of the
// answer that it could use. One that had not may have run out of patience, and try
// again; so does one whose answer in one piece broke off.
func readByClient(r *exchange.Record) bool {
	if r.Timing.FirstChunk == 0 || r.Status >= 400 {
		return false
	}
	return r.Stream && (r.Chunks.Count > 0 || r.Dialect == "")
}
