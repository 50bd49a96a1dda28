package tap

import (
	"bytes"
	"hash/maphash"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// transcript reads the messages of a request as its body streams by, and the places where
// the body names a session. It knows the bodies of chat completions, Responses, Messages
// and Gemini, and takes no decoder. It keeps hashes, and 256 bytes of one value while that
// passes. The zero value reads nothing.
type transcript struct {
	quoting
	reading bool
	thread  *exchange.Thread
	depth   int    // of open objects and arrays
	objects uint64 // a bit for each depth: it is an object
	base    int    // the depth of the request's members: 1, or 2 inside the envelope of Code Assist
	naming  bool   // the string that is read, or the next one, is a name
	keys    [levels]keyword
	name    name
	value   captured
	keeps   bool // value takes the string that is read

	message message
	rolling uint64 // hash of the messages so far
	heard   bool   // there was a message
	answer  bool   // the last message is the model's
}

// levels is how deep, from the request's members on, the names matter.
const levels = 6

// message is the message that is read.
type message struct {
	open        bool
	bare        bool // it is a string
	skips       int  // the depth of the member whose value is left out; 0 is none
	hash        maphash.Hash
	model, tool bool
	result      exchange.Fingerprint
}

func (t *transcript) begin(of *exchange.Thread) {
	t.reading, t.thread, t.base = true, of, 1
	t.message.hash.SetSeed(key)
}

// end ends the body. The messages of a body that ended early mean nothing.
func (t *transcript) end() {
	if t.reading || !t.heard {
		t.thread.Before, t.thread.Stem, t.thread.Result, t.thread.Speaker = 0, 0, 0, exchange.Nobody
		return
	}
	t.thread.Whole = fingerprint(t.rolling)
	if t.thread.Speaker == exchange.Nobody { // the request ends with words of the model
		t.thread.Speaker = exchange.Human
	}
}

// read reads the next bytes of the body.
func (t *transcript) read(p []byte) {
	for t.reading && len(p) > 0 {
		var n int
		if t.quoted {
			n = t.readString(p)
		} else {
			n = t.readStructure(p)
		}
		p = p[n:]
	}
}

// readString reads inside a string, up to its closing quote, and returns the number of
// bytes that it read.
func (t *transcript) readString(p []byte) int {
	n := t.skip(p)
	piece := p[:n]
	if !t.quoted {
		piece = p[:n-1]
	}
	switch {
	case t.naming:
		t.name.add(piece)
	case t.keeps:
		t.value.add(piece)
	}
	if !t.naming {
		t.hash(p[:n])
	}
	if !t.quoted {
		t.endString()
	}
	return n
}

// endString ends a string: a name, or a value.
func (t *transcript) endString() {
	rel := t.depth - t.base
	if t.naming {
		k := keywordOf(t.name.bytes())
		if rel >= 0 && rel < levels {
			t.keys[rel] = k
		}
		if t.message.open && t.message.skips == 0 && k == inCacheControl {
			t.message.skips = t.depth
		}
		t.hash(t.name.bytes())
		return
	}
	if t.keeps {
		t.keeps = false
		t.take(rel, t.value.bytes())
	}
	if t.message.open && t.message.bare {
		t.endMessage()
	}
}

// readStructure reads outside strings, up to the next opening quote, and returns the
// number of bytes that it read.
func (t *transcript) readStructure(p []byte) int {
	for i, b := range p {
		switch b {
		case '"':
			t.quoted = true
			t.name.n = 0
			if !t.naming {
				t.beginValue()
			}
			return i + 1
		case '{', '[':
			t.open(b == '{')
			t.hash(p[i : i+1])
		case '}', ']':
			t.resume()
			t.hash(p[i : i+1])
			if t.close(); !t.reading {
				return i + 1
			}
		case ',':
			t.naming = t.object()
			t.resume()
		case ':':
			t.naming = false
		case ' ', '\n', '\r', '\t':
		default:
			t.hash(p[i : i+1])
		}
	}
	return len(p)
}

// beginValue begins a string that is a value, and maybe a message.
func (t *transcript) beginValue() {
	t.keeps, t.value.n = t.keepsValue(), 0
	if t.listing() && !t.message.open && (t.depth == t.base || t.depth == t.base+1 && !t.object()) {
		t.beginMessage()
		t.message.bare = true
	}
}

// object reports whether the innermost open value is an object.
func (t *transcript) object() bool { return t.depth < 64 && t.objects&(1<<t.depth) != 0 }

// listing reports whether the members of the list of messages are read.
func (t *transcript) listing() bool { return t.keys[0] == inMessages }

// open enters an object or an array.
func (t *transcript) open(object bool) {
	if rel := t.depth - t.base; object && rel == 1 && t.listing() && !t.object() {
		t.beginMessage()
	} else if object && rel == 4 && t.keys[4] == inFunctionResponse {
		t.message.tool = true
	}
	if object && t.depth == 1 && t.base == 1 && t.keys[0] == inEnvelope {
		t.base = 2
		t.keys = [levels]keyword{}
	}
	t.depth++
	t.naming = object
	if t.depth < 64 {
		t.objects &^= 1 << t.depth
		if object {
			t.objects |= 1 << t.depth
		}
	}
	if rel := t.depth - t.base; rel > 0 && rel < levels {
		t.keys[rel] = 0
	}
}

// close leaves an object or an array.
func (t *transcript) close() {
	t.depth--
	t.naming = false
	switch {
	case t.depth <= 0: // or more ends have come than beginnings
		t.reading = false
	case t.base == 2 && t.depth == 1:
		t.base = 1
		t.keys = [levels]keyword{}
	case t.depth-t.base == 1 && t.message.open:
		t.endMessage()
	}
}

// resume ends the member that the hash leaves out, when the object that has it goes on or
// ends.
func (t *transcript) resume() {
	if t.message.skips == t.depth {
		t.message.skips = 0
	}
}

// hash hashes bytes of a message.
func (t *transcript) hash(p []byte) {
	if t.message.open && t.message.skips == 0 {
		_, _ = t.message.hash.Write(p) // a hash takes all of it
	}
}

func (t *transcript) beginMessage() {
	m := &t.message
	m.open, m.bare, m.skips, m.model, m.tool, m.result = true, false, 0, false, false, 0
	m.hash.Reset()
}

// endMessage adds a whole message to the transcript.
func (t *transcript) endMessage() {
	m, th := &t.message, t.thread
	m.open, t.heard = false, true
	if m.model && !t.answer {
		th.Before = 0
		if t.rolling != 0 {
			th.Before = fingerprint(t.rolling)
		}
		th.Speaker, th.Result = exchange.Nobody, 0
	}
	t.rolling = roll(t.rolling, m.hash.Sum64())
	t.answer = m.model
	switch {
	case m.model:
		th.Stem = fingerprint(t.rolling)
	case m.tool:
		th.Speaker = exchange.Tool
		if m.result != 0 {
			th.Result = m.result
		}
	case th.Speaker == exchange.Nobody:
		th.Speaker = exchange.Human
	}
}

// roll adds the hash of a message to that of the messages before it.
func roll(before, message uint64) uint64 {
	h := (before ^ message) * 0x9e3779b97f4a7c15
	return (h ^ h>>29) + message
}

// keepsValue reports whether the next string is a value that the transcript looks at.
func (t *transcript) keepsValue() bool {
	switch rel := t.depth - t.base; rel {
	case 0:
		return t.keys[0] >= firstMark && t.keys[0] <= lastMark
	case 1:
		return t.keys[0] == inMetadata || t.keys[0] == inConversation || t.keys[0] == inToolChoice
	case 2:
		k := t.keys[2]
		return t.message.open && (k == inRole || k == inType || k == inToolCallID || k == inCallID)
	case 4:
		return t.message.open && (t.keys[4] == inType || t.keys[4] == inToolUseID)
	case 5:
		return t.message.open && t.keys[4] == inFunctionResponse && t.keys[5] == inID
	}
	return false
}

// take takes a value that keepsValue asked for.
func (t *transcript) take(rel int, text []byte) {
	m := &t.message
	switch rel {
	case 0:
		t.mark(t.keys[0], text)
	case 1:
		t.takeMember(text)
	case 2:
		switch t.keys[2] {
		case inRole:
			m.model = m.model || string(text) == "assistant" || string(text) == "model"
			m.tool = m.tool || string(text) == "tool" || string(text) == "function"
		case inType:
			m.takeKind(text)
		case inToolCallID, inCallID:
			m.result = exchange.FingerprintOf(text)
		}
	case 4:
		switch {
		case t.keys[4] == inToolUseID:
			m.tool, m.result = true, exchange.FingerprintOf(text)
		case string(text) == "tool_result":
			m.tool = true
		}
	case 5:
		m.result = exchange.FingerprintOf(text)
	}
}

// takeKind takes the type of an item of the Responses API. Items of all types but these
// are the model's.
func (m *message) takeKind(text []byte) {
	switch {
	case string(text) == "message", string(text) == "input_text", string(text) == "item_reference":
	case bytes.HasSuffix(text, []byte("_output")), string(text) == "mcp_approval_response":
		m.tool = true
	default:
		m.model = true
	}
}

// takeMember takes a value inside a member of the request.
func (t *transcript) takeMember(text []byte) {
	switch k := t.keys[1]; {
	case t.keys[0] == inMetadata:
		if k == inUserID || k == inSession || k == inThread || k == inConversationID {
			t.mark(k, text)
		}
	case t.keys[0] == inConversation && k == inID:
		t.mark(inConversation, text)
	case t.keys[0] == inToolChoice && k == inType:
		switch string(text) {
		case "function", "tool", "custom":
			t.thread.Forced = true
		}
	}
}

// mark books the name of a session.
func (t *transcript) mark(k keyword, text []byte) {
	if k == inPrevious {
		t.thread.Follows = exchange.FingerprintOf(text)
		return
	}
	by := marks[k]
	if k == inUserID {
		if session := sessionOf(text); session != nil {
			by, text = sdk.ClaudeCodeSession, session
		}
	}
	addMark(t.thread, by, text)
}

// addMark books a mark of the request. The strongest have room.
func addMark(th *exchange.Thread, by exchange.Marker, text []byte) {
	m := exchange.Mark{By: by, ID: exchange.FingerprintOf(text)}
	if m.By == 0 || m.ID == 0 {
		return
	}
	for i := range th.Marks {
		switch had := th.Marks[i]; {
		case had.By == m.By:
			return
		case had.By == 0:
			th.Marks[i] = m
			return
		case m.By < had.By:
			th.Marks[i], m = m, had
		}
	}
}

// uuidLength is the length of a UUID as text.
const uuidLength = 36

// sessionOf returns the session that Claude Code writes into metadata.user_id: the UUID
// behind the word session, as in user_…_account_…_session_UUID or in JSON.
func sessionOf(text []byte) []byte {
	at := bytes.LastIndex(text, []byte("session"))
	if at < 0 {
		return nil
	}
	for rest := text[at:]; len(rest) >= uuidLength; rest = rest[1:] {
		if isUUID(rest[:uuidLength]) {
			return rest[:uuidLength]
		}
	}
	return nil
}

func isUUID(p []byte) bool {
	for i, c := range p {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if c |= 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// name is the start of a name, with room for all that mean something.
type name struct {
	text [32]byte
	n    int
}

func (c *name) add(p []byte) {
	if c.n < len(c.text) {
		copy(c.text[c.n:], p)
	}
	c.n += len(p)
}

func (c *name) bytes() []byte { return c.text[:min(c.n, len(c.text))] }

// captured is the start of a value.
type captured struct {
	text [256]byte
	n    int // length of the string; more than text has room for is cut
}

func (c *captured) add(p []byte) {
	if c.n < len(c.text) {
		copy(c.text[c.n:], p)
	}
	c.n += len(p)
}

func (c *captured) bytes() []byte { return c.text[:min(c.n, len(c.text))] }
