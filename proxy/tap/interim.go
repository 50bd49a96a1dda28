package tap

import (
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// InterimsEvery is how often somebody has to call AppendInterims.
	InterimsEvery = 5 * time.Second
	// tellTokensFrom is the least time between two Interims about the tokens of a stream: with
	// every second call, even if that comes a little early.
	tellTokensFrom = 2*InterimsEvery - time.Second
)

// looks holds the memory of those who look at all open exchanges.
type looks struct {
	mu   sync.Mutex
	open []*Exchange
}

// told is how much of an exchange Interims have told.
type told struct {
	mu    sync.Mutex // between the one that looks and the end of the exchange; no chunk takes it
	early exchange.Early
	at    time.Duration // when they told tokens, as an offset
	over  bool          // the Record tells the rest
}

// AppendInterims appends all that has happened to open streams since the last call, as far as
// the decoders have read: every 10 s the tokens that came, and every silent episode that
// ended. A caller that comes every InterimsEvery misses no episode. It delays no relay, as
// AppendOpen does. Canaries make no Interim.
func (t *Tap) AppendInterims(dst []exchange.Interim) []exchange.Interim {
	t.eachOpen(func(x *Exchange, now Instant) { dst = x.appendInterims(dst, now) })
	return dst
}

// eachOpen calls look with every open exchange.
func (t *Tap) eachOpen(look func(*Exchange, Instant)) {
	t.looks.mu.Lock()
	defer t.looks.mu.Unlock()
	t.looks.open = t.roster.appendTo(t.looks.open[:0])
	now := Now()
	for _, x := range t.looks.open {
		look(x, now)
	}
	clear(t.looks.open) // an exchange that ends is nobody's any more
}

func (x *Exchange) appendInterims(dst []exchange.Interim, now Instant) []exchange.Interim {
	p, who := &x.progress, x.progress.who.Load()
	if !who.stream || x.record.Origin == exchange.Canary {
		return dst
	}
	at := now.Sub(x.start)
	x.catchUpSilent(now)
	first, asked := time.Duration(p.first.Load()), time.Duration(p.asked.Load())
	if first == 0 {
		return dst
	}
	x.told.mu.Lock()
	defer x.told.mu.Unlock()
	if x.told.over {
		return dst
	}
	if first-asked >= exchange.SilentFrom && x.told.early.Silent == 0 && asked > 0 {
		dst = append(dst, x.endOf(who, exchange.Episode{Phase: exchange.BeforeFirstToken, From: asked, To: first, Ended: exchange.Resumed}))
	}
	if from, to, ok := p.gap.load(); ok && to > x.told.early.Silent {
		dst = append(dst, x.endOf(who, exchange.Episode{Phase: exchange.MidStream, From: from, To: to, Ended: exchange.Resumed}))
	}
	if at-x.told.at < tellTokensFrom {
		return dst
	}
	chunks, _ := p.content()
	if came := int64(chunks) + p.beyond.Load() - x.told.early.Tokens; came > 0 {
		x.told.early.Tokens += came
		x.told.at = at
		if came -= x.tap.debts.pay(who.key, came); came > 0 {
			dst = append(dst, exchange.Interim{Of: x.labelled(who), Tokens: came})
		}
	}
	return dst
}

// endOf tells an episode that ended. The caller holds told.mu.
func (x *Exchange) endOf(who *particulars, e exchange.Episode) exchange.Interim {
	x.told.early.Silent = e.To
	return exchange.Interim{Of: x.labelled(who), Episode: e}
}

// catchUpSilent decodes the backlog of a stream of which the decoder has read no content for
// so long that it may be silent. A stream that flows fills its backlog sooner.
func (x *Exchange) catchUpSilent(now Instant) {
	if _, last := x.progress.content(); now.Sub(x.start)-last >= exchange.SilentFrom {
		x.tryCatchUp()
	}
}

// labelled is the part of the Record that an Interim has: its labels.
func (x *Exchange) labelled(who *particulars) exchange.Record {
	chunks, _ := x.progress.content()
	return exchange.Record{
		Start: x.start.Time(), Origin: x.record.Origin, Role: x.tap.config.Role, Mode: who.mode, Operation: who.key.operation,
		Model: exchange.Model{Request: who.key.model}, Upstream: x.head.Upstream, Span: who.span, Attempt: who.attempt,
		Stream: true, Status: 200, Chunks: exchange.Chunks{Count: chunks},
	}
}

// settle ends the Interims of x, whose Record is complete, and returns what they have told. A
// stream may turn out to have fewer tokens than they told: a counter cannot take the excess
// back, so that the next tokens of the same kind pay for it.
func (x *Exchange) settle(r *exchange.Record) exchange.Early {
	x.told.mu.Lock()
	defer x.told.mu.Unlock()
	x.told.over = true
	early := x.told.early
	if !r.Usage.Output.Known || r.Origin == exchange.Canary || r.Mode == exchange.Upgraded {
		return early
	}
	rest := r.Usage.Output.N - early.Tokens
	if rest < 0 {
		x.tap.debts.owe(x.key, -rest)
		early.Tokens = r.Usage.Output.N
		return early
	}
	early.Tokens += x.tap.debts.pay(x.key, rest)
	return early
}

// maxDebts bounds the kinds of exchanges that owe tokens.
const maxDebts = 256

// debts are the tokens that Interims told and that no Record has in the end, by kind.
type debts struct {
	mu   sync.Mutex
	owed map[flightKey]int64
}

// owe books n tokens too many. Beyond the bound nobody remembers them.
func (d *debts) owe(k flightKey, n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.owed == nil {
		d.owed = map[flightKey]int64{}
	}
	if _, known := d.owed[k]; !known {
		if len(d.owed) == maxDebts {
			return
		}
		k.model = strings.Clone(k.model) // it may be a piece of a request's body
	}
	d.owed[k] += n
}

// pay returns how many of n tokens pay for those that were too many.
func (d *debts) pay(k flightKey, n int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	paid := min(n, d.owed[k])
	if paid == 0 {
		return 0
	}
	if d.owed[k] -= paid; d.owed[k] == 0 {
		delete(d.owed, k)
	}
	return paid
}
