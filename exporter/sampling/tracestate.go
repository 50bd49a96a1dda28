package sampling

import "strings"

// state is what OpenTelemetry's entry of a tracestate says about sampling.
type state struct {
	threshold  uint64
	weighted   bool // there is a threshold
	randomness uint64
	explicit   bool // there is one
}

// maxEntry is the greatest length of the entry (W3C Trace Context, section 3.3.1.3.2).
const maxEntry = 256

// readState reads the entry ot of a tracestate: sub-keys and values, as in
// ot=th:fd70a4;rv:9f2c4e6a8b0d1f (OpenTelemetry, TraceState Handling). What is
// malformed, or there twice, is not there.
func readState(tracestate string) (s state) {
	entry := vendor(tracestate)
	if len(entry) > maxEntry {
		return state{}
	}
	var th, rv int
	for entry != "" {
		var member string
		member, entry, _ = strings.Cut(entry, ";")
		key, value, _ := strings.Cut(member, ":")
		switch key {
		case "th":
			th++
			s.threshold, s.weighted = hex56(value)
		case "rv":
			rv++
			s.randomness, s.explicit = hex56(value)
			s.explicit = s.explicit && len(value) == digits
		}
	}
	s.weighted = s.weighted && th == 1
	s.explicit = s.explicit && rv == 1
	return s
}

// vendor is the value of the first entry whose key is ot.
func vendor(tracestate string) string {
	for tracestate != "" {
		var entry string
		entry, tracestate, _ = strings.Cut(tracestate, ",")
		if value, ok := strings.CutPrefix(strings.Trim(entry, " \t"), "ot="); ok {
			return value
		}
	}
	return ""
}

// digits is how many hex digits 56 bits have.
const digits = 14

// hex56 reads up to 14 hex digits, to which zeros are added behind.
func hex56(text string) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > digits {
		return 0, false
	}
	for i := range digits {
		n <<= 4
		if i >= len(text) {
			continue
		}
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			n |= uint64(c - '0')
		case c >= 'a' && c <= 'f':
			n |= uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			n |= uint64(c-'A') + 10
		default:
			return 0, false
		}
	}
	return n, true
}
