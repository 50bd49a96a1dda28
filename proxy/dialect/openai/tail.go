package openai

import "github.com/headway-sidecar/headway/proxy/exchange"

// tail is what is known of the tokens of a response as it goes on.
type tail struct {
	usage   usage // as told last
	timings usage // as told last
	final   bool  // they were told at the end
	total   bool  // they were told of the response, not of one choice
	usages  counter
	timers  counter
	counted int64 // tokens in content chunks, at least one in each
	thought bool  // reasoning was streamed
	summed  bool  // a summary of it was
}

// take takes the counts of a message and returns the tokens in its content; 0 is
// unknown.
func (t *tail) take(m *message, ended bool) (tokens int) {
	t.thought = t.thought || m.thought
	t.summed = t.summed || m.summed
	u := &m.usage
	told := u.told != 0
	if told {
		t.usage.merge(u)
	}
	if m.timings.told != 0 {
		t.timings.merge(&m.timings)
		told = true
	}
	if told {
		t.final = t.final || ended || m.choices == 0
		t.total = t.total || m.choices == 0
	}
	output := u.output
	if !t.thought && u.told&hasReasoning != 0 {
		output = u.visible()
	}
	byUsage := t.usages.read(m, output, u.told&hasOutput != 0)
	byTimer := t.timers.read(m, m.timings.output, m.timings.told&hasOutput != 0)
	if exact := m.tokens.count(); exact > 0 {
		return exact
	}
	if n := max(byUsage, byTimer); exchange.MayHold(int64(m.content), int64(n)) {
		return n
	}
	return 0
}

// known returns the counts to believe: those of llama.cpp's timings only when
// there are no others.
func (t *tail) known() (u usage) {
	if t.usage.told&(hasInput|hasOutput) != 0 {
		u = t.usage
	} else if u = t.timings; u.told != 0 {
		u.input += u.cached
	}
	if t.usages.apart && !t.total {
		u.output = t.usages.sum()
	}
	return u
}

// whole is the usage of a response that is no stream.
func (t *tail) whole() exchange.Usage {
	u := t.known()
	if u.told == 0 {
		return exchange.Usage{}
	}
	x := u.exchange()
	x.Source = exchange.Reported
	return x
}

// streamed is the usage of a stream.
func (t *tail) streamed(chunks *exchange.Chunks, complete bool) (exchange.Usage, notes) {
	u := t.known()
	x := u.exchange()
	x.Source = exchange.Running
	if t.final || complete {
		x.Source = exchange.Reported
	}
	// Some servers fill in zeros, and a running count may have stopped before the cut.
	if t.counted > x.Output.N && (u.told == 0 || x.Source == exchange.Running || x.Output.N == 0) {
		n := exchange.Known(t.counted)
		x = exchange.Usage{Input: x.Input, CacheRead: x.CacheRead, Output: n, Streamed: n, Source: exchange.Counted}
		x.Input.Known = x.Input.N > 0
		return x, 0
	}
	if u.told == 0 {
		return exchange.Usage{}, 0
	}
	switch visible := u.visible(); {
	case !x.Output.Known:
	case chunks.Count == 0:
		x.Streamed = exchange.Known(0)
	case t.summed: // of the reasoning, nobody knows in how many tokens
		x.Streamed = chunks.Tokens()
	case t.thought:
		x.Streamed = x.Output
	case visible > 0:
		x.Streamed = exchange.Known(visible)
	default:
		x.Streamed = chunks.Tokens()
		return x, reasoningOverOutput
	}
	return x, 0
}
