// Package redirect writes the packet-filter rules that lead a pod's TCP connections
// to headway's transparent listener, and takes exactly those away again.
//
// A Plan says which connections. It is rendered for nftables, whose rules live in
// tables of their own, and for iptables, where they live in chains of their own with
// one jump to each. Rules decide over new connections only. What they decided is kept
// by the kernel's connection tracking, which all of this rests on: with the last rule
// that needs it, it may end, and redirected connections with it.
package redirect

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Plan says which TCP connections are led to the transparent listener. UDP and
// everything else is left alone. What is not selected goes where it was going, and an
// exclusion overrides a selection.
type Plan struct {
	// To is the port of the transparent listener. A redirected connection of the pod's
	// own arrives at 127.0.0.1 or ::1, one from elsewhere at an address of the
	// interface that it came in by.
	To uint16

	// Outbound are ports elsewhere that processes here connect to.
	Outbound Ports
	// Inbound are ports here that are connected to from elsewhere.
	Inbound Ports
	// Loopback are ports here that processes here connect to, be it at 127.0.0.1, ::1
	// or the pod's own address: the kernel routes all of them over its loopback device.
	Loopback Ports

	// ExcludeUIDs are users whose own connections are left alone, whatever they connect
	// to. Headway's has to be among them, or its connections would come back to it.
	ExcludeUIDs []uint32
	// ExcludeMark is a mark (SO_MARK) that leaves a connection alone like an excluded
	// user; 0 is none.
	ExcludeMark uint32
	// ExcludePorts are left alone in Outbound and in Inbound.
	ExcludePorts Ports
	// ExcludeCIDRs are the far ends that are left alone: destinations of outbound
	// connections, sources of inbound ones.
	ExcludeCIDRs []netip.Prefix

	// Families are the IP versions that are redirected.
	Families Families
}

// Default is every connection of the pod's own that leaves it, except those of
// headway's image's user, those for DNS, and those within the link, where the
// metadata and credentials of cloud machines are served.
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

// list is the families that are chosen.
func (f Families) list() []Family {
	switch f {
	case OnlyIPv4:
		return []Family{IPv4}
	case OnlyIPv6:
		return []Family{IPv6}
	}
	return []Family{IPv4, IPv6}
}

// optional says that rules for the family may be missing.
func (f Families) optional(one Family) bool { return f == Available && one == IPv6 }

// Check finds everything that keeps the plan from being one, each problem with the
// name of the flag of `headway redirect` that sets it.
func (p Plan) Check() error {
	var wrong []error
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if p.To == 0 {
		problem("--to: 0 is not a port")
	}
	if len(p.Outbound)+len(p.Inbound)+len(p.Loopback) == 0 {
		problem("--outbound-port, --inbound-port, --loopback-port: nothing is to be redirected")
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
	return errors.Join(wrong...)
}
