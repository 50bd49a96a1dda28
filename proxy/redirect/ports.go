package redirect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// PortRange is the TCP ports from First to Last, both included.
type PortRange struct{ First, Last uint16 }

// String is the range in the form 443 or 8000-8100.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// every is the range of all ports. Port 0 is no port.
func every() PortRange { return PortRange{1, 65535} }

// Ports are TCP ports: ranges in ascending order with a gap after each. The zero
// value is no port.
type Ports []PortRange

// AllPorts is every TCP port.
func AllPorts() Ports { return Ports{every()} }

// ParsePorts reads `all`, `none`, or ports and ranges of them, as in 80,443,8000-8100.
func ParsePorts(text string) (Ports, error) {
	switch text {
	case "all":
		return AllPorts(), nil
	case "none", "":
		return nil, nil
	}
	var ports Ports
	for part := range strings.SplitSeq(text, ",") {
		r, err := parseRange(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		ports = append(ports, r)
	}
	return ports.joined(), nil
}

func parseRange(text string) (PortRange, error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		to = from
	}
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || first == 0 || first > last {
		return PortRange{}, fmt.Errorf("%q is neither a port nor a range of ports", text)
	}
	return PortRange{uint16(first), uint16(last)}, nil
}

// joined is p in ascending order, with one range for ranges that touch.
func (p Ports) joined() Ports {
	slices.SortFunc(p, func(a, b PortRange) int { return cmp.Compare(a.First, b.First) })
	var out Ports
	for _, r := range p {
		if last := len(out) - 1; last >= 0 && int(r.First) <= int(out[last].Last)+1 {
			out[last].Last = max(out[last].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// cover tells whether every port of r is in p.
func (p Ports) cover(r PortRange) bool {
	return slices.ContainsFunc(p, func(o PortRange) bool { return o.First <= r.First && r.Last <= o.Last })
}

// String is p in the form that ParsePorts reads.
func (p Ports) String() string {
	switch {
	case len(p) == 0:
		return "none"
	case p[0] == every():
		return "all"
	}
	parts := make([]string, len(p))
	for i, r := range p {
		parts[i] = r.String()
	}
	return strings.Join(parts, ",")
}
