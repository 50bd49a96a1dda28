package promptcache

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// entry is a prompt that a provider read. All but long is unchanged once it is in the book.
type entry struct {
	exchange.Prompt
	sender uint64    // the hash of model, upstream, API and credentials
	start  time.Time // of its exchange
	ready  time.Time // when the answer began: no cache holds the prompt before
	input  int64     // tokens
	cached int64     // of them, read from the cache
	held   int64     // of them, in the cache afterwards
	long   bool      // for an hour
	proof  bool      // the cache took or gave tokens of it
	before *entry    // the one before with the same key
}

// entryOf is the entry of r, of whose prompt the cache had cached tokens.
func entryOf(r *exchange.Record, p *exchange.Prompt, sender uint64, cached int64) *entry {
	u, t := &r.Usage, &r.Timing
	e := &entry{
		Prompt: *p, sender: sender, start: r.Start, input: u.Input.N, cached: min(cached, u.Input.N),
		long:  u.CacheWriteHour.N > 0,
		proof: cached > 0 || u.CacheWrite.N > 0,
	}
	e.Messages = slices.Clone(p.Messages)
	began := t.FirstChunk
	if began == 0 {
		began = t.End
	}
	e.ready = r.Start.Add(began)
	e.held = e.input
	if u.CacheWrite.Known { // the provider tells all that it cached
		e.held = min(e.cached+u.CacheWrite.N, e.input)
	}
	return e
}

// expires is the moment from which the cache may have dropped e.
func (e *entry) expires() time.Time {
	if e.long {
		return e.start.Add(longLifetime)
	}
	return e.start.Add(lifetime)
}

// precedes says whether the provider had read e, and not dropped it, when it got next.
func (e *entry) precedes(next *entry) bool {
	return e.sender == next.sender && !next.start.Before(e.ready) && next.start.Before(e.expires())
}

// continuedBy says whether the prompt of next begins with the whole of e.
func (e *entry) continuedBy(next *entry) bool {
	part, _ := e.changed(next)
	return part == exchange.NoPart
}

// changed is the first part of e that next has in another form, and its number if it is a
// message.
func (e *entry) changed(next *entry) (exchange.PromptPart, int32) {
	switch {
	case e.Tools != next.Tools:
		return exchange.ToolsPart, 0
	case e.System != next.System:
		return exchange.SystemPart, 0
	}
	same := 0
	for same < len(e.Messages) && same < len(next.Messages) && e.Messages[same] == next.Messages[same] {
		same++
	}
	switch {
	case same < max(e.SystemMessages, next.SystemMessages):
		return exchange.SystemPart, 0
	case same < len(e.Messages):
		return exchange.MessagePart, int32(same) + 1
	case e.Breakpoints && !next.Breakpoints:
		return exchange.BreakpointsPart, 0
	}
	return exchange.NoPart, 0
}

// missedBy says why the prompt of next, which e precedes, missed the cache. Works says that
// prompts of that model have met it.
func (e *entry) missedBy(next *entry, works bool) exchange.Prefix {
	expected := min(e.held, next.input)
	lost := expected - next.cached
	if expected < least || lost <= max(slack, expected/slackShare) {
		return exchange.Prefix{}
	}
	part, message := e.changed(next)
	switch {
	case part != exchange.NoPart:
		return exchange.Prefix{Missed: exchange.PrefixChanged, Changed: part, Message: message, Lost: lost}
	case e.proof || works:
		return exchange.Prefix{Missed: exchange.SamePrefix, Lost: lost}
	}
	return exchange.Prefix{} // perhaps this model has no cache
}
