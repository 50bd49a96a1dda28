// Package redirect makes the packet-filter rules that lead a pod's TCP connections to
// headway's transparent listener, and removes exactly those rules again.
//
// A Plan selects the connections. The package renders it for nftables, with rules in
// tables of their own, and for iptables, with rules in chains of their own and one jump
// to each. Rules decide over new connections only; the kernel's connection tracking
// remembers the decision. The kernel may stop tracking with the last rule that needs it,
// and open redirected connections break then.
package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Plan says which TCP connections the rules lead to the transparent listener. The rules
// leave all other connections alone, and everything that is not TCP. An exclusion
// overrides a selection.
type Plan struct {
	// To is the port of the transparent listener. A redirected connection of the pod's
	// own arrives at 127.0.0.1 or ::1, one from elsewhere at an address of the
	// interface that it came in by.
	To uint16

	// Outbound selects the connections of the pod's processes to these ports elsewhere.
	Outbound Ports
	// Inbound selects the connections from elsewhere to these ports of the pod.
	Inbound Ports
	// Loopback selects the connections of the pod's processes to these ports of the pod, at
	// 127.0.0.1, ::1 or the pod's own address: the kernel routes all of them over its
	// loopback device.
	Loopback Ports

	// ExcludeUIDs excludes all connections of processes of these users. Headway's user has
	// to be among them, or its connections would come back to it.
	ExcludeUIDs []uint32
	// ExcludeMark excludes the pod's own connections with this mark (SO_MARK); 0 is none.
	ExcludeMark uint32
	// ExcludePorts excludes these ports from Outbound and from Inbound.
	ExcludePorts Ports
	// ExcludeCIDRs excludes outbound connections to these addresses, and inbound ones from
	// them.
	ExcludeCIDRs []netip.Prefix

	// Families chooses the IP versions.
	Families Families
}

// Default selects every connection that the pod opens to elsewhere. It excludes those
// of the user of headway's image, those for DNS, and those within the link, where clouds
// serve metadata and credentials.
func Default() Plan {
	return Plan{
		To:           8482,
		Outbound:     AllPorts(),
		ExcludeUIDs:  []uint32{65532},
		ExcludePorts: Ports{{53, 53}, {8480, 8481}},
		ExcludeCIDRs: []netip.Prefix{netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10")},
		Families:     Available,
	}
}

// Family is a version of IP.
type Family string

// The families.
const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// Families is a choice of IP versions.
type Families string

// The choices. Available is IPv4, and IPv6 where the kernel can redirect it.
const (
	Available Families = "auto"
	Both      Families = "both"
	OnlyIPv4  Families = "ipv4"
	OnlyIPv6  Families = "ipv6"
)

// list is the chosen families.
func (f Families) list() []Family {
	switch f {
	case OnlyIPv4:
		return []Family{IPv4}
	case OnlyIPv6:
		return []Family{IPv6}
	}
	return []Family{IPv4, IPv6}
}

// optional tells whether Install may go on without rules for the family.
func (f Families) optional(one Family) bool { return f == Available && one == IPv6 }

// Check returns every problem of the plan, each with the flag of `headway redirect` that
// sets the field.
func (p Plan) Check() error {
	return errors.Join(append(p.portProblems(), p.addressProblems()...)...)
}

// portProblems checks the listener's port, the selected ports and what excludes them.
func (p Plan) portProblems() (wrong []error) {
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if p.To == 0 {
		problem("--to: 0 is not a port")
	}
	if len(p.Outbound)+len(p.Inbound)+len(p.Loopback) == 0 {
		problem("--outbound-port, --inbound-port, --loopback-port: they select no port")
	}
	if len(p.Outbound)+len(p.Loopback) > 0 && len(p.ExcludeUIDs) == 0 && p.ExcludeMark == 0 {
		problem("--exclude-uid: no user and no mark is excluded: headway's own connections would come back to it")
	}
	for _, selected := range []struct {
		flag  string
		ports Ports
	}{{"--outbound-port", p.Outbound}, {"--inbound-port", p.Inbound}} {
		for _, r := range selected.ports {
			if p.ExcludePorts.cover(r) {
				problem("%s: %v is excluded by --exclude-port", selected.flag, r)
			}
		}
	}
	return wrong
}

// addressProblems checks the excluded addresses and the choice of IP versions.
func (p Plan) addressProblems() (wrong []error) {
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, prefix := range p.ExcludeCIDRs {
		switch {
		case !prefix.IsValid(), prefix.Addr().Is4In6():
			problem("--exclude-cidr: %v is no range of addresses", prefix)
		case prefix.Bits() == 0:
			problem("--exclude-cidr: %v excludes everything; --family chooses the version of IP", prefix)
		}
	}
	if !slices.Contains([]Families{Available, Both, OnlyIPv4, OnlyIPv6}, p.Families) {
		problem("--family: %q is none of auto, both, ipv4, ipv6", p.Families)
	}
	return wrong
}
