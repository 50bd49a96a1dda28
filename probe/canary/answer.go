package canary

import (
	"strings"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// maxOpening is how many bytes of an answer are kept until it is judged.
const maxOpening = 256

// Answer reads the answer to one request of a Writer, as its bytes come. It belongs to one
// goroutine.
type Answer struct {
	dialect *dialect
	word    string
	stream  interface {
		Feed(p []byte)
		Close()
	}
	json        frame.JSON
	opening     []byte // of the text
	thought     bool   // some text was thinking
	fingerprint string
}

// Answer returns the reader of the answer to r, a request of w.
func (w *Writer) Answer(r *Request) *Answer {
	a := &Answer{dialect: w.dialect, word: r.Word}
	a.json = frame.NewJSON(w.shape, a)
	switch w.dialect.framing {
	case lines:
		a.stream = frame.NewLines(a)
	case events:
		a.stream = frame.NewEventStream(a)
	default:
		s := frame.NewSSE(a)
		a.stream = &s
	}
	return a
}

// Feed reads the next bytes of the response's body. It keeps no part of p. The beginning of
// the text is enough to judge it, so Feed reads no further: the tap counts the rest.
func (a *Answer) Feed(p []byte) {
	if len(a.opening) < maxOpening {
		a.stream.Feed(p)
	}
}

// Data is the frame's next piece of a message.
func (a *Answer) Data(p []byte) { a.json.Feed(p) }

// Event is the frame's end of a message.
func (a *Answer) Event(frame.Event) { a.json.Restart() }

// Value is a value of a message.
func (a *Answer) Value(v frame.Value) {
	if v.Kind != frame.String || v.Len == 0 {
		return
	}
	switch v.Field {
	case fieldText:
		if a.dialect.cumulative {
			a.opening = a.opening[:0]
		}
		a.opening = append(a.opening, v.Text[:min(len(v.Text), maxOpening-len(a.opening))]...)
	case fieldThought:
		a.thought = true
	case fieldFingerprint:
		if a.fingerprint == "" {
			a.fingerprint = string(v.Text)
		}
	}
}

// End ends the answer, and returns the fingerprint of the serving system where the answer
// names it. Feed must not be called any more.
func (a *Answer) End() (fingerprint string) {
	a.stream.Close()
	return a.fingerprint
}

// Facts are what the Record of an answer that came whole says about it.
type Facts struct {
	Output    int64 // tokens; negative is unknown
	Asked     int   // tokens at most
	Reasoning int64 // tokens of Output
	Filtered  bool  // the API itself calls the answer a refusal or filtered
}

// Judge tells whether the answer is one: OK, Refused, Nonsense or Short. Call it after End.
func (a *Answer) Judge(f Facts) probe.Outcome {
	text := strings.ToLower(string(a.opening))
	begins := strings.Contains(cut(text, 24), strings.ToLower(a.word))
	switch {
	case f.Filtered, !begins && refuses(text):
		return probe.Refused
	case f.Output >= 0 && f.Output < least(f.Asked):
		return probe.Short
	case strings.TrimSpace(text) == "":
		if a.thought || f.Reasoning > 0 {
			return probe.OK // it thought for as long as it may
		}
		return probe.Nonsense
	case degenerate(text):
		return probe.Nonsense
	case !begins && !a.dialect.plain && f.Asked >= fewest && utf8.RuneCountInString(text) >= len(a.word):
		return probe.Nonsense
	}
	return probe.OK
}

// fewest is the number of tokens below which an answer need not show its first word.
const fewest = 4

// least is the fewest tokens of an answer that is not short: servers differ by one token in
// whether the end of the text counts.
func least(asked int) int64 { return int64(asked - max(1, asked/100)) }

// refuses tells whether a text in lower case begins as models refuse.
func refuses(text string) bool {
	text = strings.ReplaceAll(cut(strings.TrimSpace(text), 64), "’", "'")
	for _, start := range []string{
		"i'm sorry", "i am sorry", "sorry,", "sorry, but", "i can't", "i cannot", "i can not", "i won't", "i'm unable", "i am unable",
		"i'm not able", "i am not able", "as an ai", "unfortunately, i", "i apologize", "i must decline",
	} {
		if strings.HasPrefix(text, start) {
			return true
		}
	}
	return false
}

// degenerate tells whether a text has hardly a letter, or one character over and over: so
// answers a server whose weights or kernels are broken.
func degenerate(text string) bool {
	letters, all := 0, 0
	candidate, lead := rune(0), 0 // the character that is more than half of the text, if one is
	for _, r := range text {
		if r == ' ' || r == '\n' {
			continue
		}
		all++
		switch {
		case lead == 0:
			candidate, lead = r, 1
		case r == candidate:
			lead++
		default:
			lead--
		}
		if r >= 'a' && r <= 'z' || r >= utf8.RuneSelf && r != utf8.RuneError {
			letters++
		}
	}
	return all >= 16 && (letters*4 < all || strings.Count(text, string(candidate))*10 >= all*9)
}

func cut(text string, most int) string { return text[:min(len(text), most)] }
