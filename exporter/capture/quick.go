package capture

import "strconv"

// quick reads lines as a Writer writes them: without white space, every key once. It is ten
// times faster than encoding/json, and gives up on anything else: an escape, a null, a key
// that it does not know. encoding/json reads those lines.
type quick struct {
	text []byte
	at   int
	// names are texts that lines repeat, so that each is allocated once.
	names map[string]string
	// slo is the text of the last line's verdicts: most lines have the same.
	slo      []byte
	verdicts map[string]Verdict
}

// manyNames bounds quick.names, and longName the length of each.
const (
	manyNames = 4096
	longName  = 64
)

// parts has room for what a Line points at, in one piece.
type parts struct {
	itl           ITL
	idle          Idle
	wait          Wait
	chain         Attempt
	engine        [3]float64
	tokens        [6]int64
	chunks        [2]int
	burst         float64
	finish, notes [1]string
}

// unread is the field that a reader returns if it gives up.
const unread = -1

// line reads a line of an exchange.
func (q *quick) line(text []byte) (l Line, ok bool) {
	q.text, q.at = text, 0
	p := new(parts)
	ok = q.members(func(key []byte) int {
		switch c := q.peek(); {
		case c == '"':
			return q.word(&l, key)
		case c >= '0' && c <= '9':
			return q.figure(&l, p, key)
		case c == '{':
			return q.part(&l, p, key)
		case c == '[' && string(key) == "finish_reasons":
			return q.list(&l.FinishReasons, p.finish[:0:1], 60)
		case c == '[' && string(key) == "notes":
			return q.list(&l.Notes, p.notes[:0:1], 61)
		case string(key) == "stream":
			return q.truth(&l.Stream, 62)
		}
		return unread
	})
	return l, ok && q.at == len(text)
}

// word reads a field that is text. Each field has a number of its own.
func (q *quick) word(l *Line, key []byte) int {
	switch string(key) {
	case "kind":
		return q.name(&l.Kind, 0)
	case "start":
		return q.time(l, 1)
	case "origin":
		return q.name(&l.Origin, 2)
	case "role":
		return q.name(&l.Role, 3)
	case "mode":
		return q.name(&l.Mode, 4)
	case "dialect":
		return q.name(&l.Dialect, 5)
	case "operation":
		return q.name(&l.Operation, 6)
	case "path_class":
		return q.name(&l.PathClass, 7)
	case "provider":
		return q.name(&l.Provider, 8)
	case "upstream":
		return q.name(&l.Upstream, 9)
	case "outcome":
		return q.name(&l.Outcome, 10)
	case "error_type":
		return q.name(&l.ErrorType, 11)
	case "trace_id":
		return q.id(&l.TraceID, 12)
	case "span_id":
		return q.id(&l.SpanID, 13)
	case "probe":
		return q.name(&l.Probe, 14)
	}
	return unread
}

// figure reads a field that is a number.
func (q *quick) figure(l *Line, p *parts, key []byte) int {
	switch string(key) {
	case "v":
		return q.whole(&l.V, 20)
	case "status":
		return q.whole(&l.Status, 21)
	case "first_byte_s":
		return q.float(&l.FirstByte, 22)
	case "first_event_s":
		return q.float(&l.FirstEvent, 23)
	case "ttft_s":
		return q.float(&l.TTFT, 24)
	case "ttfa_s":
		return q.float(&l.TTFA, 25)
	case "hidden_reasoning_s":
		return q.float(&l.Hidden, 26)
	case "tpot_s":
		return q.float(&l.TPOT, 27)
	case "last_token_s":
		return q.float(&l.LastToken, 28)
	case "e2e_s":
		return q.float(&l.E2E, 29)
	case "stall_s":
		return q.float(&l.Stall, 30)
	case "chunks":
		l.Chunks = &p.chunks[0]
		return q.whole(l.Chunks, 31)
	case "content_chunks":
		l.ContentChunks = &p.chunks[1]
		return q.whole(l.ContentChunks, 32)
	case "burst_ratio":
		l.BurstRatio = &p.burst
		return q.float(l.BurstRatio, 33)
	}
	return unread
}

// peek is the next byte, 0 at the end.
func (q *quick) peek() byte {
	if q.at < len(q.text) {
		return q.text[q.at]
	}
	return 0
}

// eat passes over a byte if it is next.
func (q *quick) eat(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.at++
	return true
}

// members reads an object. value reads the value of a key and returns the number of the
// field, from 0 to 63. members gives up on a field that was there already.
func (q *quick) members(value func(key []byte) int) bool {
	if !q.eat('{') {
		return false
	}
	if q.eat('}') {
		return true
	}
	var seen uint64
	for {
		key, ok := q.quoted()
		if !ok || !q.eat(':') {
			return false
		}
		field := value(key)
		if field == unread || seen>>field&1 != 0 {
			return false
		}
		seen |= 1 << field
		if q.eat('}') {
			return true
		}
		if !q.eat(',') {
			return false
		}
	}
}

// quoted reads a text of printable ASCII without escapes.
func (q *quick) quoted() ([]byte, bool) {
	if !q.eat('"') {
		return nil, false
	}
	for n, c := range q.text[q.at:] {
		switch {
		case c == '"':
			text := q.text[q.at : q.at+n]
			q.at += n + 1
			return text, true
		case c < ' ' || c > '~' || c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// name reads a text that lines repeat.
func (q *quick) name(to *string, field int) int {
	text, ok := q.quoted()
	if !ok {
		return unread
	}
	*to = q.known(text)
	return field
}

// known is text as a string, the same one for every line.
func (q *quick) known(text []byte) string {
	name, ok := q.names[string(text)]
	if !ok {
		name = string(text)
		if len(q.names) < manyNames && len(text) <= longName {
			q.names[name] = name
		}
	}
	return name
}

// id reads a text that no other line has.
func (q *quick) id(to *string, field int) int {
	text, ok := q.quoted()
	if !ok {
		return unread
	}
	*to = string(text)
	return field
}

func (q *quick) time(l *Line, field int) int {
	from := q.at
	if _, ok := q.quoted(); !ok || l.Start.UnmarshalJSON(q.text[from:q.at]) != nil {
		return unread
	}
	return field
}

func (q *quick) truth(to *bool, field int) int {
	for _, word := range [2]string{"true", "false"} {
		if end := q.at + len(word); end <= len(q.text) && string(q.text[q.at:end]) == word {
			q.at, *to = end, word == "true"
			return field
		}
	}
	return unread
}

// list reads an array of texts. It uses room as far as that goes.
func (q *quick) list(to *[]string, room []string, field int) int {
	q.at++
	for *to = room; ; {
		var text string
		if q.name(&text, field) == unread {
			return unread // or it is empty
		}
		*to = append(*to, text)
		if q.eat(']') {
			return field
		}
		if !q.eat(',') {
			return unread
		}
	}
}

// digits reads a number without sign and exponent. All its digits are in all unless there
// are more than 18, and so many of them are behind the point.
func (q *quick) digits() (text []byte, all uint64, behind int, ok bool) {
	from, point := q.at, -1
	for ; q.at < len(q.text); q.at++ {
		c := q.text[q.at]
		switch {
		case c >= '0' && c <= '9':
			all = all*10 + uint64(c-'0')
		case c == '.' && point < 0:
			point = q.at
		default:
			text = q.text[from:q.at]
			if point >= 0 {
				behind = q.at - point - 1
			}
			before := len(text)
			if point >= 0 {
				before = point - from
			}
			whole := before > 0 && (before == 1 || text[0] != '0') && (point < 0 || behind > 0)
			return text, all, behind, whole && (c == ',' || c == '}')
		}
	}
	return nil, 0, 0, false
}

// longest is the length of a number whose digits fit into 64 bits.
const longest = 18

func (q *quick) whole(to *int, field int) int {
	text, all, behind, ok := q.digits()
	if !ok || behind > 0 || len(text) > longest {
		return unread
	}
	*to = int(all)
	return field
}

func (q *quick) count(to *int64, field int) int {
	text, all, behind, ok := q.digits()
	if !ok || behind > 0 || len(text) > longest {
		return unread
	}
	*to = int64(all)
	return field
}

// float reads a number. A quotient of two numbers that a float64 has exactly is rounded
// once, so it is the nearest one.
func (q *quick) float(to *float64, field int) int {
	text, all, behind, ok := q.digits()
	if !ok {
		return unread
	}
	if len(text) <= longest && all <= 1<<53 && behind < len(powers) {
		*to = float64(all) / powers[behind]
		return field
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return unread
	}
	*to = v
	return field
}

// powers are those of ten that lines need.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
