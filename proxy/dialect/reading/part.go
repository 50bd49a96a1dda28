package reading

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// part is an element of a list that breaks a count down: {"modality": "AUDIO", "tokenCount":
// 12} of Gemini's promptTokensDetails, for example.
type part struct {
	list   frame.Field // InputParts, CachedParts, WrittenParts or OutputParts
	name   partName
	tokens int64
	told   bool // tokens came
}

// partName says what the tokens of a part are.
type partName uint8

const (
	otherPart partName = iota
	audioPart
	imagePart
	hourPart // it stays in the cache for an hour
)

// partNameOf is the name that v tells. With enum-encoding=int Google's names are numbers.
func partNameOf(v frame.Value) partName {
	switch {
	case bytes.EqualFold(v.Text, []byte("audio")), v.Kind == frame.Number && string(v.Text) == "4":
		return audioPart
	case bytes.EqualFold(v.Text, []byte("image")), v.Kind == frame.Number && string(v.Text) == "2":
		return imagePart
	case string(v.Text) == "1h":
		return hourPart
	}
	return otherPart
}

// breakDown reads a value of a list of parts. A part may tell its name before its tokens or
// behind them.
func (m *Message) breakDown(v frame.Value) {
	p := &m.part
	switch v.Field {
	case Part:
		if v.Kind != frame.End {
			*p = part{list: p.list}
			return
		}
		if p.told {
			m.bookPart()
		}
	case PartName:
		p.name = partNameOf(v)
	case PartTokens:
		p.tokens, p.told = m.counted(v)
	default:
		*p = part{list: v.Field}
	}
}

// bookPart books the part that was read.
func (m *Message) bookPart() {
	u, n := &m.usage, m.part.tokens
	switch list, name := m.part.list, m.part.name; {
	case list == InputParts && name == audioPart:
		u.set(&u.audio, hasAudio, n)
	case list == InputParts && name == imagePart:
		u.set(&u.image, hasImage, n)
	case list == CachedParts && name == audioPart:
		u.set(&u.cachedAudio, hasCachedAudio, n)
	case list == CachedParts && name == imagePart:
		u.set(&u.cachedImage, hasCachedImage, n)
	case list == WrittenParts && name == hourPart:
		u.set(&u.hour, hasHour, n)
	case list == OutputParts && name == audioPart:
		u.set(&u.spoken, hasSpoken, n)
	}
}
