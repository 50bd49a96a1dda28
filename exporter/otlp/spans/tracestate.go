package spans

import (
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Limits of a tracestate: W3C Trace Context, section 3.3.1, and OpenTelemetry's
// TraceState Handling for the value of its own member.
const (
	maxState   = 512
	maxMembers = 32
	maxLong    = 128 // longer members are the first to go
	maxOT      = 256
)

// appendState appends the client's tracestate with the rejection threshold of s in
// it, the sub-key th of the member ot, which is moved to the front because it
// changed. When the threshold is not known, one that the client sent is taken out: it
// does not say how many exchanges this one stands for. All else stays as it was, as
// far as the limits let it.
func appendState(to []byte, state string, s exchange.Sampling) []byte {
	var array [maxMembers]string
	members, ot := array[:0], ""
	for member := range strings.SplitSeq(state, ",") {
		member = strings.Trim(member, " \t")
		if value, own := strings.CutPrefix(member, "ot="); own {
			ot = value
		} else if member != "" && len(members) < maxMembers {
			members = append(members, member)
		}
	}
	start := len(to)
	to = appendOT(to, ot, s)
	if len(to) > start && len(members) == maxMembers {
		members = members[:maxMembers-1]
	}
	room := maxState - (len(to) - start)
	if len(to) == start {
		room++ // no comma before the first
	}
	for _, member := range shorten(members, room) {
		if len(to) > start {
			to = append(to, ',')
		}
		to = append(to, member...)
	}
	return to
}

// appendOT appends the member ot, nothing when it would be empty.
func appendOT(to []byte, value string, s exchange.Sampling) []byte {
	start := len(to)
	to = append(to, "ot="...)
	empty := len(to)
	if s.Weighted {
		to = appendThreshold(append(to, "th:"...), s.Threshold)
	}
	for sub := range strings.SplitSeq(value, ";") {
		if sub == "" || strings.HasPrefix(sub, "th:") || len(to)-empty+1+len(sub) > maxOT {
			continue
		}
		if len(to) > empty {
			to = append(to, ';')
		}
		to = append(to, sub...)
	}
	if len(to) == empty {
		return to[:start]
	}
	return to
}

// appendThreshold appends the 14 hex digits of a threshold without the zeros at
// their end, of which one stays when there is nothing else.
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
func shorten(members []string, room int) []string {
	size := 0
	for _, member := range members {
		size += 1 + len(member)
	}
	for _, over := range []int{maxLong, 0} {
		for i := len(members) - 1; i >= 0 && size > room; i-- {
			if len(members[i]) > over {
				size -= 1 + len(members[i])
				members = append(members[:i], members[i+1:]...)
			}
		}
	}
	return members
}
