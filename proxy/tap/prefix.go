package tap

import (
	"hash/maphash"
	"math/bits"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// part is the part of a prompt that a member of a request's body holds.
type part uint8

const (
	noPart       part = iota
	dialogue          // messages, or a question in one piece
	instructions      // the system prompt, which alone asks nothing
	tools
	elsewhere  // the name of messages that the provider keeps
	breakpoint // the wish that the provider cache
)

// member is a member of a request's body. Its number is in the hash of its value.
type member struct {
	part   part
	number uint8
}

// members are the members that hold parts of the prompt, in the APIs that headway knows.
var members = [...]struct {
	name string
	part part
}{
	{"messages", dialogue},
	{"input", dialogue},
	{"contents", dialogue},
	{"prompt", dialogue},
	{"system", instructions},
	{"instructions", instructions},       // Responses
	{"systemInstruction", instructions},  // Gemini
	{"system_instruction", instructions}, // likewise
	{"tools", tools},
	{"functions", tools},                // chat, before tools
	{"toolConfig", tools},               // Bedrock's Converse
	{"previous_response_id", elsewhere}, // Responses
	{"conversation", elsewhere},         // likewise
	{"cachedContent", elsewhere},        // Gemini
	{"cached_content", elsewhere},       // likewise
	{"cache_control", breakpoint},       // Anthropic: for the whole request
}

// memberNamed returns the member with that name; the zero member for any other name.
func memberNamed(name []byte) member {
	for i := range members {
		if m := &members[i]; string(name) == m.name {
			return member{m.part, uint8(i)}
		}
	}
	return member{}
}

// maxMessages bounds the messages of a prompt that headway compares with others: 16 KiB of
// hashes.
const maxMessages = 4096

// prompt hashes the parts of a prompt: each message apart, any other part in one. It hashes
// texts, names and scalars in their order. Spaces and brackets are no part of it, nor the
// marks of cache breakpoints, which clients move from message to message, nor the difference
// between a text and a list of one text, into which clients turn a message to mark it.
type prompt struct {
	hashing bool
	list    bool // the value is a list of messages
	wrote   bool // the message has content
	hash    maphash.Hash
	sum     uint64 // of the messages that ended in this value

	name   word // the last name in an object, as far as it means something
	marker int  // the depth of a breakpoint's name whose value passes; 0 for none
	system bool // the message has the role of a system prompt

	question uint64 // of all values but tools, whose order means nothing
	asked    bool
	far      bool // the provider keeps messages of the prompt
	parts    exchange.Prompt
}

// word is a text that means something inside a value.
type word uint8

const (
	noWord word = iota
	typeName
	textName
	roleName
	markerName
)

func wordOf(text []byte) word {
	switch string(text) {
	case "type":
		return typeName
	case "text":
		return textName
	case "role":
		return roleName
	case "cache_control", "cachePoint": // Anthropic, and Bedrock's Converse
		return markerName
	}
	return noWord
}

// isText recognises the types of a text in a list.
func isText(kind []byte) bool {
	return string(kind) == "text" || string(kind) == "input_text" || string(kind) == "output_text"
}

func isSystem(role []byte) bool { return string(role) == "system" || string(role) == "developer" }

func (p *prompt) begin() { p.hash.SetSeed(key) }

// fingerprint returns the fingerprint of the question; 0 when there is none.
func (p *prompt) fingerprint() exchange.Fingerprint {
	if !p.asked {
		return 0
	}
	return fingerprint(p.question)
}

// heldPrompt is a Prompt that an exchange holds, with the room for the messages of most.
type heldPrompt struct {
	exchange.Prompt

	short [4]uint32
}

// whole returns the hashes of the parts, which it copies to held; nil if the body has no
// messages, or not all of them.
func (p *prompt) whole(held *heldPrompt) *exchange.Prompt {
	if !p.asked || p.far || len(p.parts.Messages) == 0 || len(p.parts.Messages) > maxMessages {
		return nil
	}
	held.Prompt = p.parts
	held.Messages = append(held.short[:0], p.parts.Messages...)
	return &held.Prompt
}

// write hashes bytes of a text or a scalar.
func (p *prompt) write(text []byte) {
	if p.hashing && p.marker == 0 {
		_, _ = p.hash.Write(text) // a hash takes all of it
	}
}

// endString ends a string inside a value, at depth. Its whole text is in text, of which
// nothing is hashed so far; nil stands for a longer string, which is.
func (p *prompt) endString(text []byte, value bool, depth int) {
	if !p.hashing || p.marker > 0 {
		return
	}
	before := p.name
	p.name = noWord
	switch {
	case value && before == typeName && isText(text):
		return
	case value && before == roleName:
		p.system = p.list && depth == 3 && isSystem(text)
	case !value:
		if p.name = wordOf(text); p.name != noWord && p.name != roleName {
			return
		}
	}
	p.write(text)
	p.end('"')
}

func (p *prompt) endScalar() {
	if p.hashing && p.marker == 0 {
		p.end(',')
	}
}

// end ends a text or a scalar: the byte c ends none of its own kind before.
func (p *prompt) end(c byte) {
	_ = p.hash.WriteByte(c)
	p.wrote = true
}

// colon tells that a name ended at depth.
func (p *prompt) colon(depth int) {
	if p.hashing && p.marker == 0 && p.name == markerName {
		p.marker, p.parts.Breakpoints = depth, true
	}
}

// comma tells that a member or an element ended at depth.
func (p *prompt) comma(depth int) {
	p.name = noWord
	if p.marker == depth {
		p.marker = 0
	}
	if depth == 2 && p.list && p.wrote {
		p.endMessage(false)
	}
}

// leave tells that an object or an array ended, around which the depth is depth.
func (p *prompt) leave(depth int, object bool) {
	p.name = noWord
	if depth < p.marker {
		p.marker = 0
	}
	switch {
	case !p.hashing || !p.list:
	case depth == 2:
		p.endMessage(object)
	case depth == 1 && p.wrote:
		p.endMessage(false)
	}
}

// beginValue begins the value of a member. A list of a dialogue is one of messages.
func (p *prompt) beginValue(m member, list bool) {
	switch m.part {
	case elsewhere:
		p.far = true
		return
	case breakpoint:
		p.parts.Breakpoints = true
		return
	}
	p.hashing, p.list, p.wrote = true, list && m.part == dialogue, false
	p.sum = 0
	p.hash.Reset()
}

// endMessage ends an element of a dialogue, which is a message if it is an object.
func (p *prompt) endMessage(object bool) {
	h := p.hash.Sum64()
	p.sum = mixed(p.sum, h)
	if object && len(p.parts.Messages) <= maxMessages {
		p.mark(h)
	}
	p.hash.Reset()
	p.wrote, p.system = false, false
}

// mark books a message with the hash h.
func (p *prompt) mark(h uint64) {
	m := &p.parts
	if p.system && m.SystemMessages == len(m.Messages) {
		m.SystemMessages++
	}
	m.Messages = append(m.Messages, uint32(h))
}

// endValue ends the value of a member.
func (p *prompt) endValue(m member) {
	if !p.hashing {
		return
	}
	h := p.sum
	if !p.list {
		h = p.hash.Sum64()
	}
	h = mixed(uint64(m.number)+1, h)
	p.hashing, p.marker, p.name = false, 0, noWord
	switch m.part {
	case tools:
		p.parts.Tools += exchange.Fingerprint(h)
		return
	case instructions:
		p.parts.System += exchange.Fingerprint(h)
	case dialogue:
		p.asked = true
	}
	p.question += h
}

// mixed adds the hash h to a sum in which the order counts.
func mixed(sum, h uint64) uint64 {
	return bits.RotateLeft64(sum, 29)*0x9e3779b97f4a7c15 ^ h
}
