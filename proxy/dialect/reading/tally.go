package reading

import "github.com/headway-sidecar/headway/proxy/exchange"

// tally counts the tokens of a response as it goes on.
type tally struct {
	usage   usage  // as it came last
	timed   *timed // nil before counts have come beside the server's times
	final   bool   // they came at the end
	total   bool   // they count the whole response, not one choice
	usages  counter
	counted int64 // tokens in content chunks, at least one in each
	thought bool  // reasoning was streamed
	fed     bool  // content came
	summed  bool  // a summary of it was
	strange bool  // a usage object came that has no count at a known place
}

// timed is the counts that stand beside a server's times.
type timed struct {
	usage  usage // as they came last
	timers counter
}

// timedCounts are those that came, and none before.
func (t *tally) timedCounts() counts {
	if t.timed == nil {
		return 0
	}
	return t.timed.usage.known
}

// bookTimed books the counts beside the times in a message, and returns the tokens that they
// find in its content; 0 is unknown.
func (t *tally) bookTimed(m *Message) int {
	if t.timed == nil {
		if m.timings.known == 0 {
			return 0
		}
		t.timed = new(timed)
		t.timed.timers.broken = t.fed // content came without a count
	}
	if m.timings.known != 0 {
		t.timed.usage.merge(&m.timings)
	}
	return t.timed.timers.book(m, m.timings.output, m.timings.known&hasOutput != 0)
}

// book books the counts of a message and returns the tokens in its content; 0 is
// unknown. Ended tells whether all choices have ended.
func (t *tally) book(m *Message, ended bool) (tokens int) {
	t.thought = t.thought || m.thought
	t.summed = t.summed || m.summed
	u := &m.usage
	if u.known&^hasStrange != 0 {
		t.usage.merge(u)
	}
	t.strange = t.strange || u.known == hasStrange
	if u.known&^hasStrange|m.timings.known != 0 {
		t.final = t.final || ended || m.choices == 0
		t.total = t.total || m.choices == 0
	}
	output := u.output
	switch {
	case t.thought && u.reasonsApart:
		output += u.reasoning
	case !t.thought && u.known&hasReasoning != 0:
		output = u.visible()
	}
	byUsage := t.usages.book(m, output, u.known&hasOutput != 0)
	byTimer := t.bookTimed(m)
	t.fed = t.fed || m.content > 0
	if exact := m.tokens.count(); exact > 0 {
		return exact
	}
	if n := max(byUsage, byTimer); exchange.MayHold(int64(m.content), int64(n)) {
		return n
	}
	return 0
}

// believed returns the counts to believe: those beside the server's times only when
// there are no others.
func (t *tally) believed() (u usage) {
	u = t.usage
	if u.known&(hasInput|hasOutput) == 0 && t.timedCounts() != 0 {
		u = t.timed.usage
		u.cacheApart = true
	}
	if t.usages.apart && !t.total {
		u.output = t.usages.sum()
	}
	return u
}

// wholeUsage is the usage of a response that is no stream.
func (d *decoder) wholeUsage() exchange.Usage {
	u := d.tally.believed()
	if u.known == 0 || d.inSeconds(&u) {
		return exchange.Usage{}
	}
	x := d.billed(&u)
	x.Source = exchange.Reported
	return x
}

// inSeconds tells whether the provider bills by the duration of the sound, and notes that. Then
// nobody counts tokens: a server may send all of a transcript in one delta.
func (d *decoder) inSeconds(u *usage) bool {
	if u.inSeconds() {
		d.notes |= 1 << UsageInSeconds
		return true
	}
	return false
}

// billed returns counts in headway's terms, and notes what is odd about them.
func (d *decoder) billed(u *usage) exchange.Usage {
	x, odd := u.exchange()
	if odd {
		d.notes |= 1 << ReasoningOverOutput
	}
	switch {
	case d.api.Operation.Generates(), x.Output.Known:
		u.split(&x)
	case !x.Input.Known && u.known&hasTotal != 0:
		x.Input = exchange.Known(u.total) // there is nothing but input
	}
	return x
}

// streamedUsage is the usage of a stream.
func (d *decoder) streamedUsage(complete bool) exchange.Usage {
	t := &d.tally
	u := t.believed()
	if d.inSeconds(&u) {
		return exchange.Usage{}
	}
	x := d.billed(&u)
	x.Source = exchange.Running
	if t.final || complete && !d.failed { // an error ends a stream, and no count
		x.Source = exchange.Reported
	}
	// Some servers fill in zeros, and a running count may have stopped before the cut.
	if t.counted > x.Output.N && (u.known == 0 || x.Source == exchange.Running || x.Output.N == 0) {
		n := exchange.Known(t.counted)
		x = exchange.Usage{
			Input: x.Input, CacheRead: x.CacheRead, CacheWrite: x.CacheWrite, CacheWriteHour: x.CacheWriteHour, InputAudio: x.InputAudio, InputImage: x.InputImage,
			Output: n, Streamed: n, Source: exchange.Counted,
		}
		x.Input.Known = x.Input.N > 0
		return x
	}
	if u.known == 0 {
		return exchange.Usage{}
	}
	if x.Output.Known {
		x.Streamed = d.sent(&u, x.Output)
	}
	return x
}

// sent is how many tokens of the output came in the chunks of the stream.
func (d *decoder) sent(u *usage, output exchange.Count) exchange.Count {
	switch visible := u.visible(); {
	case d.chunks.Count == 0:
		return exchange.Known(0)
	case d.tally.summed: // nobody says how many tokens the summary has
		return d.chunks.Tokens()
	case d.tally.thought:
		return exchange.Known(max(0, output.N-u.rejectedInside()-u.hidden()))
	case visible > 0:
		return exchange.Known(visible)
	}
	d.notes |= 1 << ReasoningOverOutput
	return d.chunks.Tokens()
}
