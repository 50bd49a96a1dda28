package redirect

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// hookLine is the hook of a chain in the form of nft.
func hookLine(c *nftables.Chain) string {
	if c.Hooknum == nil || c.Priority == nil || c.Policy == nil {
		return "# not hooked in"
	}
	hook := fmt.Sprintf("hook %d", *c.Hooknum)
	priority := strconv.Itoa(int(*c.Priority))
	for d, number := range map[direction]nftables.ChainHook{output: *nftables.ChainHookOutput, prerouting: *nftables.ChainHookPrerouting} {
		if number != *c.Hooknum {
			continue
		}
		hook = "hook " + string(d)
		if *c.Priority == afterOthers {
			priority = nftPriority(d)
		}
	}
	policy := "drop"
	if *c.Policy == nftables.ChainPolicyAccept {
		policy = "accept"
	}
	return fmt.Sprintf("type %s %s priority %s; policy %s;", c.Type, hook, priority, policy)
}

// disassemble is a rule in the form of nft, for the kinds of expressions in our rules. It
// only names other expressions, which another program has put into our table.
func disassemble(all []expr.Any) string {
	var l listing
	for _, e := range all {
		l.add(e)
	}
	if l.tcp {
		l.say("meta l4proto tcp")
	}
	l.say(l.verdict)
	return strings.Join(l.words, " ")
}

// listing translates a rule into text, expression by expression.
type listing struct {
	words   []string
	subject string // the value in the register, in words
	kind    kind
	prefix  int    // leading bits that a comparison concerns, 0 for all
	tcp     bool   // the rule asks for TCP, and has nothing yet that implies TCP
	from    string // the lower end of a range
	port    []byte // the port of a redirection
	verdict string
}

// kind is the form of a compared value.
type kind int

const (
	number kind = iota
	hexadecimal
	name
	protocol
	scope // of an address: this host's or not
	portNumber
	flags // of TCP, those in opening
	address
)

func (l *listing) say(words string) { l.words = append(l.words, words) }

func (l *listing) add(e expr.Any) {
	switch e := e.(type) {
	case *expr.Meta:
		l.meta(e.Key)
	case *expr.Fib:
		l.load("fib daddr type", scope)
	case *expr.Payload:
		l.payload(e)
	case *expr.Bitwise:
		l.prefix = 0
		for _, b := range e.Mask {
			l.prefix += bits.OnesCount8(b)
		}
	case *expr.Cmp:
		l.compare(e)
	case *expr.Immediate:
		l.port = e.Data
	case *expr.Redir:
		l.verdict = "redirect"
		if len(l.port) == 2 {
			l.verdict += fmt.Sprintf(" to :%d", binary.BigEndian.Uint16(l.port))
		}
	case *expr.Verdict:
		if e.Kind == expr.VerdictReturn {
			l.verdict = "return"
			return
		}
		l.verdict = fmt.Sprintf("# verdict %d", e.Kind)
	default:
		l.say(fmt.Sprintf("# %T", e))
	}
}

func (l *listing) load(subject string, k kind) { l.subject, l.kind, l.prefix = subject, k, 0 }

func (l *listing) meta(key expr.MetaKey) {
	switch key {
	case expr.MetaKeySKUID:
		l.load("meta skuid", number)
	case expr.MetaKeyMARK:
		l.load("meta mark", hexadecimal)
	case expr.MetaKeyOIFNAME:
		l.load("oifname", name)
	case expr.MetaKeyIIFNAME:
		l.load("iifname", name)
	case expr.MetaKeyL4PROTO:
		l.load("meta l4proto", protocol)
	default:
		l.load(fmt.Sprintf("# meta %d", key), number)
	}
}

func (l *listing) payload(e *expr.Payload) {
	switch {
	case e.Base == expr.PayloadBaseTransportHeader && e.Offset == 2 && e.Len == 2 && l.tcp:
		l.tcp = false // the next expression implies TCP
		l.load("tcp dport", portNumber)
	case e.Base == expr.PayloadBaseTransportHeader && e.Offset == 13 && e.Len == 1 && l.tcp:
		l.tcp = false
		l.load("tcp flags & (fin | syn | rst | ack)", flags)
	case e.Base == expr.PayloadBaseNetworkHeader && e.Len <= 4 && e.Offset == 12:
		l.load("ip saddr", address)
	case e.Base == expr.PayloadBaseNetworkHeader && e.Len <= 4 && e.Offset == 16:
		l.load("ip daddr", address)
	case e.Base == expr.PayloadBaseNetworkHeader && e.Len == 16 && e.Offset == 8:
		l.load("ip6 saddr", address)
	case e.Base == expr.PayloadBaseNetworkHeader && e.Len == 16 && e.Offset == 24:
		l.load("ip6 daddr", address)
	default:
		l.load(fmt.Sprintf("# payload %d,%d,%d", e.Base, e.Offset, e.Len), number)
	}
}

func (l *listing) compare(e *expr.Cmp) {
	value := l.value(e.Data)
	switch {
	case l.kind == protocol && value == "tcp" && e.Op == expr.CmpOpEq:
		l.tcp = true
	case e.Op == expr.CmpOpGte:
		l.from = value
	case e.Op == expr.CmpOpLte && l.from != "":
		l.say(l.subject + " " + l.from + "-" + value)
		l.from = ""
	case e.Op == expr.CmpOpNeq:
		l.say(l.subject + " != " + value)
	case e.Op == expr.CmpOpEq:
		l.say(l.subject + " " + value)
	default:
		l.say(fmt.Sprintf("# %s comparison %d with %s", l.subject, e.Op, value))
	}
}

// value is the other side of a comparison with the register, in words.
func (l *listing) value(data []byte) string {
	switch {
	case l.kind == number && len(data) == 4:
		return strconv.FormatUint(uint64(binary.NativeEndian.Uint32(data)), 10)
	case l.kind == hexadecimal && len(data) == 4:
		return fmt.Sprintf("0x%08x", binary.NativeEndian.Uint32(data))
	case l.kind == name:
		return `"` + strings.TrimRight(string(data), "\x00") + `"`
	case l.kind == protocol && len(data) == 1 && data[0] == protocolTCP:
		return "tcp"
	case l.kind == scope && len(data) == 4 && binary.NativeEndian.Uint32(data) == routeLocal:
		return "local"
	case l.kind == flags && len(data) == 1 && data[0] == syn && l.prefix == bits.OnesCount8(opening):
		return "syn"
	case l.kind == portNumber && len(data) == 2:
		return strconv.Itoa(int(binary.BigEndian.Uint16(data)))
	case l.kind == address:
		if a, ok := netip.AddrFromSlice(data); ok {
			if l.prefix == 0 {
				return a.String()
			}
			return netip.PrefixFrom(a, l.prefix).String()
		}
	}
	return fmt.Sprintf("0x%x", data)
}
