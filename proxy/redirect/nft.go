package redirect

import (
	"fmt"
	"strconv"
	"strings"
)

// table is the name of the nftables tables that hold the rules, one for each family. One
// table of the family inet could hold both, but it needs a newer kernel, and IPv4 would
// fail where IPv6 is missing.
const table = "headway"

// afterOthers is the priority of our chains, right after the usual one for address
// translation (dstnat, −100). So another program's rule decides over a connection before
// ours, no matter which was made first.
const afterOthers = -99

// nftFamily is a family's name in nft.
func nftFamily(f Family) string {
	if f == IPv4 {
		return "ip"
	}
	return "ip6"
}

// nftPriority is afterOthers as nft lists it.
func nftPriority(d direction) string {
	if d == prerouting {
		return "dstnat + 1"
	}
	return strconv.Itoa(afterOthers)
}

// nftScript is the input with which `nft -f` makes the plan's rules in one transaction,
// in place of our rules that are there already.
func nftScript(p Plan, families []Family) string {
	var b strings.Builder
	for _, f := range families {
		name := nftFamily(f) + " " + table
		fmt.Fprintf(&b, "table %s\ndelete table %s\n", name, name)
		var chains []nftChain
		for _, d := range []direction{output, prerouting} {
			c := nftChain{name: string(d), hook: fmt.Sprintf("type nat hook %s priority %s; policy accept;", d, nftPriority(d))}
			for _, r := range p.rules(d, f) {
				c.rules = append(c.rules, r.nft(d))
			}
			if len(c.rules) > 0 {
				chains = append(chains, c)
			}
		}
		b.WriteString(nftTable(f, chains))
	}
	return b.String()
}

// nftChain is a chain in nft's words.
type nftChain struct {
	name, hook string
	rules      []string
}

// nftTable is our table of the family as nft lists it.
func nftTable(f Family, chains []nftChain) string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s %s {\n", nftFamily(f), table)
	for i, c := range chains {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "\tchain %s {\n\t\t%s\n", c.name, c.hook)
		for _, r := range c.rules {
			fmt.Fprintf(&b, "\t\t%s\n", r)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}
