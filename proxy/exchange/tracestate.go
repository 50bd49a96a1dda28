package exchange

import (
	"iter"
	"strings"
)

// Limits of a tracestate, all in bytes but for the members.
const (
	// MaxTraceState is how much every participant must be able to pass on (W3C Trace
	// Context level 2, section 3.3.1.5).
	MaxTraceState = 512
	// MaxTraceStateMembers is how many members a tracestate may have (section 3.3.1.1).
	MaxTraceStateMembers = 32
	// MaxOTelState is how long the value of OpenTelemetry's member may be (section
	// 3.3.1.3.2).
	MaxOTelState = 256
)

// TraceState is the value of a tracestate field, or the values of several, joined by
// commas (W3C Trace Context level 2, section 3.3.1).
type TraceState string

// Valid reports whether s is a list of keys and values. A valid s is ASCII, so that
// everybody can export it. Empty members are allowed; lengths are not looked at.
func (s TraceState) Valid() bool {
	for member := range s.members() {
		key, value, ok := strings.Cut(member, "=")
		if !ok || key == "" || value == "" || strings.ContainsFunc(key, notInKey) || strings.ContainsFunc(value, notInValue) {
			return false
		}
	}
	return true
}

func notInKey(c rune) bool {
	return (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '_' && c != '-' && c != '*' && c != '/' && c != '@'
}

func notInValue(c rune) bool { return c < ' ' || '~' < c || c == '=' }

// Members yields the key and the value of each member, in their order. It leaves out
// members that are empty or have no equals sign.
func (s TraceState) Members() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for member := range s.members() {
			if key, value, ok := strings.Cut(member, "="); ok && !yield(key, value) {
				return
			}
		}
	}
}

// members yields what stands between the commas, without the blanks around it and
// unless it is empty.
func (s TraceState) members() iter.Seq[string] {
	return func(yield func(string) bool) {
		for member := range strings.SplitSeq(string(s), ",") {
			if member = strings.Trim(member, " \t"); member != "" && !yield(member) {
				return
			}
		}
	}
}

// OTel returns the value of OpenTelemetry's member, the first one if there are
// several; empty when there is none.
func (s TraceState) OTel() OTelState {
	for key, value := range s.Members() {
		if key == "ot" {
			return OTelState(value)
		}
	}
	return ""
}

// OTelState is the value of the member ot of a tracestate, whose sub-keys speak of
// sampling: th:fd70a4;rv:9f2c4e6a8b0d1f (OpenTelemetry, TraceState Handling).
type OTelState string

// SubKeys yields the sub-keys and their values, in their order. It leaves out what has
// no colon.
func (s OTelState) SubKeys() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for member := range strings.SplitSeq(string(s), ";") {
			if key, value, ok := strings.Cut(member, ":"); ok && !yield(key, value) {
				return
			}
		}
	}
}

// Threshold returns the rejection threshold, in units of 2^-56. There is none when s
// is too long, has no th, has two, or has one that is malformed.
func (s OTelState) Threshold() (threshold uint64, ok bool) {
	text, ok := s.only("th")
	if !ok {
		return 0, false
	}
	return hex56(text)
}

// Randomness returns the 56 random bits that stand in for those of the trace's id.
// There are none when s is too long, has no rv, has two, or has one that is malformed.
func (s OTelState) Randomness() (randomness uint64, ok bool) {
	text, ok := s.only("rv")
	if !ok || len(text) != digits56 {
		return 0, false
	}
	return hex56(text)
}

// only returns the value of a sub-key that is there once.
func (s OTelState) only(key string) (value string, once bool) {
	if len(s) > MaxOTelState {
		return "", false
	}
	n := 0
	for k, v := range s.SubKeys() {
		if k == key {
			value = v
			n++
		}
	}
	return value, n == 1
}

// digits56 is how many hex digits 56 bits have.
const digits56 = 14

// hex56 reads up to 14 hex digits and adds zeros behind them.
func hex56(text string) (n uint64, ok bool) {
	if text == "" || len(text) > digits56 {
		return 0, false
	}
	for _, c := range []byte(text) {
		digit := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit < 0 || c < '0' {
			return 0, false
		}
		n = n<<4 | uint64(digit)
	}
	return n << (4 * (digits56 - len(text))), true
}
