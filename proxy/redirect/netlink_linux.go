package redirect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

// register is the register in which every rule computes.
const register = 1

// natSpecified is NF_NAT_RANGE_PROTO_SPECIFIED: a translation names a port.
const natSpecified = 2

// transactionBytes bounds a transaction in the socket's buffers. A rule needs some 1 KiB
// each way, so the usual bound of 208 KiB is enough for a few hundred rules only.
const transactionBytes = 16 << 20

// connect returns a connection that opens a socket for every transaction.
func connect() (*nftables.Conn, error) {
	return nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetWriteBuffer(transactionBytes), c.SetReadBuffer(transactionBytes))
	}))
}

// netlinkInstall makes the plan's rules for the families in place of our rules for any
// family, in one transaction.
func netlinkInstall(p Plan, families []Family) error {
	conn, err := connect()
	if err != nil {
		return err
	}
	tables, err := ours(conn)
	if err != nil {
		return err
	}
	for f, t := range tables {
		if !slices.Contains(families, f) {
			conn.DelTable(t)
		}
	}
	for _, f := range families {
		t := &nftables.Table{Name: table, Family: netlinkFamily(f)}
		conn.AddTable(t) // so that DelTable finds one
		conn.DelTable(t)
		conn.AddTable(t)
		for _, d := range []direction{output, prerouting} {
			addChain(conn, t, d, p.rules(d, f))
		}
	}
	return conn.Flush()
}

func addChain(conn *nftables.Conn, t *nftables.Table, d direction, rules []rule) {
	if len(rules) == 0 {
		return
	}
	hook := nftables.ChainHookOutput
	if d == prerouting {
		hook = nftables.ChainHookPrerouting
	}
	policy := nftables.ChainPolicyAccept
	c := conn.AddChain(&nftables.Chain{
		Name: string(d), Table: t, Type: nftables.ChainTypeNAT, Hooknum: hook,
		Priority: nftables.ChainPriorityRef(afterOthers), Policy: &policy,
	})
	for _, r := range rules {
		conn.AddRule(&nftables.Rule{Table: t, Chain: c, Exprs: r.expressions(d)})
	}
}

// netlinkRemove deletes our tables in one transaction, and returns their families.
func netlinkRemove() ([]Family, error) {
	conn, err := connect()
	if err != nil {
		return nil, err
	}
	tables, err := ours(conn)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	var removed []Family
	for _, f := range []Family{IPv4, IPv6} {
		if t, ok := tables[f]; ok {
			conn.DelTable(t)
			removed = append(removed, f)
		}
	}
	return removed, conn.Flush()
}

// netlinkInstalled is our tables in the form of nft, or empty when there are none. It
// fails with errNoNftables in a kernel without nftables.
func netlinkInstalled() (string, error) {
	conn, err := connect()
	if err != nil {
		return "", err
	}
	tables, err := ours(conn)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, f := range []Family{IPv4, IPv6} {
		if t, ok := tables[f]; ok {
			listing, err := listTable(conn, f, t)
			if err != nil {
				return "", err
			}
			text.WriteString(listing)
		}
	}
	return text.String(), nil
}

// ours finds our tables.
func ours(conn *nftables.Conn) (map[Family]*nftables.Table, error) {
	all, err := conn.ListTables()
	switch {
	case errors.Is(err, syscall.EPROTONOSUPPORT), errors.Is(err, syscall.EINVAL):
		// A kernel without netfilter's netlink answers with the first, one without nftables
		// with the second.
		return nil, fmt.Errorf("%w: %w", errNoNftables, err)
	case err != nil:
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	found := map[Family]*nftables.Table{}
	for _, t := range all {
		for _, f := range []Family{IPv4, IPv6} {
			if t.Name == table && t.Family == netlinkFamily(f) {
				found[f] = t
			}
		}
	}
	return found, nil
}

func listTable(conn *nftables.Conn, f Family, t *nftables.Table) (string, error) {
	all, err := conn.ListChainsOfTableFamily(t.Family)
	if err != nil {
		return "", fmt.Errorf("listing chains: %w", err)
	}
	var chains []nftChain
	for _, c := range all {
		if c.Table.Name != t.Name {
			continue
		}
		rules, err := conn.GetRules(t, c)
		if err != nil {
			return "", fmt.Errorf("listing rules: %w", err)
		}
		listed := nftChain{name: c.Name, hook: hookLine(c)}
		for _, r := range rules {
			listed.rules = append(listed.rules, disassemble(r.Exprs))
		}
		chains = append(chains, listed)
	}
	return nftTable(f, chains), nil
}

func netlinkFamily(f Family) nftables.TableFamily {
	if f == IPv4 {
		return nftables.TableFamilyIPv4
	}
	return nftables.TableFamilyIPv6
}

// expressions is the rule in the kernel's terms: those into which nft translates its text.
func (r rule) expressions(d direction) []expr.Any {
	var all []expr.Any
	for _, m := range r.matches {
		all = append(all, expressions(m, d)...)
	}
	if r.to == 0 {
		return append(all, &expr.Verdict{Kind: expr.VerdictReturn})
	}
	return append(all,
		&expr.Immediate{Register: register, Data: binary.BigEndian.AppendUint16(nil, r.to)},
		&expr.Redir{RegisterProtoMin: register, Flags: natSpecified})
}

func expressions(m match, d direction) []expr.Any {
	switch m := m.(type) {
	case open:
		return append(isTCP(),
			&expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
			&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 1, Mask: []byte{opening}, Xor: []byte{0}},
			compare(expr.CmpOpNeq, []byte{syn}))
	case owner:
		return []expr.Any{load(expr.MetaKeySKUID), compare(expr.CmpOpEq, native(uint32(m)))}
	case mark:
		return []expr.Any{load(expr.MetaKeyMARK), compare(expr.CmpOpEq, native(uint32(m)))}
	case loopback:
		name := make([]byte, 16) // IFNAMSIZ
		copy(name, "lo")
		key := expr.MetaKeyOIFNAME
		if d == prerouting {
			key = expr.MetaKeyIIFNAME
		}
		return []expr.Any{load(key), compare(expr.CmpOpEq, name)}
	case foreign:
		return []expr.Any{&expr.Fib{Register: register, FlagDADDR: true, ResultADDRTYPE: true}, compare(expr.CmpOpNeq, native(routeLocal))}
	case port:
		return portExpressions(PortRange(m))
	case farEnd:
		return farEndExpressions(netip.Prefix(m), d)
	}
	panic(fmt.Sprintf("redirect: no expressions for %T", m))
}

// Flags of TCP: RFC 9293, section 3.1. The packet that opens a connection has SYN of
// those in opening.
const (
	syn     = 0x02
	opening = 0x01 | syn | 0x04 | 0x10 // FIN, SYN, RST, ACK
)

// routeLocal is RTN_LOCAL: an address of this host.
const routeLocal = 2

// protocolTCP is IPPROTO_TCP.
const protocolTCP = 6

func isTCP() []expr.Any {
	return []expr.Any{load(expr.MetaKeyL4PROTO), compare(expr.CmpOpEq, []byte{protocolTCP})}
}

func portExpressions(r PortRange) []expr.Any {
	tcp := isTCP()
	destination := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
	first, last := binary.BigEndian.AppendUint16(nil, r.First), binary.BigEndian.AppendUint16(nil, r.Last)
	switch {
	case r == every():
		return tcp
	case r.First == r.Last:
		return append(tcp, destination, compare(expr.CmpOpEq, first))
	}
	return append(tcp, destination, compare(expr.CmpOpGte, first), compare(expr.CmpOpLte, last))
}

// farEndExpressions compares an address in the IP header: RFC 791, section 3.1, and RFC
// 8200, section 3.
func farEndExpressions(prefix netip.Prefix, d direction) []expr.Any {
	size, offset := uint32(4), uint32(12)
	if prefix.Addr().Is6() {
		size, offset = 16, 8
	}
	if d == output { // the destination follows the source
		offset += size
	}
	address := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size}
	equal := compare(expr.CmpOpEq, prefix.Addr().AsSlice())
	if prefix.IsSingleIP() {
		return []expr.Any{address, equal}
	}
	return []expr.Any{address, &expr.Bitwise{
		SourceRegister: register, DestRegister: register, Len: size,
		Mask: net.CIDRMask(prefix.Bits(), int(size)*8), Xor: make([]byte, size),
	}, equal}
}

func load(key expr.MetaKey) expr.Any { return &expr.Meta{Key: key, Register: register} }

func compare(op expr.CmpOp, with []byte) expr.Any {
	return &expr.Cmp{Op: op, Register: register, Data: slices.Clip(with)}
}

func native(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
