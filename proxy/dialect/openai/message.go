package openai

import "github.com/headway-sidecar/headway/proxy/dialect/frame"

// message is what one message of a response says: an event of a stream, or the
// body that is no stream.
type message struct {
	failed  bool
	choices int      // in the message
	seen    indices  // of the choices
	ended   indices  // of those that told why they ended
	index   int      // of the choice that is being read
	before  int      // content of the choices before it
	partial bool     // it has a delta
	whole   int      // bytes of its message
	details int      // bytes of its reasoning details
	reason  reason   // of the choice that is being read
	content int      // bytes of generated content
	thought bool     // some of it is reasoning
	summed  bool     // some of it is a summary of reasoning
	tokens  tokens   // in the content
	usage   usage    // as a usage object has it
	timings usage    // as llama.cpp's timings have it
	api     response // what Responses says besides
}

// indices is a set of choices.
type indices uint16

// tokens are the tokens of one message, counted by what stands beside them.
type tokens struct{ logprobs, ids int }

// count is the number of tokens; 0 is unknown.
func (t tokens) count() int { return max(t.logprobs, t.ids) }

// Value implements frame.ValueSink: it takes a value of the response.
func (d *decoder) Value(v frame.Value) {
	m := &d.message
	switch v.Field {
	case model:
		if d.model == "" && v.Kind == frame.String && v.Len > 0 {
			d.model = string(v.Text)
		}
	case object:
		m.failed = m.failed || string(v.Text) == "error"
	case failure:
		m.failed = m.failed || v.Kind == frame.Object || v.Kind == frame.Array || v.Kind == frame.String && v.Len > 0
	case choice, index, finish, partial:
		d.choose(v)
	case content, reasoning, detail, summary, whole:
		m.generated(v)
	case logprob:
		m.tokens.logprobs += begins(v)
	case tokenID:
		m.tokens.ids += begins(v)
	case eventType, delta, status, incomplete, itemType, itemName:
		m.api.take(v)
	case queueMillis, prefillMillis, decodeMillis, queueSeconds, prefillSeconds, decodeSeconds:
		d.engine.take(v)
	default:
		m.counted(v)
	}
}

// begins is 1 for a value and 0 for the end of one.
func begins(v frame.Value) int {
	if v.Kind == frame.End {
		return 0
	}
	return 1
}

// generated takes content.
func (m *message) generated(v frame.Value) {
	if v.Kind != frame.String || v.Len == 0 {
		return
	}
	switch v.Field {
	case whole:
		m.whole += v.Len
	case content:
		m.content += v.Len
	case reasoning:
		m.content += v.Len
		m.thought = true
	case detail:
		m.details += v.Len
		m.thought = true
	case summary:
		m.details += v.Len
		m.summed = true
	}
}

// counted takes a count of tokens.
func (m *message) counted(v frame.Value) {
	n, ok := v.Int()
	if !ok {
		return
	}
	u, t := &m.usage, &m.timings
	switch v.Field {
	case promptTokens:
		u.set(&u.input, hasInput, n)
	case completionTokens:
		u.set(&u.output, hasOutput, n)
	case totalTokens:
		u.set(&u.total, hasTotal, n)
	case cachedTokens:
		u.set(&u.cached, hasCached, n)
	case writtenTokens:
		u.set(&u.written, hasWritten, n)
	case reasoningTokens:
		u.set(&u.reasoning, hasReasoning, n)
	case timedPrompt:
		t.set(&t.input, hasInput, n)
	case timedCached:
		t.set(&t.cached, hasCached, n)
	case timedTokens:
		t.set(&t.output, hasOutput, n)
	}
}

// choose takes what a choice says of itself.
func (d *decoder) choose(v frame.Value) {
	m := &d.message
	switch {
	case v.Field == index:
		if n, ok := v.Int(); ok {
			m.index = int(n)
		}
	case v.Field == finish:
		if v.Kind == frame.String {
			m.reason = reasonOf(v.Text)
		}
	case v.Field == partial:
		m.partial = true
	case v.Kind == frame.Object:
		m.index, m.reason, m.before = 0, unfinished, m.content
		m.partial, m.whole, m.details = false, 0, 0
		m.choices++
	case v.Kind == frame.End:
		d.endChoice()
	}
}

// endChoice books the choice that was read.
func (d *decoder) endChoice() {
	m := &d.message
	if !m.partial { // Perplexity repeats the message so far beside the delta
		m.content += m.whole
	}
	if m.content == m.before { // OpenRouter has the reasoning as text and in details
		m.content += m.details
	}
	if d.request.echo {
		d.dropEcho()
	}
	if m.reason == erred {
		m.failed = true
	}
	if m.index < 0 || m.index >= maxChoices {
		d.crowded = true
		m.index = maxChoices - 1
		return
	}
	m.seen |= 1 << m.index
	if m.reason != unfinished {
		m.ended |= 1 << m.index
		d.reasons[m.index] = m.reason
	}
}
