package spans

import (
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// longMember is the length in bytes beyond which a member is the first to go when
// there is no room (W3C Trace Context, section 3.3.1.5).
const longMember = 128

// member is a key of a tracestate and its value.
type member struct{ key, value string }

// size is the length of m in a list, with an equals sign and a comma.
func (m member) size() int { return len(m.key) + 1 + len(m.value) + 1 }

// appendState appends the client's tracestate with the rejection threshold of s: the
// sub-key th of the member ot, which moves to the front because it changed. If the
// threshold is unknown, appendState removes the client's, which does not tell how many
// exchanges this one stands for. It leaves the rest as it was, as far as the limits
// allow.
func appendState(to []byte, state string, s exchange.Sampling) []byte {
	var array [exchange.MaxTraceStateMembers]member
	members := array[:0]
	for key, value := range exchange.TraceState(state).Members() {
		if key != "ot" && len(members) < len(array) {
			members = append(members, member{key, value})
		}
	}
	start := len(to)
	to = appendOT(to, exchange.TraceState(state).OTel(), s)
	if len(to) > start && len(members) == len(array) {
		members = members[:len(array)-1]
	}
	room := exchange.MaxTraceState - (len(to) - start)
	if len(to) == start {
		room++ // no comma before the first
	}
	for _, m := range shorten(members, room) {
		if len(to) > start {
			to = append(to, ',')
		}
		to = append(append(append(to, m.key...), '='), m.value...)
	}
	return to
}

// appendOT appends the member ot, nothing when it would be empty.
func appendOT(to []byte, state exchange.OTelState, s exchange.Sampling) []byte {
	start := len(to)
	to = append(to, "ot="...)
	empty := len(to)
	if s.Weighted {
		to = appendThreshold(append(to, "th:"...), s.Threshold)
	}
	for key, value := range state.SubKeys() {
		if key == "th" || len(to)-empty+len(";")+len(key)+len(":")+len(value) > exchange.MaxOTelState {
			continue
		}
		if len(to) > empty {
			to = append(to, ';')
		}
		to = append(append(append(to, key...), ':'), value...)
	}
	if len(to) == empty {
		return to[:start]
	}
	return to
}

// appendThreshold appends the 14 hex digits of a threshold without the zeros at their end.
// It keeps one zero if there is no other digit.
func appendThreshold(to []byte, threshold uint64) []byte {
	const bits = 56
	if threshold == 0 {
		return append(to, '0')
	}
	end := len(to)
	to = strconv.AppendUint(to, threshold|1<<bits, 16) // one digit more, for the zeros in front
	to = append(to[:end], to[end+1:]...)
	for to[len(to)-1] == '0' {
		to = to[:len(to)-1]
	}
	return to
}

// shorten drops members until they fit in room, each with a comma: long ones first,
// from the end (W3C Trace Context, section 3.3.1.5).
func shorten(members []member, room int) []member {
	size := 0
	for _, m := range members {
		size += m.size()
	}
	for _, over := range []int{longMember, 0} {
		for i := len(members) - 1; i >= 0 && size > room; i-- {
			if members[i].size()-len(",") > over {
				size -= members[i].size()
				members = append(members[:i], members[i+1:]...)
			}
		}
	}
	return members
}
