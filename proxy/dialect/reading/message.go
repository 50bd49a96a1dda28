package reading

import (
	"math"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// MaxChoices bounds the choices of a response that a decoder counts one by one.
const MaxChoices = 16

// Message is one message of a response while it is read: an event of a stream, or the
// body of a response that is no stream.
type Message struct {
	streamed bool
	failed   bool
	blamed   bool // it has the text of an error, or a text of the same name
	last     bool
	canceled bool
	notes    notes

	choices int                // in the message
	crowded bool               // one of them has an index that is too high
	seen    indices            // of the choices
	ended   indices            // of those that say why they ended
	reasons [MaxChoices]Reason // of those

	choice  choice  // that is being read, or was read last
	content int     // bytes of generated content, in all choices
	fed     indices // choices with content
	mulled  int     // bytes of the content that are reasoning, or a summary of it
	thought bool    // some of it is reasoning
	summed  bool    // some of it is a summary of reasoning
	tokens  tokens  // in the content
	usage   usage   // as a usage object has it
	part    part    // of a count in it, that is being read
	timings usage   // as it stands beside the server's own times
}

// reset begins a message of an API, which may be part of a stream.
func (m *Message) reset(a *API, streamed bool) {
	*m = Message{streamed: streamed}
	m.usage.reasonsApart = a.ReasoningApart
	if a.Single {
		m.choices = 1
	}
}

// choice is one answer in a message.
type choice struct {
	index   int
	reason  Reason
	before  int  // bytes of content in the choices before it
	delta   bool // it says what is new
	whole   int  // bytes of the answer so far
	details int  // bytes of reasoning in details
	payload int  // bytes of what may be content
	start   start
}

// start is the first bytes of a text.
type start struct {
	text   [8]byte
	length uint8
}

// add adds text that follows.
func (s *start) add(text []byte) { s.length += uint8(copy(s.text[s.length:], text)) }

// told is the content that a choice had in earlier messages. A decoder has one for each
// choice, so that they are small: its numbers stand still at their highest.
type told struct {
	bytes  uint32 // of the answer, without reasoning
	mulled uint32 // of the reasoning
	chunks uint32 // with a part of the answer
	start  start
}

// contents are those of all choices.
type contents struct {
	first told
	rest  *[MaxChoices - 1]told // nil before there is a second choice
}

// of returns the content of a choice.
func (c *contents) of(choice int) *told {
	if choice == 0 {
		return &c.first
	}
	if c.rest == nil {
		c.rest = new([MaxChoices - 1]told)
	}
	return &c.rest[choice-1]
}

// add adds the content of another message, of which mulled bytes are reasoning.
func (t *told) add(n, mulled int, s start) {
	t.start.add(s.text[:s.length])
	t.mulled = uint32(min(uint64(t.mulled)+uint64(mulled), math.MaxUint32))
	t.bytes = uint32(min(uint64(t.bytes)+uint64(n-mulled), math.MaxUint32))
	if n > mulled && t.chunks < math.MaxUint32 {
		t.chunks++
	}
}

// same tells whether n bytes that begin with s, of which mulled are reasoning, are the
// whole answer once more, with the reasoning or without it: some servers end a stream with
// that. A chunk of that size and start is no accident, if it is a long one where
// the choice has not ended.
func (t *told) same(n, mulled int, s start, ended bool) bool {
	least := 16
	if !ended {
		least = 64
	}
	return t.chunks > 1 && n-mulled >= least && uint64(n-mulled) == uint64(t.bytes) && s == t.start &&
		(mulled == 0 || uint64(mulled) == uint64(t.mulled))
}

// indices is a set of choices.
type indices uint16

// has tells whether the set has a choice.
func (s indices) has(choice int) bool {
	return choice >= 0 && choice < MaxChoices && s&(1<<choice) != 0
}

// tokens are the tokens of one message, counted by the values that stand beside them.
type tokens struct{ logprobs, ids int }

// count is the number of tokens; 0 is unknown.
func (t tokens) count() int { return max(t.logprobs, t.ids) }

// Streamed tells whether the message is part of a stream.
func (m *Message) Streamed() bool { return m.streamed }

// Index is the index of the choice that is being read.
func (m *Message) Index() int { return m.choice.index }

// SetIndex replaces the index of the choice that is being read.
func (m *Message) SetIndex(i int) { m.choice.index = i }

// Generated is how many bytes of content the choice that is being read has.
func (m *Message) Generated() int { return m.content - m.choice.before }

// SetGenerated replaces the content of the choice that is being read by one of n bytes
// whose tokens are not known.
func (m *Message) SetGenerated(n int) {
	m.content = m.choice.before + n
	m.mulled = min(m.mulled, m.content)
	m.tokens = tokens{}
}

// AddContent adds n bytes of generated text, or of the name or arguments of a tool call.
func (m *Message) AddContent(n int) { m.content += n }

// AddReasoning adds n bytes of text that was generated before the answer.
func (m *Message) AddReasoning(n int) {
	m.content += n
	m.mulled += n
	m.thought = m.thought || n > 0
}

// AddSummary adds n bytes of text that another model made of the reasoning.
func (m *Message) AddSummary(n int) {
	m.content += n
	m.mulled += n
	m.summed = m.summed || n > 0
}

// Fail says that the message reports an error, which ends the response.
func (m *Message) Fail() { m.failed = true }

// Failed tells whether the message reports an error.
func (m *Message) Failed() bool { return m.failed }

// Reason is why the choice that is being read ended, as far as it says so.
func (m *Message) Reason() Reason { return m.choice.reason }

// End says why the choice that is being read ended.
func (m *Message) End(why Reason) { m.choice.reason = why }

// Block says that a filter refused the prompt, so that there is no choice.
func (m *Message) Block() {
	m.seen |= 1
	m.ended |= 1
	m.reasons[0] = Filtered
}

// Last says that the message is the last one of its response.
func (m *Message) Last() { m.last = true }

// Cancel says that the client gave the response up, so that it has ended early.
func (m *Message) Cancel() { m.last, m.canceled = true, true }

// empty tells whether the message has no part of an answer.
func (m *Message) empty() bool {
	return m.usage.nothing() && m.ended == 0 && m.content == 0
}

// Note notes an oddity.
func (m *Message) Note(n Note) { m.notes |= 1 << n }

// count sets a count of u. One below 0 is none, though some servers mean by it that they do
// not know.
func (m *Message) count(u *usage, v frame.Value) {
	if !m.negative(v) {
		u.setCount(v)
	}
}

// counted is the count that v is, and whether it is one.
func (m *Message) counted(v frame.Value) (n int64, ok bool) {
	if m.negative(v) {
		return 0, false
	}
	return countOf(v)
}

// negative tells whether v is below 0, and notes that.
func (m *Message) negative(v frame.Value) bool {
	if len(v.Text) == 0 || v.Text[0] != '-' {
		return false
	}
	m.Note(NegativeCount)
	return true
}

// generate books a value of generated content.
func (m *Message) generate(v frame.Value) {
	if v.Kind != frame.String || v.Len == 0 {
		return
	}
	switch v.Field {
	case Content:
		if m.content-m.mulled == m.choice.before {
			m.choice.start.add(v.Text)
		}
		m.content += v.Len
	case Reasoning:
		m.AddReasoning(v.Len)
	case Whole:
		m.choice.whole += v.Len
	case Detail:
		m.choice.details += v.Len
		m.thought = true
	case Summary:
		m.choice.details += v.Len
		m.summed = true
	case Payload:
		m.choice.payload += v.Len
	}
}

// beginChoice begins another choice.
func (m *Message) beginChoice() {
	m.choice = choice{before: m.content}
	m.choices++
}

// describe books a value that a choice says of itself.
func (m *Message) describe(v frame.Value) {
	switch v.Field {
	case Index:
		if n, ok := v.Int(); ok {
			m.choice.index = int(n)
		}
	case Finish:
		if v.Kind == frame.String {
			m.choice.reason = ReasonOf(v.Text)
		}
	case Delta:
		m.choice.delta = true
	}
}

// gather ends the gathering of a choice's content: it leaves out text that only repeats.
// fed are the choices that had content in earlier messages, told is their content.
func (m *Message) gather(fed indices, told *contents) {
	c := &m.choice
	switch {
	case c.delta || c.whole == 0:
	case fed.has(c.index):
		m.Note(RepeatedContent)
	default:
		m.content += c.whole
	}
	if m.choices == 1 && fed.has(c.index) && told.of(c.index).same(m.content, m.mulled, c.start, c.reason != Unfinished) {
		m.SetGenerated(0)
		m.Note(RepeatedContent)
		return
	}
	if m.content == c.before {
		m.content += c.details
		m.mulled += c.details
	}
	if m.content == c.before && c.payload > 0 {
		m.content += c.payload
		m.Note(UnknownContent)
	}
}

// endChoice books the choice that was read.
func (m *Message) endChoice() {
	c := &m.choice
	if c.reason == Erred {
		m.failed = true
	}
	if c.index < 0 || c.index >= MaxChoices {
		m.crowded = true
		c.index = MaxChoices - 1
		return
	}
	m.seen |= 1 << c.index
	if m.content > c.before {
		m.fed |= 1 << c.index
	}
	if c.reason != Unfinished {
		m.ended |= 1 << c.index
		m.reasons[c.index] = c.reason
	}
}
