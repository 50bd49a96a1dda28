package redirect

import (
	"fmt"
	"net/netip"
	"strings"
)

// direction is the direction of the connections that a chain of rules sees.
type direction string

// The directions, by the kernel's names of the hooks. Output sees the connections that
// processes of this host open, prerouting sees those that come from elsewhere.
const (
	output     direction = "output"
	prerouting direction = "prerouting"
)

// rule decides over the connections to which all its matches apply.
type rule struct {
	matches []match
	to      uint16 // the port of this host to which the rule redirects; 0 leaves the connection alone, and ends the chain
}

// match is a condition on a connection's first packet. It renders itself in the form in
// which the packet filter lists it, so that a test can compare both.
type match interface {
	nft(d direction) string
	iptables(d direction) string
}

// rules is the chain of rules for one direction. It is empty when the plan redirects
// nothing in that direction.
func (p Plan) rules(d direction, f Family) []rule {
	if d == output {
		return p.outputRules(f)
	}
	return p.preroutingRules(f)
}

func (p Plan) outputRules(f Family) []rule {
	if len(p.Outbound)+len(p.Loopback) == 0 {
		return nil
	}
	rules := []rule{leave(open{})}
	for _, uid := range p.ExcludeUIDs {
		rules = append(rules, leave(owner(uid)))
	}
	if p.ExcludeMark != 0 {
		rules = append(rules, leave(mark(p.ExcludeMark)))
	}
	for _, r := range p.Loopback {
		rules = append(rules, rule{[]match{loopback{}, port(r)}, p.To})
	}
	rules = append(rules, leave(loopback{}))
	return append(rules, p.selection(f, p.Outbound)...)
}

func (p Plan) preroutingRules(f Family) []rule {
	if len(p.Inbound) == 0 {
		return nil
	}
	// The output chain has decided over connections that come in by the loopback device.
	// Packets that are not for an address of this host only pass through it.
	rules := []rule{leave(open{}), leave(loopback{}), leave(foreign{}), leave(port{p.To, p.To})}
	return append(rules, p.selection(f, p.Inbound)...)
}

// selection leads ports to the listener, without the exclusions.
func (p Plan) selection(f Family, ports Ports) []rule {
	if len(ports) == 0 {
		return nil
	}
	var rules []rule
	for _, r := range p.ExcludePorts {
		rules = append(rules, leave(port(r)))
	}
	for _, prefix := range p.ExcludeCIDRs {
		if prefix.Addr().Is4() == (f == IPv4) {
			rules = append(rules, leave(farEnd(prefix.Masked())))
		}
	}
	for _, r := range ports {
		rules = append(rules, rule{[]match{port(r)}, p.To})
	}
	return rules
}

func leave(m match) rule { return rule{matches: []match{m}} }

// nft is the rule as nft lists it.
func (r rule) nft(d direction) string {
	var b strings.Builder
	for _, m := range r.matches {
		b.WriteString(m.nft(d) + " ")
	}
	if r.to == 0 {
		return b.String() + "return"
	}
	return b.String() + fmt.Sprintf("redirect to :%d", r.to)
}

// iptables is the rule as iptables-save lists it, without the name of its chain.
func (r rule) iptables(d direction) string {
	var b strings.Builder
	for _, m := range r.matches {
		b.WriteString(m.iptables(d) + " ")
	}
	if r.to == 0 {
		return b.String() + "-j RETURN"
	}
	return b.String() + fmt.Sprintf("-j REDIRECT --to-ports %d", r.to)
}

// open matches a packet that does not open a connection. When the rules are the first
// that need connection tracking, the kernel takes the next packet of every open
// connection for the first of a new one.
type open struct{}

func (open) nft(direction) string      { return "tcp flags & (fin | syn | rst | ack) != syn" }
func (open) iptables(direction) string { return "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN" }

// owner matches a connection that a process of the user opened.
type owner uint32

func (m owner) nft(direction) string      { return fmt.Sprintf("meta skuid %d", m) }
func (m owner) iptables(direction) string { return fmt.Sprintf("-m owner --uid-owner %d", m) }

// mark matches a packet with the mark.
type mark uint32

func (m mark) nft(direction) string      { return fmt.Sprintf("meta mark 0x%08x", uint32(m)) }
func (m mark) iptables(direction) string { return fmt.Sprintf("-m mark --mark 0x%x", uint32(m)) }

// loopback matches a connection that stays on this host.
type loopback struct{}

func (loopback) nft(d direction) string {
	if d == prerouting {
		return `iifname "lo"`
	}
	return `oifname "lo"`
}

func (loopback) iptables(d direction) string {
	if d == prerouting {
		return "-i lo"
	}
	return "-o lo"
}

// foreign matches a destination that is no address of this host.
type foreign struct{}

func (foreign) nft(direction) string      { return "fib daddr type != local" }
func (foreign) iptables(direction) string { return "-m addrtype ! --dst-type LOCAL" }

// port matches a TCP connection to one of the ports.
type port PortRange

func (m port) nft(direction) string {
	if PortRange(m) == every() {
		return "meta l4proto tcp"
	}
	return "tcp dport " + PortRange(m).String()
}

func (m port) iptables(direction) string {
	switch {
	case PortRange(m) == every():
		return "-p tcp"
	case m.First == m.Last:
		return fmt.Sprintf("-p tcp -m tcp --dport %d", m.First)
	}
	return fmt.Sprintf("-p tcp -m tcp --dport %d:%d", m.First, m.Last)
}

// farEnd matches a connection whose other side has an address in the range.
type farEnd netip.Prefix

func (m farEnd) nft(d direction) string {
	prefix := netip.Prefix(m)
	field := "ip "
	if prefix.Addr().Is6() {
		field = "ip6 "
	}
	if field += "daddr "; d == prerouting {
		field = strings.Replace(field, "daddr", "saddr", 1)
	}
	if prefix.IsSingleIP() {
		return field + prefix.Addr().String()
	}
	return field + prefix.String()
}

func (m farEnd) iptables(d direction) string {
	if d == prerouting {
		return "-s " + netip.Prefix(m).String()
	}
	return "-d " + netip.Prefix(m).String()
}
