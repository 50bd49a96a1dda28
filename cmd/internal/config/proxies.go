package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// checkProxies warns that headway connects to upstreams without the proxy that the
// environment names, unless NO_PROXY lists all upstreams. In transparent mode the
// application chooses where it connects, and there is nothing to warn about.
func (c *Config) checkProxies(environ []string, f *findings) {
	var names []string
	value, except := "", ""
	for _, kv := range environ {
		key, v, _ := strings.Cut(kv, "=")
		switch upper := strings.ToUpper(key); {
		case v == "":
		case upper == "NO_PROXY":
			except += "," + v
		case upper == "HTTP_PROXY" || upper == "HTTPS_PROXY" || upper == "ALL_PROXY":
			names, value = append(names, key), v
		}
	}
	if len(names) == 0 {
		return
	}
	var direct []string
	for i := range c.RouteTable {
		if to := c.RouteTable[i].Upstream; !listed(except, to) {
			direct = append(direct, to.Address())
		}
	}
	if len(direct) > 0 {
		f.warn(strings.Join(names, ", "), fmt.Errorf("%s has no effect: headway connects to %s directly. "+
			"If that is meant, list the hosts in NO_PROXY; for example NO_PROXY=%s", quoted(value), strings.Join(direct, ", "), c.RouteTable[0].Upstream.Host))
	}
}

// listed says whether NO_PROXY, a list with commas, has the upstream: as its name, a
// domain above it (with or without a point before it), its address, a range of
// addresses, any of these with the port, or as * for all.
func listed(list string, to exchange.Upstream) bool {
	host := strings.ToLower(strings.TrimSuffix(to.Host, "."))
	address, addressErr := netip.ParseAddr(host)
	for entry := range strings.FieldsFuncSeq(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' }) {
		if entry == "*" {
			return true
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			if addressErr == nil && prefix.Contains(address.Unmap()) {
				return true
			}
			continue
		}
		if rest, ok := strings.CutSuffix(entry, ":"+strconv.Itoa(to.Port)); ok && (strings.HasSuffix(rest, "]") || !strings.Contains(rest, ":")) {
			entry = rest
		}
		if a, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			if addressErr == nil && a.Unmap() == address.Unmap() {
				return true
			}
			continue
		}
		domain := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
		if domain != "" && addressErr != nil && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return true
		}
	}
	return false
}
