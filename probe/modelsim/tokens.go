package modelsim

import (
	"encoding/json"
	"iter"
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is an index into the vocabulary.
type token uint16

// maxWordRunes is the longest run of letters and digits that is one token.
const maxWordRunes = 8

// opaquePartTokens is the length of an image, or of another part that is not text.
const opaquePartTokens = 256

// CountTokens is the length of text in the simulator's own tokens.
func CountTokens(text string) int {
	n := 0
	for range pieces(text) {
		n++
	}
	return n
}

// pieces cuts text into tokens: an optional space and one to eight letters or
// digits, or else a single character.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			n := pieceLen(text)
			if !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

func pieceLen(text string) int {
	n, runes := 0, 0
	if text[0] == ' ' {
		n = 1
	}
	for runes < maxWordRunes && n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		n += size
		runes++
	}
	if runes > 0 {
		return n
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// FNV-1a, 64 bit. A seeded simulator needs a hash that is the same in all runs and on all machines;
// that of hash/maphash is not.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashString(s string) uint64 {
	sum := uint64(fnvOffset)
	for i := range len(s) {
		sum = (sum ^ uint64(s[i])) * fnvPrime
	}
	return sum
}

// mix folds v into sum and spreads it over all bits (the finalizer of SplitMix64).
func mix(sum, v uint64) uint64 {
	z := sum*fnvPrime ^ v
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// The text of answers. Openers start a section, words have their space, marks follow a word. Each is
// exactly one token wherever it stands. A few need care in JSON or have several bytes a character,
// because decoders must cope with those.
var (
	openers = [...]string{"The", "A", "In", "This", "When", "With", "Here", "Most", "Each", "Under"}
	words   = [...]string{
		" the", " a", " of", " to", " in", " and", " is", " for", " that", " with", " on", " as", " by", " at",
		" from", " this", " it", " an", " are", " when", " each", " every", " more", " one", " two", " into",
		" model", " token", " tokens", " stream", " request", " server", " client", " latency", " batch", " step",
		" cache", " prefix", " queue", " budget", " prompt", " answer", " engine", " memory", " kernel", " block",
		" decode", " prefill", " sample", " draft", " accept", " limit", " window", " second", " minute", " load",
		" grows", " waits", " runs", " holds", " sends", " reads", " writes", " shows", " keeps", " takes",
		" slow", " fast", " small", " large", " steady", " shared", " first", " last", " next", " hidden",
		" river", " bridge", " harbor", " signal", " garden", " winter", " paper", " copper", " silver", " north",
		" 7", " 42", " 1000", " café", " naïve", " Größe", " 東京", " привет",
	}
	marks = [...]string{",", ".", ".", ",", ";", "\n", "\"", "\\", "…", "🙂"}
)

// vocabulary is the fixed set of output tokens, each in the forms that encoders need. It never
// changes, and is safe for concurrent use.
type vocabulary struct {
	text     []string
	quoted   []string // as it stands inside a JSON string
	requoted []string // as it stands inside a JSON string within a JSON string
	sum      []uint64
}

func newVocabulary() *vocabulary {
	v := &vocabulary{}
	for _, table := range [][]string{openers[:], words[:], marks[:]} {
		for _, text := range table {
			v.text = append(v.text, text)
			v.quoted = append(v.quoted, quoted(text))
			v.requoted = append(v.requoted, quoted(quoted(text)))
			v.sum = append(v.sum, hashString(text))
		}
	}
	return v
}

// next draws the token after prev, or the first of a section.
func (v *vocabulary) next(r *rand.Rand, prev token, first bool) token {
	const firstWord, firstMark = len(openers), len(openers) + len(words)
	switch {
	case first:
		return token(r.IntN(len(openers)))
	case int(prev) < firstMark && r.IntN(9) == 0:
		return token(firstMark + r.IntN(len(marks)))
	}
	return token(firstWord + r.IntN(len(words)))
}

// wordToken is the token of a word, whatever its case, or nil if there is none.
func wordToken(word string) *token {
	for i, w := range words {
		if strings.EqualFold(w[1:], word) {
			return new(token(len(openers) + i))
		}
	}
	return nil
}

func (v *vocabulary) appendText(dst []byte, tokens []token) []byte {
	for _, t := range tokens {
		dst = append(dst, v.text[t]...)
	}
	return dst
}

// appendQuoted appends the tokens escaped for the inside of a JSON string.
func (v *vocabulary) appendQuoted(dst []byte, tokens []token) []byte {
	for _, t := range tokens {
		dst = append(dst, v.quoted[t]...)
	}
	return dst
}

// appendRequoted appends the tokens escaped for a JSON string inside of JSON that is itself the text
// of a JSON string.
func (v *vocabulary) appendRequoted(dst []byte, tokens []token) []byte {
	for _, t := range tokens {
		dst = append(dst, v.requoted[t]...)
	}
	return dst
}

// quoted is s as it stands inside a JSON string.
func quoted(s string) string {
	q := quoteJSON(s)
	return q[1 : len(q)-1]
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // not reached: a string always marshals
	}
	return string(b)
}
